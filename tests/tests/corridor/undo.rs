//! Undoing at the station: before the message left, while it is parked, while it is being posted, and after.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use millrace_tests::odoo::Database;
use millrace_tests::wire::{Call, Deed, Wire};
use millrace_tests::world::{Target, World, message, post, scan};
use serde_json::{Value, json};

use crate::books::{await_dead, dead, fates, on_hand, outcomes, some};

const COUNT: [&str; 4] = ["L:LINE-A", "I:FG-BRACKET", "Q:7", "CMD:CONFIRM"];

fn booked(port: u16, scans: &[&str]) {
    let told = scan(port, scans).unwrap();
    assert!(told.last().unwrap().starts_with("BOOKED"), "{told:?}");
}

/// Whether both the message and its undo came to nothing, together.
fn annulled(world: &World, count: usize) -> bool {
    let fates = fates(world);
    fates
        .iter()
        .filter(|fate| fate.starts_with("settled annulled"))
        .count()
        == count
}

#[test]
fn an_undo_before_sending_annuls_both_and_odoo_hears_of_neither() {
    let db = Database::new();
    let mut world = World::new(&Target::Odoo(&db));
    world.start_agent();
    booked(world.count, &COUNT);
    booked(world.count, &["CMD:UNDO"]);
    world.start_relay();
    world.eventually("both are annulled", || annulled(&world, 2));
    assert_eq!(on_hand(&db, 1, "FG-BRACKET", "LINE-A"), 95.0);
    assert_eq!(outcomes(&db), [""; 0]);
}

#[test]
fn an_undo_of_a_parked_message_annuls_it_and_leaves_what_it_was_parked_behind() {
    let db = Database::new();
    let mut world = World::new(&Target::Odoo(&db));
    world.start_relay();
    world.start_agent();
    booked(world.production, &["O:WA1/MO/99999", "Q:1", "CMD:CONFIRM"]);
    let (held, _) = await_dead(&world, true, "unknown-order");
    booked(world.production, &["O:WA1/MO/99999", "Q:2", "CMD:CONFIRM"]);
    world.eventually("the second is at the relay", || {
        fates(&world).iter().all(|fate| !fate.starts_with("waiting"))
    });
    booked(world.production, &["CMD:UNDO"]);
    world.eventually("the second is annulled", || annulled(&world, 2));
    let left = dead(&world, true);
    assert_eq!((left.len(), left[0]["id"].as_str().unwrap()), (1, held.as_str()));
    // One that is held itself likewise.
    booked(world.count, &["L:LINE-A", "I:NOBODY-KNOWS", "Q:7", "CMD:CONFIRM"]);
    await_dead(&world, true, "unknown-item");
    booked(world.count, &["CMD:UNDO"]);
    world.eventually("the held one is annulled", || annulled(&world, 4));
    assert_eq!(outcomes(&db), [""; 0]);
}

/// A world in which a posting stands still on its way to Odoo: the first is told when it does, the second says how it
/// goes on.
fn standing_still(db: &Database) -> (World, Receiver<()>, Sender<Deed>) {
    let wire = Wire::to(db.instance);
    let world = World::new(&Target::Odoo(db));
    world.over(&wire, db);
    let (stands, told) = channel();
    let (go, goes) = channel();
    let goes = Mutex::new(goes);
    wire.rule(move |call: &Call| {
        if call.what != "millrace.posting/apply" {
            return Deed::Pass;
        }
        let _ = stands.send(());
        // Once the test has said how the first goes on and dropped its end, all others pass.
        goes.lock()
            .map_or(Deed::Pass, |goes| goes.recv().unwrap_or(Deed::Pass))
    });
    (world, told, go)
}

/// The undo is at the relay while the posting stands still.
fn undo_meanwhile(world: &mut World, stands: &Receiver<()>) {
    world.start_relay();
    world.start_agent();
    booked(world.count, &COUNT);
    stands.recv().unwrap();
    booked(world.count, &["CMD:UNDO"]);
    world.eventually("the undo is at the relay", || {
        fates(world) == ["stored ", "stored "]
    });
}

