//! Messages a second into a real Odoo whose database flushes each commit, beside a client that makes one call a step,
//! and beside the same work done inside Odoo, vectorised.

use std::time::{Duration, Instant};

use millrace_shared::ident::Lane;
use millrace_shared::store::inbox::InboxView as _;
use millrace_shared::store::sqlite::inbox::SqliteInboxReader;
use serde_json::json;

use super::Say;
use super::stepwise::Stepwise;
use super::table::{Aim, Row};
use crate::load::{Mes, confirm_line, count_line};
use crate::odoo::{self, Database, Instance, text};
use crate::world::{Target, World};

/// Messages of each kind: through the relay, call by call, and inside Odoo.
const OURS: usize = 400;
const STEPWISE: usize = 100;
const INSIDE: usize = 200;
/// Where is counted.
const PLACE: &str = "SHELF-1";
/// Longest time that nothing may move.
const STANDSTILL: Duration = Duration::from_secs(120);

/// Untracked orders and counts.
pub fn measure(say: Say<'_>) {
    let folder = odoo::folder();
    let instance = Instance::durable(folder.path().join("odoo"));
    let database = Database::of(instance);
    let all = OURS + STEPWISE + INSIDE;
    let (orders, items) = database.furnish(all, 10, all);
    let plant = &instance.seed["plants"]["A"];
    let stepwise = Stepwise {
        database: &database,
        key: text(&plant["users"]["bot"]["key"]),
        company: plant["company"]["id"].as_i64().expect("an id"),
    };
    let (ours, rest) = orders.split_at(OURS);
    let (by_step, inside) = rest.split_at(STEPWISE);
    let (our_items, rest) = items.split_at(OURS);
    let (items_by_step, items_inside) = rest.split_at(STEPWISE);
    let orders_by_step = stepwise.orders_per_second(by_step);
    let counts_by_step = stepwise.counts_per_second(items_by_step, PLACE);
    let took = database.shell(&format!(
        "ORDERS, ITEMS, PLACE, LOGIN = {}, {}, {}, {}\n\n{}",
        json!(inside),
        json!(items_inside),
        json!(PLACE),
        plant["users"]["bot"]["login"],
        include_str!("vectorised.py")
    ));
    let vectorised = |what: &str| INSIDE as f64 / took[what].as_f64().expect("seconds");
    let confirmations: String = ours
        .iter()
        .map(|order| confirm_line(&format!("done-{order}"), order, 10))
        .collect();
    let counts = our_items
        .iter()
        .map(|item| count_line(&format!("count-{item}"), item, PLACE, 7));
    let orders_per_second = through_the_relay(&database, &confirmations);
    let counts_per_second = through_the_relay(&database, &counts.collect::<String>());
    check(&database, &orders);
    let rows = [
        (
            "untracked orders",
            orders_per_second,
            orders_by_step,
            vectorised("orders"),
            6.0,
        ),
        (
            "counts",
            counts_per_second,
            counts_by_step,
            vectorised("counts"),
            8.0,
        ),
    ];
    for (what, reached, by_step, inside, aim) in rows {
        let row = || Row::new(format!("into Odoo, {what}"), reached, "messages/s");
        say(row().against(by_step, "/s, one call a step").aim(Aim::Share(aim)));
        say(row().against(inside, "/s, inside Odoo, vectorised"));
    }
    drop(database);
    instance.remove();
}

/// Has an agent take the lines while the relay is away, then starts the relay: messages applied a second, from the
/// first that are seen applied until all are.
fn through_the_relay(database: &Database, lines: &str) -> f64 {
    let mut world = World::new(&Target::Odoo(database));
    world.start_agent();
    let all = lines.lines().count() as u64;
    let mut mes = Mes::at(world.http).expect("a connection");
    mes.post(lines).expect("they are taken");
    world.start_relay();
    let inbox = world.folder().join("relay/inbox.sqlite");
    world.eventually("the inbox is there", || SqliteInboxReader::open(&inbox).is_ok());
    let inbox = SqliteInboxReader::open(&inbox).expect("an inbox");
    let (mut began, mut moved, mut last) = (None, Instant::now(), 0);
    while last < all {
        std::thread::sleep(Duration::from_millis(20));
        let lanes = inbox.backlog().expect("a backlog");
        let lane = lanes.iter().find(|lane| lane.lane == Lane::Normal);
        let settled = lane.map_or(0, |lane| lane.settled);
        if settled > last {
            (last, moved) = (settled, Instant::now());
            began.get_or_insert((moved, settled));
        }
        assert!(
            moved.elapsed() < STANDSTILL,
            "nothing moves: {lanes:?}\n{}",
            world.logs()
        );
    }
    let (start, first) = began.expect("something was settled");
    (all - first) as f64 / start.elapsed().as_secs_f64()
}

/// Every order is done in Odoo, and every item was counted.
fn check(database: &Database, orders: &[String]) {
    let done = "select count(*) from mrp_production p where state = 'done' and company_id = 1 and 10 = (select \
                sum(m.quantity) from stock_move m where m.production_id = p.id and m.product_id = p.product_id \
                and m.state = 'done')";
    let done: usize = database.one(done).parse().expect("a number");
    assert!(
        done >= orders.len(),
        "only {done} of {} orders are done",
        orders.len()
    );
    let counted = "select count(*) from stock_quant q join product_product p on p.id = q.product_id \
                   where p.default_code like 'BENCH-%' and q.quantity = 7 and q.location_id = \
                   (select id from stock_location where barcode = 'SHELF-1' and company_id = 1)";
    let counted: usize = database.one(counted).parse().expect("a number");
    assert_eq!(counted, orders.len(), "not every item was counted");
}
