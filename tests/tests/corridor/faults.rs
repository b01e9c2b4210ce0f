//! Odoo's bad times: what people are told, that the neighbours are unharmed, and that nothing is lost.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use millrace_tests::odoo::{Database, Instance, text};
use millrace_tests::wire::{Deed, Wire};
use millrace_tests::world::{Target, World, scan};
use serde_json::json;

use crate::books::{all_applied, await_dead, fates, on_hand, order, outcomes};

/// Two plants over one Odoo, each with its own bot, and room for one call of each at a time.
fn neighbours(db: &Database) -> World {
    let world = World::new(&Target::Odoo(db));
    world.admit_neighbour(db);
    world.change("relay", |text| text.replace("[odoo]\n", "[odoo]\ncallers = 2\n"));
    world
}

fn start(world: &mut World) {
    world.start_relay();
    world.start_agent();
    world.start_neighbour();
}

/// Counts brackets and waits for the tone.
fn count(port: u16, place: &str, figure: u32) {
    let entry = [
        &format!("L:{place}"),
        "I:FG-BRACKET",
        &format!("Q:{figure}"),
        "CMD:CONFIRM",
    ];
    let told = scan(port, &entry).unwrap();
    assert!(told[3].starts_with("BOOKED"), "{told:?}");
}

/// The relay says this of a domain.
fn says(world: &World, domain: &str, part: &str) {
    world.eventually(part, || {
        let log = fs::read_to_string(world.folder().join("relay.log")).unwrap();
        log.lines()
            .any(|line| line.contains("domain pauses") && line.contains(domain) && line.contains(part))
    });
}

/// What the doctor has to say of Odoo.
fn doctor(world: &World) -> String {
    let (code, findings) = world.ask("relay", &["doctor"]);
    assert_eq!(code, Some(1), "{findings:?}");
    let failed = findings
        .iter()
        .filter(|finding| finding["probe"] == "odoo" && finding["verdict"] != "ok");
    json!(failed.collect::<Vec<_>>()).to_string()
}

/// An Odoo of one's own, to be hurt.
struct Own {
    instance: &'static Instance,
    _folder: tempfile::TempDir,
}

