//! A day at the line: many scans on an order, cases, and colleagues at one station.

use std::time::Duration;

use millrace_tests::odoo::Database;
use millrace_tests::world::{Scanner, Target, World, scan};

use crate::books::{all_applied, made, on_hand, order, outcomes, split};

#[test]
fn five_hundred_scans_and_the_final_one_make_one_done_order_without_a_backorder() {
    let db = Database::new();
    let large = &db.instance.seed["plants"]["A"]["orders"]["large"][0];
    let name = large["name"].as_str().unwrap();
    assert_eq!(large["quantity"], 500.0);
    let mut world = World::new(&Target::Odoo(&db));
    world.start_relay();
    world.start_agent();
    let mut gun = Scanner::at(world.production).unwrap();
    gun.scan(&format!("O:{name}")).unwrap();
    for number in 1..=500 {
        gun.scan("Q:1").unwrap();
        let closing = if number == 500 { "CMD:FINAL" } else { "CMD:CONFIRM" };
        let told = gun.scan(closing).unwrap();
        assert!(told.starts_with("BOOKED"), "{number}: {told}");
    }
    let patience = Duration::from_secs(400);
    world.within(patience, "all are settled", || all_applied(&world, 500));
    assert_eq!(split(&db, name), [format!("{name} done 500 500")]);
    assert_eq!(made(&db, name), 500.0);
    assert_eq!(outcomes(&db), ["done 500"]);
}

#[test]
fn three_partials_with_the_printed_code_are_made_and_leave_one_open_order() {
    let db = Database::new();
    let name = db.instance.seed["plants"]["A"]["orders"]["untracked"][0]["name"].clone();
    let name = name.as_str().unwrap();
    let mut world = World::new(&Target::Odoo(&db));
    world.policy("negative_stock = \"allow\"\nproduction = \"post\"");
    world.start_relay();
    world.start_agent();
    for quantity in ["Q:2", "Q:3", "Q:1"] {
        scan(world.production, &[&format!("O:{name}"), quantity, "CMD:CONFIRM"]).unwrap();
    }
    world.eventually("all are applied", || all_applied(&world, 3));
    let parts = [
        (1, "done 2 2"),
        (2, "done 3 3"),
        (3, "done 1 1"),
        (4, "confirmed 4 0"),
    ];
    assert_eq!(
        split(&db, name),
        parts.map(|(number, part)| format!("{name}-{number:03} {part}"))
    );
    assert_eq!(made(&db, name), 6.0);
}

#[test]
fn two_cases_of_twelve_are_twenty_four_by_barcode_and_by_gs1_label() {
    let db = Database::new();
    let bracket = &db.instance.seed["plants"]["A"]["items"]["FG-BRACKET"];
    let case = bracket["case"]["barcode"].as_str().unwrap();
    let piece = bracket["gtin14"].as_str().unwrap();
    let mut world = World::new(&Target::Odoo(&db));
    world.start_relay();
    world.start_agent();
    let labels = [
        ("SHELF-1", vec![format!("I:{case}"), "Q:2".to_owned()], 24.0),
        ("SHELF-2", vec![format!("]C101{case}302")], 24.0),
        ("LINE-B", vec![format!("]C101{piece}3019")], 19.0),
    ];
    for (place, label, _) in &labels {
        let place = format!("L:{place}");
        let scans: Vec<&str> = [place.as_str()]
            .into_iter()
            .chain(label.iter().map(String::as_str))
            .collect();
        let told = scan(world.count, &[&scans[..], &["CMD:CONFIRM"]].concat()).unwrap();
        assert!(told.last().unwrap().starts_with("BOOKED"), "{told:?}");
    }
    world.eventually("all are applied", || all_applied(&world, 3));
    for (place, _, pieces) in labels {
        assert_eq!(on_hand(&db, 1, "FG-BRACKET", place), pieces, "{place}");
    }
}

#[test]
fn two_interleaved_scanners_on_one_station_book_what_each_of_them_scanned() {
    let db = Database::new();
    let orders = &db.instance.seed["plants"]["A"]["orders"]["untracked"];
    let names = [0, 1].map(|index| orders[index]["name"].as_str().unwrap());
    let mut world = World::new(&Target::Odoo(&db));
    world.start_relay();
    world.start_agent();
    let mut guns = ["127.0.0.1", "127.0.0.2"].map(|own| Scanner::from(own, world.production).unwrap());
    let steps = [
        names.map(|name| format!("O:{name}")),
        ["Q:3", "Q:4"].map(str::to_owned),
    ];
    for step in &steps {
        for (gun, scan) in guns.iter_mut().zip(step) {
            let told = gun.scan(scan).unwrap();
            assert!(told.starts_with("OK"), "{told}");
        }
    }
    for gun in &mut guns {
        let told = gun.scan("CMD:CONFIRM").unwrap();
        assert!(told.starts_with("BOOKED"), "{told}");
    }
    world.eventually("both are applied", || all_applied(&world, 2));
    assert_eq!(order(&db, names[0]), ("progress".into(), 3.0));
    assert_eq!(order(&db, names[1]), ("progress".into(), 4.0));
}
