//! From the scanner's socket to Odoo's tables, through every room, with real processes.

// A test reports by panicking, in its helpers too.
#![allow(clippy::unwrap_used)]

mod amend;
mod books;
mod companies;
mod dates;
mod faults;
mod outage;
mod rehearsal;
mod restored;
mod review;
mod shelf;
mod shift;
mod tone;
mod undo;

use books::{on_hand, order};
use millrace_tests::odoo::Database;
use millrace_tests::world::{Target, World, scan};

#[test]
fn a_scan_at_the_plant_becomes_one_movement_in_odoo() {
    let db = Database::new();
    let mut world = World::new(&Target::Odoo(&db));
    world.start_relay();
    world.start_agent();
    let told = scan(world.production, &["O:WA1/MO/00001", "Q:10", "CMD:CONFIRM"]).unwrap();
    assert!(told[2].starts_with("BOOKED"), "{told:?}");
    let told = scan(world.count, &["L:LINE-A", "I:FG-BRACKET", "Q:100", "CMD:CONFIRM"]).unwrap();
    assert!(told[3].starts_with("BOOKED"), "{told:?}");
    world.eventually("the order is done", || {
        order(&db, "WA1/MO/00001") == ("done".into(), 10.0)
    });
    world.eventually("the count is booked", || {
        on_hand(&db, 1, "FG-BRACKET", "LINE-A") == 100.0
    });
    let outcomes = db.one("select count(*) from millrace_inbox where state = 'done'");
    assert_eq!(outcomes, "2");
}

#[test]
fn what_was_scanned_while_nothing_else_lived_takes_effect_once_after_kills_on_both_sides() {
    let db = Database::new();
    let mut world = World::new(&Target::Odoo(&db));
    world.start_agent();
    for (number, quantity) in [(1, "10"), (2, "10"), (3, "10")] {
        scan(
            world.production,
            &[
                &format!("O:WA1/MO/0000{number}"),
                &format!("Q:{quantity}"),
                "CMD:CONFIRM",
            ],
        )
        .unwrap();
    }
    for (item, quantity) in [("FG-BRACKET", "7"), ("PART-BOLT", "31"), ("RAW-STEEL", "12")] {
        scan(
            world.count,
            &[
                "L:SHELF-1",
                &format!("I:{item}"),
                &format!("Q:{quantity}"),
                "CMD:CONFIRM",
            ],
        )
        .unwrap();
    }
    world.kill_agent();
    world.start_relay();
    world.start_agent();
    world.eventually("something reached Odoo", || {
        db.one("select count(*) from millrace_inbox") != "0"
    });
    world.kill_relay();
    world.kill_agent();
    world.start_agent();
    world.start_relay();
    world.eventually("all six are done", || {
        db.one("select count(*) from millrace_inbox where state = 'done'") == "6"
    });
    for number in 1..=3 {
        assert_eq!(order(&db, &format!("WA1/MO/0000{number}")), ("done".into(), 10.0));
    }
    for (item, quantity) in [("FG-BRACKET", 7.0), ("PART-BOLT", 31.0), ("RAW-STEEL", 12.0)] {
        assert_eq!(on_hand(&db, 1, item, "SHELF-1"), quantity, "{item}");
    }
    let moves = db.one("select count(*) from stock_move m join mrp_production o on o.id = m.production_id \
                        where o.name in ('WA1/MO/00001', 'WA1/MO/00002', 'WA1/MO/00003') and m.state = 'done'");
    assert_eq!(moves, "3", "one finished move an order");
}

#[test]
fn twenty_kills_over_five_processes_under_load_leave_exact_sums_in_order() {
    let folder = tempfile::TempDir::new().unwrap();
    let odoo = folder.path().join("odoo");
    let report = millrace_tests::kills::run(&millrace_tests::kills::Run {
        kills: 20,
        messages: 200,
        seed: 7,
        odoo,
        tell: |how_far| println!("{how_far}"),
    });
    println!("{report:?}");
    assert!(report.wrong.is_empty(), "{report:#?}");
}
