//! Production confirmations of what has lots and serial numbers, made or used.

use millrace_relay::post::Booking;
use serde_json::{Value, json};

use crate::clerk::Clerk;
use crate::production::{moved, orders};

/// How much of which lot of a product moved for the orders of the group.
fn lots(clerk: &Clerk, id: i64, item: &str) -> Vec<String> {
    let group = format!("(SELECT production_group_id FROM mrp_production WHERE id = {id})");
    let query = format!(
        "SELECT coalesce(n.name, 'none') || ' ' || sum(l.quantity)::float FROM stock_move_line l \
         JOIN stock_move m ON m.id = l.move_id LEFT JOIN stock_lot n ON n.id = l.lot_id \
         JOIN mrp_production o ON o.id = coalesce(m.production_id, m.raw_material_production_id) \
         WHERE l.state = 'done' AND l.product_id = {} AND o.production_group_id = {group} \
         GROUP BY n.name ORDER BY 1",
        clerk.item(item)
    );
    clerk.db.sql(&query).into_iter().flatten().collect()
}

fn seal(order: &str, value: &str, lot: &str) -> Value {
    json!({
        "order": order, "quantity": { "value": value }, "lot": lot,
        "components": [{ "item": "RAW-RESIN", "lot": "RESIN-2602", "quantity": { "value": "1" } }]
    })
}

#[tokio::test]
async fn a_finished_lot_is_made_once_and_used_again() {
    let mut clerk = Clerk::new().await;
    clerk.policies.base.booking = Booking::Post;
    let (id, name) = clerk.order("lot", 0);
    clerk
        .say("production.confirm", seal(&name, "40", "SEAL-7"))
        .await
        .record();
    clerk
        .say("production.confirm", seal(&name, "30", "SEAL-8"))
        .await
        .record();
    clerk
        .say("production.confirm", seal(&name, "30", "SEAL-7"))
        .await
        .record();
    assert_eq!(lots(&clerk, id, "FG-SEAL"), ["SEAL-7 70", "SEAL-8 30"]);
    assert_eq!(lots(&clerk, id, "RAW-RESIN"), ["RESIN-2602 3"]);
    assert_eq!(
        clerk
            .db
            .one("SELECT count(*) FROM stock_lot WHERE name LIKE 'SEAL-%'"),
        "2"
    );
    assert!(orders(&clerk, id).iter().all(|order| order.contains(" done ")));
}

#[tokio::test]
async fn an_order_that_accumulates_keeps_its_one_lot() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("lot", 0);
    clerk
        .say("production.confirm", seal(&name, "40", "SEAL-7"))
        .await
        .record();
    let text = clerk
        .say("production.confirm", seal(&name, "10", "SEAL-8"))
        .await
        .refused("lot-differs");
    assert!(text.contains("SEAL-7"), "{text}");
    let rest = json!({ "order": name, "quantity": { "value": "60" } });
    clerk.say("production.confirm", rest).await.record();
    assert_eq!(lots(&clerk, id, "FG-SEAL"), ["SEAL-7 100"]);
    assert_eq!(lots(&clerk, id, "RAW-RESIN"), ["RESIN-2602 1"]);
}

#[tokio::test]
async fn odoo_is_given_no_chance_to_invent_a_lot() {
    let mut clerk = Clerk::new().await;
    let (_, name) = clerk.order("lot", 0);
    let body = json!({ "order": name, "quantity": { "value": "100" } });
    clerk.say("production.confirm", body).await.refused("lot-missing");
    let (_, name) = clerk.order("untracked", 0);
    let body = json!({ "order": name, "quantity": { "value": "10" }, "lot": "X" });
    clerk
        .say("production.confirm", body)
        .await
        .refused("lot-unexpected");
}

#[tokio::test]
async fn a_traced_component_that_was_not_scanned_is_refused_unless_reserved_lots_may_be_used() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("lot_work_order", 0);
    let body = json!({ "order": name, "quantity": { "value": "10" }, "lot": "PANEL-1" });
    clerk
        .say("production.confirm", body.clone())
        .await
        .refused("lot-missing");
    clerk.policies.base.reserved_lots = true;
    clerk.say("production.confirm", body).await.record();
    assert_eq!(
        moved(&clerk, id),
        ["FG-PANEL +10", "RAW-RESIN -15", "RAW-STEEL -5"]
    );
    assert_eq!(lots(&clerk, id, "RAW-RESIN"), ["RESIN-2601 15"]);
    let work = format!("SELECT string_agg(state, ' ') FROM mrp_workorder WHERE production_id = {id}");
    assert_eq!(clerk.db.one(&work), "done");
}

