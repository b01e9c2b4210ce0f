//! Certificates that are foreign or over: named for what they are, while the neighbour's messages go on, and what was kept
//! goes too once it is mended.

use std::fs;
use std::time::{Duration, SystemTime};

use millrace_relay::pki::{Authority, Issued, Subject};
use millrace_tests::world::{Target, World, scan};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
const BOOKING: [&str; 3] = ["O:WH/MO/00001", "Q:10", "CMD:CONFIRM"];

/// A world in which the agent shows what `bad` makes of the world's authority, and its neighbour a good certificate.
fn world(bad: impl FnOnce(&Authority) -> Issued) -> World {
    let world = World::new(&Target::Shadow);
    world.change("relay", |text| text + "[[plant]]\nagent = \"plant-b\"\n");
    let pki = world.folder().join("pki");
    let authority = Authority::new("the plant's authority").unwrap();
    authority.write(&pki, "ca").unwrap();
    let server = Subject::server("broker", &["localhost", "127.0.0.1"]);
    authority.issue(&server).unwrap().write(&pki, "broker").unwrap();
    for (name, file) in [("relay", "relay"), ("plant-b", "plant-b"), ("plant-a", "good")] {
        let issued = authority.issue(&Subject::client(name)).unwrap();
        issued.write(&pki, file).unwrap();
    }
    bad(&authority).write(&pki, "plant-a").unwrap();
    world
}

/// A certificate of the agent that is valid between these moments.
fn valid(authority: &Authority, not_before: SystemTime, not_after: SystemTime) -> Issued {
    let subject = Subject {
        not_before,
        not_after,
        ..Subject::client("plant-a")
    };
    authority.issue(&subject).unwrap()
}

fn states(world: &World, who: &str) -> Vec<String> {
    let (_, rows) = world.ask(who, &["messages", "list"]);
    let states = rows.iter().map(|row| row["state"].as_str().unwrap().to_owned());
    states.collect()
}

/// The fault is told by this name and text; nothing of the agent passes, and nothing is lost; the neighbour's go on; with
/// a good certificate in its place all is taken up without a restart.
fn is_told_and_mended(mut world: World, fault: &str, text: &str) {
    world.start_relay();
    world.start_agent();
    world.start_neighbour();
    for port in [world.production, world.neighbour.production] {
        assert!(scan(port, &BOOKING).unwrap()[2].starts_with("BOOKED"));
    }
    world.eventually("the fault is told", || {
        let (_, readings) = world.ask("agent", &["backlog"]);
        let told = &readings[0]["link"]["fault"];
        told[0] == fault && told[1].as_str().unwrap().contains(text)
    });
    world.eventually("the neighbour's message is settled", || {
        states(&world, "neighbour") == ["settled"]
    });
    assert_eq!(states(&world, "agent"), ["waiting"]);
    for ending in ["crt", "key"] {
        let at = |name: &str| world.folder().join(format!("pki/{name}.{ending}"));
        fs::rename(at("good"), at("plant-a")).unwrap();
    }
    world.eventually("what waited is settled", || {
        states(&world, "agent") == ["settled"]
    });
}

#[test]
fn no_frame_passes_under_a_certificate_of_a_foreign_authority() {
    let foreign = Authority::new("somebody else").unwrap();
    let world = world(|_| foreign.issue(&Subject::client("plant-a")).unwrap());
    is_told_and_mended(world, "certificate-refused", "authority");
}

#[test]
fn no_frame_passes_under_an_expired_certificate() {
    let now = SystemTime::now();
    let world = world(|authority| valid(authority, now - YEAR, now - Duration::from_secs(60)));
    is_told_and_mended(world, "certificate-expired", "Renew the certificate");
}