impl Own {
    fn new() -> Self {
        let folder = tempfile::TempDir::new().unwrap();
        let instance = Instance::own(folder.path().join("odoo"));
        Self {
            instance,
            _folder: folder,
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.instance.remove();
    }
}

#[test]
fn while_odoo_is_down_scans_are_taken_and_kept_and_are_booked_once_it_is_back() {
    let own = Own::new();
    let db = Database::of(own.instance);
    let mut world = neighbours(&db);
    start(&mut world);
    count(world.count, "SHELF-1", 1);
    world.eventually("the first is booked", || outcomes(&db) == ["done 1"]);
    own.instance.kill_odoo();
    count(world.count, "SHELF-1", 2);
    count(world.neighbour.count, "SHELF-1", 3);
    says(&world, "plant-a", "no connection");
    says(&world, "plant-b", "no connection");
    let told = doctor(&world);
    for part in [
        "plant-a",
        "plant-b",
        "no connection",
        "everything is kept meanwhile",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let plants = world.order(&["plants"]);
    let open =
        |plant: usize| plants[plant]["waiting"].as_u64().unwrap() + plants[plant]["sent"].as_u64().unwrap();
    assert_eq!((open(0), open(1)), (1, 1), "{plants:?}");
    own.instance.restart();
    world.eventually("all are booked", || outcomes(&db) == ["done 3"]);
    world.eventually("the plant knows", || all_applied(&world, 2));
    let company = |letter: &str| {
        own.instance.seed["plants"][letter]["company"]["id"]
            .as_i64()
            .unwrap()
    };
    assert_eq!(on_hand(&db, company("A"), "FG-BRACKET", "SHELF-1"), 2.0);
    assert_eq!(on_hand(&db, company("B"), "FG-BRACKET", "SHELF-1"), 3.0);
}

#[test]
fn while_postgresql_restarts_under_odoo_scans_are_taken_and_each_is_booked_once() {
    let own = Own::new();
    let db = Database::of(own.instance);
    let mut world = World::new(&Target::Odoo(&db));
    world.start_relay();
    world.start_agent();
    count(world.count, "SHELF-1", 1);
    world.eventually("the first is booked", || outcomes(&db) == ["done 1"]);
    for figure in 2..=12 {
        if figure == 5 {
            own.instance.kill_postgres();
        }
        count(world.count, "SHELF-1", figure);
    }
    says(&world, "plant-a", "database");
    let told = doctor(&world);
    assert!(
        told.contains("database") && told.contains("everything is kept meanwhile"),
        "{told}"
    );
    own.instance.restart();
    world.eventually("all are booked", || all_applied(&world, 12));
    assert_eq!(outcomes(&db), ["done 12"]);
    assert_eq!(on_hand(&db, 1, "FG-BRACKET", "SHELF-1"), 12.0);
}

#[test]
fn while_odoo_is_slow_for_one_plant_its_neighbour_is_served_and_its_own_scans_are_booked_later() {
    let db = Database::new();
    let wire = Wire::to(db.instance);
    let mut world = neighbours(&db);
    world.over(&wire, &db);
    let bot = text(&db.instance.seed["plants"]["A"]["users"]["bot"]["key"]).to_lowercase();
    let slow = AtomicBool::new(true);
    wire.rule(move |call| {
        // The first question of plant A stands for longer than the relay waits; what follows is merely slow.
        if call.head.contains(&bot)
            && call.what.ends_with("web_search_read")
            && slow.swap(false, Ordering::SeqCst)
        {
            std::thread::sleep(Duration::from_secs(35));
        } else if call.head.contains(&bot) {
            std::thread::sleep(Duration::from_millis(500));
        }
        Deed::Pass
    });
    start(&mut world);
    count(world.count, "SHELF-1", 1);
    world.eventually("it is at the relay", || fates(&world) == ["stored "]);
    for figure in 1..=5 {
        count(world.neighbour.count, "SHELF-1", figure);
    }
    world.within(Duration::from_secs(25), "the neighbour is served", || {
        outcomes(&db) == ["done 5"]
    });
    assert_eq!(fates(&world), ["stored "]);
    says(&world, "plant-a", "no answer in time");
    world.eventually("the slow one is booked", || all_applied(&world, 1));
    assert_eq!(outcomes(&db), ["done 6"]);
    assert_eq!(on_hand(&db, 1, "FG-BRACKET", "SHELF-1"), 1.0);
}

#[test]
fn a_plant_whose_key_odoo_refuses_keeps_everything_and_its_neighbour_goes_on() {
    let db = Database::new();
    let bot = &db.instance.seed["plants"]["A"]["users"]["bot"];
    let mut world = neighbours(&db);
    start(&mut world);
    count(world.count, "SHELF-1", 1);
    world.eventually("the first is booked", || outcomes(&db) == ["done 1"]);
    db.sql(&format!(
        "delete from res_users_apikeys where user_id = {}",
        bot["id"]
    ));
    count(world.count, "SHELF-1", 2);
    count(world.neighbour.count, "SHELF-1", 3);
    world.eventually("the neighbour's is booked", || outcomes(&db) == ["done 2"]);
    says(&world, "plant-a", "make a new one and put it into the key file");
    let told = doctor(&world);
    assert!(
        told.contains("API key") && told.contains("plant-a") && !told.contains("plant-b"),
        "{told}"
    );
    assert_eq!(fates(&world)[1], "stored ");
    fs::write(
        world.folder().join("plant-a.key"),
        db.new_key(&text(&bot["login"])),
    )
    .unwrap();
    world.kill_relay();
    world.start_relay();
    world.eventually("the second is booked", || all_applied(&world, 2));
    assert_eq!(on_hand(&db, 1, "FG-BRACKET", "SHELF-1"), 2.0);
}

#[test]
fn while_a_proxy_says_maintenance_it_is_left_alone_for_as_long_as_it_asks() {
    let db = Database::new();
    let wire = Wire::to(db.instance);
    let mut world = World::new(&Target::Odoo(&db));
    world.over(&wire, &db);
    wire.rule(|_| Deed::Answer(503, "text/html\r\nRetry-After: 3", "<h1>Maintenance</h1>"));
    world.start_relay();
    world.start_agent();
    count(world.count, "SHELF-1", 1);
    says(&world, "plant-a", "told to come back later");
    says(&world, "plant-a", "pause_ms=3000");
    wire.heal();
    world.eventually("it is booked", || all_applied(&world, 1));
    assert_eq!(outcomes(&db), ["done 1"]);
}

#[test]
fn what_odoo_refuses_is_a_dead_letter_in_its_own_words_and_its_neighbours_go_on() {
    let db = Database::new();
    let orders = &db.instance.seed["plants"]["A"]["orders"];
    let name = |group: &str, index: usize| text(&orders[group][index]["name"]);
    let mut world = World::new(&Target::Odoo(&db));
    world.policy("negative_stock = \"allow\"\nreserved_lots = true");
    world.start_agent();
    let pumps = |order: &str, serials: [&str; 3]| {
        let serials = serials.map(|serial| format!("SN:{serial}"));
        let order = format!("O:{order}");
        let scans = [&order, &serials[0], &serials[1], &serials[2], "CMD:CONFIRM"];
        let told = scan(world.production, &scans).unwrap();
        assert!(told[4].starts_with("BOOKED"), "{told:?}");
    };
    pumps(&name("serial", 0), ["P-1", "P-2", "P-3"]);
    pumps(&name("serial", 1), ["P-3", "P-4", "P-5"]);
    let neighbour = name("untracked", 0);
    scan(
        world.production,
        &[&format!("O:{neighbour}"), "Q:10", "CMD:CONFIRM"],
    )
    .unwrap();
    count(world.count, "SHELF-1", 1);
    world.start_relay();
    let (_, words) = await_dead(&world, false, "refused");
    assert!(words.contains("already produced"), "{words}");
    world.eventually("the neighbours are booked", || {
        outcomes(&db) == ["done 3", "rejected 1"]
    });
    assert_eq!(order(&db, &neighbour), ("done".into(), 10.0));
    assert_eq!(order(&db, &name("serial", 1)), ("confirmed".into(), 0.0));
    assert_eq!(on_hand(&db, 1, "FG-BRACKET", "SHELF-1"), 1.0);
    world.eventually("the plant knows", || {
        fates(&world).iter().any(|fate| fate.starts_with("dead refused"))
    });
}