#[tokio::test]
async fn a_component_of_two_lots_is_consumed_from_both() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("lot_work_order", 0);
    let part =
        |lot: &str, value: &str| json!({ "item": "RAW-RESIN", "lot": lot, "quantity": { "value": value } });
    let body = json!({
        "order": name, "quantity": { "value": "10" }, "lot": "PANEL-1",
        "components": [part("RESIN-2601", "9"), part("RESIN-2602", "6.25")]
    });
    clerk.say("production.confirm", body).await.record();
    assert_eq!(lots(&clerk, id, "RAW-RESIN"), ["RESIN-2601 9", "RESIN-2602 6.25"]);
}

fn pump(order: &str, serials: &[&str]) -> Value {
    let used = format!("{}", 0.25 * serials.len() as f64);
    json!({
        "order": order, "quantity": { "value": serials.len().to_string() }, "serials": serials,
        "components": [{ "item": "RAW-RESIN", "lot": "RESIN-2601", "quantity": { "value": used } }]
    })
}

#[tokio::test]
async fn serial_numbers_are_made_one_a_piece() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("serial", 0);
    clerk
        .say("production.confirm", pump(&name, &["P-1", "P-2", "P-3"]))
        .await
        .record();
    assert_eq!(lots(&clerk, id, "FG-PUMP"), ["P-1 1", "P-2 1", "P-3 1"]);
    assert_eq!(
        moved(&clerk, id),
        ["FG-PUMP +3", "PART-BOLT -18", "RAW-RESIN -0.75"]
    );
    assert_eq!(orders(&clerk, id), [format!("{name} done 3 3")]);
}

#[tokio::test]
async fn serial_numbers_come_one_by_one_and_add_up() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("serial", 0);
    clerk
        .say("production.confirm", pump(&name, &["P-1"]))
        .await
        .record();
    clerk
        .say("production.confirm", pump(&name, &["P-1"]))
        .await
        .refused("serial-count");
    clerk
        .say("production.confirm", pump(&name, &["P-2"]))
        .await
        .record();
    assert_eq!(orders(&clerk, id), [format!("{name} progress 3 2")]);
    clerk
        .say("production.confirm", pump(&name, &["P-3"]))
        .await
        .record();
    assert_eq!(lots(&clerk, id, "FG-PUMP"), ["P-1 1", "P-2 1", "P-3 1"]);
    assert_eq!(
        moved(&clerk, id),
        ["FG-PUMP +3", "PART-BOLT -18", "RAW-RESIN -0.75"]
    );
}

#[tokio::test]
async fn serial_numbers_are_split_off_with_a_backorder() {
    let mut clerk = Clerk::new().await;
    clerk.policies.base.booking = Booking::Post;
    let (id, name) = clerk.order("serial", 0);
    clerk
        .say("production.confirm", pump(&name, &["P-1", "P-2"]))
        .await
        .record();
    assert_eq!(
        orders(&clerk, id),
        [
            format!("{name}-001 done 2 2"),
            format!("{name}-002 confirmed 1 0")
        ]
    );
    clerk
        .say("production.confirm", pump(&name, &["P-3"]))
        .await
        .record();
    assert_eq!(lots(&clerk, id, "FG-PUMP"), ["P-1 1", "P-2 1", "P-3 1"]);
    assert_eq!(
        moved(&clerk, id),
        ["FG-PUMP +3", "PART-BOLT -18", "RAW-RESIN -0.75"]
    );
}

#[tokio::test]
async fn a_serial_number_is_made_only_once_and_needs_one_piece() {
    let mut clerk = Clerk::new().await;
    let (_, first) = clerk.order("serial", 0);
    let (id, second) = clerk.order("serial", 1);
    clerk
        .say("production.confirm", pump(&first, &["P-1", "P-2", "P-3"]))
        .await
        .record();
    clerk
        .say("production.confirm", pump(&second, &["P-3", "P-4", "P-5"]))
        .await
        .refused("refused");
    assert_eq!(orders(&clerk, id), [format!("{second} confirmed 3 0")]);
    assert_eq!(
        clerk
            .db
            .one("SELECT count(*) FROM stock_lot WHERE name IN ('P-4', 'P-5')"),
        "0"
    );
    let body = json!({ "order": second, "quantity": { "value": "2" }, "serials": ["P-6"] });
    clerk
        .say("production.confirm", body)
        .await
        .refused("serial-count");
}
