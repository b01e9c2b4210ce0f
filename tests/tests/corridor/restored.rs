//! Odoo is put back from a backup: what it lost is done again, once and in order, when a person says so.

use millrace_tests::odoo::Database;
use millrace_tests::world::{Target, World, message, post, scan};
use serde_json::json;

use crate::books::{all_applied, await_dead, fates, made, on_hand, order, outcomes, some};
use crate::shelf::count;

fn confirm(world: &World, order: &str, quantity: &str) {
    let told = scan(
        world.production,
        &[&format!("O:{order}"), quantity, "CMD:CONFIRM"],
    )
    .unwrap();
    assert!(told[2].starts_with("BOOKED"), "{told:?}");
}

#[test]
fn what_a_restored_odoo_lost_is_done_again_once_in_order_and_what_was_discarded_stays_so() {
    let db = Database::new();
    let mut world = World::new(&Target::Odoo(&db));
    world.start_relay();
    world.start_agent();
    confirm(&world, "WA1/MO/00001", "Q:10");
    world.eventually("the first is applied", || all_applied(&world, 1));
    let backup = db.back_up();
    confirm(&world, "WA1/MO/00002", "Q:10");
    count(&world, "Q:31");
    world.eventually("all are applied", || all_applied(&world, 3));
    let scrap = json!({ "item": "PART-BOLT", "location": "SHELF-1", "quantity": some("4") });
    post(world.http, &json!([message("scrap.report", "s-1", scrap)])).unwrap();
    world.eventually("the scrap is applied", || all_applied(&world, 4));
    let wrong = json!({ "order": "WA1/MO/00001", "quantity": some("3") });
    post(world.http, &json!([message("production.confirm", "p-1", wrong)])).unwrap();
    let (id, _) = await_dead(&world, false, "order-closed");
    world.order(&["dead", "discard", "--id", &id, "--reason", "typed twice"]);
    world.eventually("it is void in Odoo, and its plant knows", || {
        outcomes(&db) == ["done 4", "void 1"] && fates(&world)[4].starts_with("settled discarded")
    });

    // The backup takes the place of the database. Its relay notices, also if it did not run at that moment.
    world.kill_relay();
    world.change("relay", |text| text.replace(&db.name, &backup.name));
    world.start_relay();
    world.eventually("the domain has stopped", || {
        world.logs().contains("Odoo was restored")
    });
    count(&world, "Q:29");
    world.eventually("the new count waits at the relay", || {
        fates(&world)[5].starts_with("stored")
    });
    assert_eq!(outcomes(&backup), ["done 1"]);

    world.order(&["domain", "replay", "plant-a"]);
    world.eventually("everything is there again", || {
        outcomes(&backup) == ["done 5", "void 1"]
    });
    assert_eq!(order(&backup, "WA1/MO/00002"), ("done".into(), 10.0));
    assert_eq!(made(&backup, "WA1/MO/00001"), 10.0);
    assert_eq!(on_hand(&backup, 1, "PART-BOLT", "SHELF-1"), 29.0);
    assert_eq!(
        backup.one("select count(*) from stock_scrap where state = 'done'"),
        "1"
    );
    world.eventually("the audit says so", || {
        let audit = world.order(&["audit", "list"]).into_iter();
        let mut told = audit.filter(|row| row["what"] == "replayed");
        told.any(|row| row["detail"] == "5 asked for, 4 done again")
    });
    // Once too often changes nothing.
    world.order(&["domain", "replay", "plant-a"]);
    world.eventually("nothing was left to do again", || {
        let audit = world.order(&["audit", "list"]).into_iter();
        let mut told = audit.filter(|row| row["what"] == "replayed");
        told.any(|row| row["detail"] == "6 asked for, 0 done again")
    });
    assert_eq!(outcomes(&backup), ["done 5", "void 1"]);
}