#[test]
fn an_undo_that_races_a_posting_which_takes_effect_is_held_with_the_record_to_correct() {
    let db = Database::new();
    let (mut world, stands, go) = standing_still(&db);
    undo_meanwhile(&mut world, &stands);
    go.send(Deed::Pass).unwrap();
    drop(go);
    let (_, text) = await_dead(&world, true, "undo-applied");
    assert!(text.contains("stock.quant"), "{text}");
    assert_eq!(on_hand(&db, 1, "FG-BRACKET", "LINE-A"), 7.0);
    assert_eq!(outcomes(&db), ["done 1"]);
    assert!(
        fates(&world)[0].starts_with("settled applied"),
        "{:?}",
        fates(&world)
    );
}

#[test]
fn an_undo_that_races_a_posting_which_never_arrives_annuls_both() {
    let db = Database::new();
    let (mut world, stands, go) = standing_still(&db);
    undo_meanwhile(&mut world, &stands);
    go.send(Deed::Cut).unwrap();
    drop(go);
    world.eventually("both are annulled", || annulled(&world, 2));
    assert_eq!(on_hand(&db, 1, "FG-BRACKET", "LINE-A"), 95.0);
    assert_eq!(outcomes(&db), [""; 0]);
}

#[test]
fn an_undo_after_done_names_the_record_and_carries_back_what_can_be_carried_back() {
    let db = Database::new();
    let name = db.instance.seed["plants"]["A"]["orders"]["untracked"][0]["name"].clone();
    let mut world = World::new(&Target::Odoo(&db));
    world.start_relay();
    world.start_agent();
    booked(
        world.production,
        &[&format!("O:{}", name.as_str().unwrap()), "Q:10", "CMD:CONFIRM"],
    );
    world.eventually("the order is done", || outcomes(&db) == ["done 1"]);
    world.eventually("the plant knows", || {
        fates(&world)[0].starts_with("settled applied")
    });
    booked(world.production, &["CMD:UNDO"]);
    let (id, text) = await_dead(&world, true, "undo-applied");
    assert!(text.contains("mrp.production"), "{text}");
    // Whoever lets it go on is told that there is nothing opposite to book.
    world.order(&["release", "--id", &id]);
    await_dead(&world, true, "undo-by-hand");
    world.order(&["dead", "discard", "--id", &id, "--reason", "unbuilt in Odoo"]);

    let moved = json!({ "item": "FG-BRACKET", "from": "LINE-A", "to": "LINE-B", "quantity": some("5") });
    let (_, told) = post(world.http, &message("inventory.move", "move-1", moved.clone())).unwrap();
    world.eventually("it is moved", || on_hand(&db, 1, "FG-BRACKET", "LINE-B") == 5.0);
    let mut back = message("inventory.move", "move-1-back", moved);
    back["reverses"] = Value::from(id_in(&told));
    let (status, told) = post(world.http, &back).unwrap();
    assert!(status < 300, "{told}");
    let (id, text) = await_dead(&world, true, "undo-applied");
    assert!(text.contains("stock.picking"), "{text}");
    world.order(&["release", "--id", &id]);
    world.eventually("it is carried back", || {
        on_hand(&db, 1, "FG-BRACKET", "LINE-A") == 95.0
    });
    assert_eq!(on_hand(&db, 1, "FG-BRACKET", "LINE-B"), 0.0);
    world.eventually("all is settled", || {
        fates(&world).iter().all(|fate| fate.starts_with("settled"))
    });
}

/// The id in the answer to one posted message.
fn id_in(answer: &str) -> String {
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    let body = &body[body.find('{').unwrap()..=body.rfind('}').unwrap()];
    let told: Value = serde_json::from_str(body).unwrap();
    told["id"].as_str().unwrap().to_owned()
}
