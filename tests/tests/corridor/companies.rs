//! Codes that mean different things in different companies, or at different times.

use std::fs;

use millrace_tests::odoo::Database;
use millrace_tests::world::{Target, World, scan};
use serde_json::{Value, json};

use crate::books::{all_applied, await_dead, on_hand, outcomes};

fn company(db: &Database, letter: &str) -> i64 {
    db.instance.seed["plants"][letter]["company"]["id"]
        .as_i64()
        .unwrap()
}

#[test]
fn one_code_in_two_companies_is_each_plants_own() {
    let db = Database::new();
    let (a, b) = (company(&db, "A"), company(&db, "B"));
    let mut world = World::new(&Target::Odoo(&db));
    world.admit_neighbour(&db);
    world.start_relay();
    world.start_agent();
    world.start_neighbour();
    let gtin = db.instance.seed["plants"]["A"]["items"]["FG-BRACKET"]["barcode"].clone();
    assert_eq!(
        gtin,
        db.instance.seed["plants"]["B"]["items"]["FG-BRACKET"]["barcode"]
    );
    let ean = gtin.as_str().unwrap();
    scan(
        world.count,
        &["L:LINE-A", &format!("I:{ean}"), "Q:7", "CMD:CONFIRM"],
    )
    .unwrap();
    scan(
        world.neighbour.count,
        &["L:LINE-A", &format!("I:{ean}"), "Q:12", "CMD:CONFIRM"],
    )
    .unwrap();
    world.eventually("both are booked", || outcomes(&db) == ["done 2"]);
    assert_eq!(on_hand(&db, a, "FG-BRACKET", "LINE-A"), 7.0);
    assert_eq!(on_hand(&db, b, "FG-BRACKET", "LINE-A"), 12.0);
    // What only the neighbour has stays unknown here.
    let theirs = &db.instance.seed["plants"]["B"]["items"]["FG-BRACKET"]["case"]["barcode"];
    let item = format!("I:{}", theirs.as_str().unwrap());
    scan(world.count, &["L:LINE-B", &item, "Q:1", "CMD:CONFIRM"]).unwrap();
    let (_, text) = await_dead(&world, true, "unknown-item");
    assert!(text.contains("in this company"), "{text}");
}

#[test]
fn a_code_moved_to_another_product_between_cache_and_posting_counts_the_product_that_has_it() {
    let db = Database::new();
    let a = company(&db, "A");
    let items = &db.instance.seed["plants"]["A"]["items"];
    let mut world = World::new(&Target::Odoo(&db));
    world.start_relay();
    world.start_agent();
    // The relay remembers what the code means.
    scan(world.count, &["L:SHELF-1", "I:PART-BOLT", "Q:5", "CMD:CONFIRM"]).unwrap();
    world.eventually("the first is booked", || outcomes(&db) == ["done 1"]);
    let rename = |item: &Value, code: &str| {
        let vals = json!({ "ids": [item["id"]], "vals": { "default_code": code } });
        db.admin(a, "product.product", "write", vals);
    };
    rename(&items["PART-BOLT"], "PART-BOLT-OLD");
    rename(&items["FG-BRACKET"], "PART-BOLT");
    scan(world.count, &["L:SHELF-1", "I:PART-BOLT", "Q:9", "CMD:CONFIRM"]).unwrap();
    world.eventually("the second is booked", || all_applied(&world, 2));
    assert_eq!(on_hand(&db, a, "PART-BOLT-OLD", "SHELF-1"), 5.0);
    assert_eq!(on_hand(&db, a, "PART-BOLT", "SHELF-1"), 9.0);
}

#[test]
fn a_plant_whose_key_is_missing_waits_alone_and_goes_on_once_it_is_there() {
    let db = Database::new();
    let (a, b) = (company(&db, "A"), company(&db, "B"));
    let mut world = World::new(&Target::Odoo(&db));
    world.admit_neighbour(&db);
    let key = world.folder().join("plant-b.key");
    let lost = world.folder().join("plant-b.key.lost");
    fs::rename(&key, &lost).unwrap();
    world.start_relay();
    world.start_agent();
    world.start_neighbour();
    for port in [world.count, world.neighbour.count] {
        scan(port, &["L:LINE-A", "I:FG-BRACKET", "Q:7", "CMD:CONFIRM"]).unwrap();
    }
    world.eventually("plant A's is booked", || {
        on_hand(&db, a, "FG-BRACKET", "LINE-A") == 7.0
    });
    world.eventually("it is said what plant B's domain lacks", || {
        let logs = world.logs();
        logs.contains("plant-b.key: No such file") && logs.contains("domain pauses")
    });
    fs::rename(&lost, &key).unwrap();
    world.order(&["flush"]);
    world.eventually("plant B's is booked", || {
        on_hand(&db, b, "FG-BRACKET", "LINE-A") == 7.0
    });
}
