//! What Odoo's own tables say, and what the agent says of its messages.

use millrace_tests::odoo::Database;
use millrace_tests::world::World;
use serde_json::{Value, json};

/// How much of an item lies at a location of a company, over all lots and rows.
pub fn on_hand(db: &Database, company: i64, item: &str, location: &str) -> f64 {
    let sum = db.one(&format!(
        "select coalesce(sum(q.quantity), 0) from stock_quant q join product_product p on p.id = q.product_id \
         join stock_location l on l.id = q.location_id where p.default_code = '{item}' and l.barcode = '{location}' \
         and l.company_id = {company}"
    ));
    sum.parse().unwrap()
}

/// State and quantity registered of an order of plant A.
pub fn order(db: &Database, name: &str) -> (String, f64) {
    let rows = db.sql(&format!(
        "select state, coalesce(qty_producing, 0) from mrp_production where name = '{name}' and company_id = 1"
    ));
    (rows[0][0].clone(), rows[0][1].parse().unwrap())
}

/// Name, state, planned and registered quantity of every order that this one of plant A was split into.
pub fn split(db: &Database, name: &str) -> Vec<String> {
    let group = format!(
        "select o.production_group_id from mrp_production o where o.company_id = 1 and (o.name = '{name}' or o.name = '{name}-001')"
    );
    let rows = db.sql(&format!(
        "select name || ' ' || state || ' ' || product_qty::float || ' ' || coalesce(qty_producing, 0)::float \
         from mrp_production where production_group_id in ({group}) order by id"
    ));
    rows.into_iter().flatten().collect()
}

/// How much of a product was made on an order of plant A and what it was split into.
pub fn made(db: &Database, name: &str) -> f64 {
    let sum = db.one(&format!(
        "select coalesce(sum(m.quantity), 0) from stock_move m join mrp_production o on o.id = m.production_id \
         where m.state = 'done' and o.company_id = 1 and (o.name = '{name}' or o.name like '{name}-%')"
    ));
    sum.parse().unwrap()
}

/// How many messages have which outcome in Odoo, such as `done 3`.
pub fn outcomes(db: &Database) -> Vec<String> {
    let rows = db.sql("select state || ' ' || count(*) from millrace_inbox group by state order by state");
    rows.into_iter().flatten().collect()
}

/// Where the agent's messages stand, oldest first, such as `settled annulled with …`.
pub fn fates(world: &World) -> Vec<String> {
    let (code, rows) = world.ask("agent", &["messages", "list", "--limit", "1000"]);
    assert_eq!(code, Some(0), "{rows:?}");
    let word = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
    let fate = |row: &Value| format!("{} {}", word(row, "state"), word(row, "detail"));
    rows.iter().map(fate).collect()
}

/// Whether all of the agent's messages took effect, and so many they are.
pub fn all_applied(world: &World, count: usize) -> bool {
    let fates = fates(world);
    fates.len() == count && fates.iter().all(|fate| fate.starts_with("settled applied"))
}

/// The dead letters at the relay, or what is held there; none where its store is not there yet.
pub fn dead(world: &World, held: bool) -> Vec<Value> {
    let held = if held { &["--held"][..] } else { &[] };
    let (code, rows) = world.ask("relay", &[&["dead", "list"], held].concat());
    if code == Some(0) { rows } else { Vec::new() }
}

/// Waits until one message is dead, or held, for this reason, and gives its id and the text for people.
pub fn await_dead(world: &World, held: bool, reason: &str) -> (String, String) {
    let mut found = Value::Null;
    world.eventually(reason, || {
        found = dead(world, held).pop().unwrap_or_default();
        found["reason"] == reason
    });
    (
        found["id"].as_str().unwrap().to_owned(),
        found["text"].as_str().unwrap().to_owned(),
    )
}

/// A quantity without a unit.
pub fn some(value: &str) -> Value {
    json!({ "value": value })
}
