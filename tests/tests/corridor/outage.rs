//! What happened while the line, the relay or its disk was away.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::SignedDuration;
use millrace_tests::odoo::Database;
use millrace_tests::wire::{Deed, Wire};
use millrace_tests::world::{Target, World, message, post, scan};
use serde_json::json;

use crate::books::{all_applied, await_dead, fates, made, on_hand, outcomes, some, split};

#[test]
fn a_reply_cut_after_the_commit_and_a_relay_that_lost_its_store_leave_one_effect() {
    let db = Database::new();
    let name = db.instance.seed["plants"]["A"]["orders"]["untracked"][0]["name"].clone();
    let name = name.as_str().unwrap();
    let wire = Wire::to(db.instance);
    let mut world = World::new(&Target::Odoo(&db));
    world.over(&wire, &db);
    world.policy("negative_stock = \"allow\"\nproduction = \"post\"");
    // The first posting is done, its answer is lost, and then Odoo cannot be reached.
    let cuts = Arc::new(AtomicUsize::new(0));
    let seen = cuts.clone();
    wire.rule(
        move |call| match (call.what.as_str(), seen.load(Ordering::SeqCst)) {
            ("millrace.posting/apply", 0) => {
                seen.store(1, Ordering::SeqCst);
                Deed::CutReply
            }
            (_, 0) => Deed::Pass,
            _ => Deed::Cut,
        },
    );
    world.start_relay();
    world.start_agent();
    scan(world.production, &[&format!("O:{name}"), "Q:4", "CMD:CONFIRM"]).unwrap();
    world.eventually("Odoo has committed", || outcomes(&db) == ["done 1"]);
    assert_eq!(cuts.load(Ordering::SeqCst), 1);
    let parts =
        [(1, "done 4 4"), (2, "confirmed 6 0")].map(|(number, part)| format!("{name}-{number:03} {part}"));
    assert_eq!(split(&db, name), parts);
    assert!(!all_applied(&world, 1), "the plant cannot know yet");
    world.kill_relay();
    world.wipe_relay();
    wire.heal();
    world.start_relay();
    world.eventually("the plant has refilled the relay", || all_applied(&world, 1));
    assert_eq!(split(&db, name), parts);
    assert_eq!((made(&db, name), outcomes(&db)), (4.0, vec!["done 1".to_owned()]));
}

#[test]
fn a_count_of_100_taken_offline_at_book_95_and_a_later_consumption_of_10_make_90() {
    let db = Database::new();
    let plant = &db.instance.seed["plants"]["A"];
    let name = plant["orders"]["untracked"][0]["name"].clone();
    let mut world = World::new(&Target::Odoo(&db));
    world.start_relay();
    world.start_agent();
    scan(world.count, &["L:STOCK", "I:RAW-STEEL", "Q:95", "CMD:CONFIRM"]).unwrap();
    world.eventually("the book says 95", || {
        on_hand(&db, 1, "RAW-STEEL", "STOCK") == 95.0
    });
    world.kill_relay();
    scan(world.count, &["L:STOCK", "I:RAW-STEEL", "Q:100", "CMD:CONFIRM"]).unwrap();
    let used = json!({ "order": name, "item": "RAW-STEEL", "quantity": some("10") });
    let (status, told) = post(world.http, &message("material.consume", "use-1", used)).unwrap();
    assert!(status < 300, "{told}");
    assert_eq!(on_hand(&db, 1, "RAW-STEEL", "STOCK"), 95.0);
    world.start_relay();
    world.eventually("both are applied", || all_applied(&world, 3));
    assert_eq!(on_hand(&db, 1, "RAW-STEEL", "STOCK"), 90.0);
}

#[test]
fn a_consumption_before_its_receipt_waits_and_goes_on_by_itself_once_the_goods_are_there() {
    let db = Database::new();
    let plant = &db.instance.seed["plants"]["A"];
    let name = plant["orders"]["untracked"][0]["name"].clone();
    let purchase = plant["purchases"]["one_step"][0]["name"].clone();
    let mut world = World::new(&Target::Odoo(&db));
    world.policy("negative_stock = \"wait\"");
    world.start_relay();
    world.start_agent();
    scan(world.count, &["L:STOCK", "I:PART-BOLT", "Q:0", "CMD:CONFIRM"]).unwrap();
    let used = json!({ "order": name, "item": "PART-BOLT", "quantity": some("40") });
    post(world.http, &message("material.consume", "use-1", used)).unwrap();
    let (_, text) = await_dead(&world, true, "negative-stock");
    assert!(text.contains("below zero"), "{text}");
    let arrived = json!({ "purchase": purchase, "item": "PART-BOLT", "quantity": some("240") });
    post(world.http, &message("receipt.arrive", "in-1", arrived)).unwrap();
    world.eventually("all are applied", || all_applied(&world, 3));
    assert_eq!(on_hand(&db, 1, "PART-BOLT", "STOCK"), 200.0);
}

#[test]
fn a_consumption_that_waits_too_long_for_its_receipt_becomes_a_dead_letter_that_can_be_tried_again() {
    let db = Database::new();
    let plant = &db.instance.seed["plants"]["A"];
    let name = plant["orders"]["untracked"][0]["name"].clone();
    let purchase = plant["purchases"]["one_step"][0]["name"].clone();
    let mut world = World::new(&Target::Odoo(&db));
    world.policy("negative_stock = \"wait\"");
    world.change("relay", |text| {
        text.replace("[plant.policy]", "stock_wait_hours = 72\n[plant.policy]")
    });
    world.set_relay_clock(SignedDuration::ZERO);
    world.start_relay();
    world.start_agent();
    scan(world.count, &["L:STOCK", "I:PART-BOLT", "Q:0", "CMD:CONFIRM"]).unwrap();
    let used = json!({ "order": name, "item": "PART-BOLT", "quantity": some("40") });
    post(world.http, &message("material.consume", "use-1", used)).unwrap();
    let (id, _) = await_dead(&world, true, "negative-stock");
    world.set_relay_clock(SignedDuration::from_hours(73));
    let (late, text) = await_dead(&world, false, "no-stock");
    assert_eq!(late, id);
    assert!(
        text.contains("waited for that for 72 hours") && text.contains("retry"),
        "{text}"
    );
    world.eventually("the plant knows", || {
        fates(&world)[1].starts_with("dead no-stock")
    });
    let arrived = json!({ "purchase": purchase, "item": "PART-BOLT", "quantity": some("240") });
    post(world.http, &message("receipt.arrive", "in-1", arrived)).unwrap();
    world.eventually("the goods are there", || {
        on_hand(&db, 1, "PART-BOLT", "STOCK") == 240.0
    });
    world.order(&["dead", "retry", "--id", &id]);
    world.eventually("all are applied", || all_applied(&world, 3));
    assert_eq!(on_hand(&db, 1, "PART-BOLT", "STOCK"), 200.0);
}
