//! Dead letters that a person corrects.

use std::time::Duration;

use millrace_tests::odoo::Database;
use millrace_tests::world::{Target, World, scan};
use serde_json::json;

use crate::books::{all_applied, await_dead, dead, fates, made, order, outcomes, split};

#[test]
fn a_wrong_lot_corrected_by_amend_is_done_once() {
    let db = Database::new();
    let lot_order = db.instance.seed["plants"]["A"]["orders"]["lot"][0]["name"].clone();
    let name = lot_order.as_str().unwrap();
    let mut world = World::new(&Target::Odoo(&db));
    world.policy("negative_stock = \"allow\"\nreserved_lots = true");
    world.start_relay();
    world.start_agent();
    let told = scan(
        world.production,
        &[&format!("O:{name}"), "LOT:SEAL-7", "Q:40", "CMD:CONFIRM"],
    )
    .unwrap();
    assert!(told[3].starts_with("BOOKED"), "{told:?}");
    let told = scan(
        world.production,
        &[&format!("O:{name}"), "LOT:SEAL-8", "Q:60", "CMD:CONFIRM"],
    )
    .unwrap();
    assert!(told[3].starts_with("BOOKED"), "{told:?}");
    let (id, text) = await_dead(&world, false, "lot-differs");
    assert!(text.contains("SEAL-7"), "{text}");
    // A rehearsal says that it would be refused again, and changes nothing.
    let (code, told) = world.ask("relay", &["dead", "try", &id]);
    assert_eq!(code, Some(1), "{told:?}");
    assert_eq!(order(&db, name), ("progress".into(), 40.0));
    world.order(&[
        "dead",
        "amend",
        &id,
        "--set",
        "lot=SEAL-7",
        "--reason",
        "the label of the shift before",
    ]);
    world.eventually("both are applied", || all_applied(&world, 2));
    assert_eq!(split(&db, name), [format!("{name} done 100 100")]);
    let lots = db.sql(
        "select n.name, sum(l.quantity)::float from stock_move_line l join stock_lot n on n.id = l.lot_id \
         join stock_move m on m.id = l.move_id where m.production_id is not null and l.state = 'done' group by 1",
    );
    assert_eq!(lots, [["SEAL-7", "100"]]);
    assert_eq!(outcomes(&db), ["done 2"]);
    // It is corrected no second time.
    let (code, told) = world.ask(
        "relay",
        &["dead", "amend", &id, "--set", "lot=SEAL-9", "--reason", "again"],
    );
    assert_ne!(code, Some(0), "{told:?}");
    let trace = json!(world.order(&["trace", &id])).to_string();
    for part in ["lot-differs", "the label of the shift before", "mrp.production"] {
        assert!(trace.contains(part), "{part}: {trace}");
    }
}

#[test]
fn an_order_cancelled_meanwhile_is_amended_to_another_and_made_there_once() {
    let db = Database::new();
    let plant = &db.instance.seed["plants"]["A"];
    let orders = &plant["orders"]["untracked"];
    let (cancelled, other) = (
        orders[0]["name"].as_str().unwrap(),
        orders[1]["name"].as_str().unwrap(),
    );
    let mut world = World::new(&Target::Odoo(&db));
    world.start_agent();
    scan(
        world.production,
        &[&format!("O:{cancelled}"), "Q:10", "CMD:CONFIRM"],
    )
    .unwrap();
    let office = plant["users"]["office"]["key"].as_str().unwrap();
    db.call(
        office,
        "mrp.production",
        "action_cancel",
        json!({ "ids": [orders[0]["id"]] }),
    );
    world.start_relay();
    let (id, text) = await_dead(&world, false, "order-closed");
    assert!(text.contains(&format!("order {cancelled} is cancel")), "{text}");
    // Long before the next hello.
    world.within(Duration::from_secs(20), "the plant hears of it", || {
        fates(&world)[0].starts_with("dead order-closed")
    });
    let set = format!("order={other}");
    world.order(&[
        "dead",
        "amend",
        &id,
        "--set",
        &set,
        "--reason",
        "the planner moved the job",
    ]);
    world.eventually("it is applied", || all_applied(&world, 1));
    assert_eq!(order(&db, other), ("done".into(), 10.0));
    assert_eq!((made(&db, other), made(&db, cancelled)), (10.0, 0.0));
    assert_eq!(dead(&world, false).len(), 0);
}
