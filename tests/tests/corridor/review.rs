//! What the office typed in by hand during an outage is reviewed before it posts a second time.

use millrace_tests::odoo::Database;
use millrace_tests::wire::{Deed, Wire};
use millrace_tests::world::{Target, World, message, post};
use serde_json::{Value, json};

use crate::books::{dead, fates, outcomes, some};

/// Ten slips of one purchase order: each waits behind the one before.
fn slips(purchase: &Value) -> Value {
    let slip = |number: usize| {
        let body = json!({ "purchase": purchase["name"], "item": "PART-BOLT", "quantity": some("24") });
        message("receipt.arrive", &format!("slip-{number}"), body)
    };
    (1..=10).map(slip).collect()
}

#[test]
fn a_hold_that_stands_shows_all_that_arrives_and_not_only_the_first_of_a_key() {
    let db = Database::new();
    let purchase = &db.instance.seed["plants"]["A"]["purchases"]["one_step"][0];
    let mut world = World::new(&Target::Odoo(&db));
    world.start_relay();
    world.eventually("the relay listens to people", || {
        world.ask("relay", &["flush"]).0 == Some(0)
    });
    world.order(&[
        "hold",
        "--kind",
        "receipt.arrive",
        "--reason",
        "the office typed slips in",
    ]);
    world.start_agent();
    post(world.http, &slips(purchase)).unwrap();
    world.eventually("all are held", || dead(&world, true).len() == 10);
    assert_eq!(outcomes(&db), [""; 0]);
    world.order(&["release", "--kind", "receipt.arrive"]);
    world.eventually("all are received", || outcomes(&db) == ["done 10"]);
}

#[test]
fn five_of_ten_held_receipts_typed_in_by_hand_and_discarded_leave_each_received_once() {
    let db = Database::new();
    let plant = &db.instance.seed["plants"]["A"];
    let purchase = &plant["purchases"]["one_step"][0];
    let wire = Wire::to(db.instance);
    let mut world = World::new(&Target::Odoo(&db));
    world.over(&wire, &db);
    wire.rule(|_| Deed::Cut);
    world.start_relay();
    world.start_agent();
    let (status, told) = post(world.http, &slips(purchase)).unwrap();
    assert!(status < 300, "{told}");
    world.eventually("all are at the relay", || {
        fates(&world).iter().all(|fate| fate.starts_with("stored"))
    });
    world.order(&[
        "hold",
        "--kind",
        "receipt.arrive",
        "--reason",
        "the office typed slips in during the outage",
    ]);
    wire.heal();
    let held = dead(&world, true);
    assert_eq!(held.len(), 10, "{held:?}");
    assert!(held.iter().all(|slip| slip["reason"] == "review"), "{held:?}");

    // The office received five of them by hand.
    let office = |model: &str, method: &str, arguments: Value| {
        db.call(
            plant["users"]["office"]["key"].as_str().unwrap(),
            model,
            method,
            arguments,
        )
    };
    let picking = &purchase["receipts"][0]["id"];
    let domain = json!([
        ["picking_id", "=", picking],
        ["product_id.default_code", "=", "PART-BOLT"]
    ]);
    let moves = office("stock.move", "search", json!({ "domain": domain }));
    office(
        "stock.move",
        "write",
        json!({ "ids": moves, "vals": { "quantity": 120, "picked": true } }),
    );
    let validate = json!({ "ids": [picking], "context": { "skip_backorder": true } });
    office("stock.picking", "button_validate", validate);

    let mut discard = vec!["dead", "discard", "--reason", "typed in by hand"];
    for slip in &held[..5] {
        discard.extend(["--id", slip["id"].as_str().unwrap()]);
    }
    world.order(&discard);
    world.order(&["release", "--kind", "receipt.arrive"]);
    world.eventually("all ten are settled", || {
        let fates = fates(&world);
        let count = |end: &str| fates.iter().filter(|fate| fate.starts_with(end)).count();
        (count("settled applied"), count("settled discarded by")) == (5, 5)
    });
    let received = format!(
        "select qty_received::float from purchase_order_line where id = {}",
        purchase["lines"]["PART-BOLT"]["id"]
    );
    assert_eq!(db.one(&received), "240");
    assert_eq!(outcomes(&db), ["done 5", "void 5"]);
}
