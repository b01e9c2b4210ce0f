//! A plant's clock that is ten years off: everything is taken and kept, the clock is named, and all of it takes effect
//! once the clock is right, in order.

use jiff::SignedDuration;
use millrace_tests::world::{post_bytes, scan};
use serde_json::Value;

use super::doors::{Doors, good};

const TEN_YEARS: SignedDuration = SignedDuration::from_hours(10 * 365 * 24 + 25 * 24);

/// An agent whose clock is this far ahead, its neighbour and their relay.
fn doors(ahead: SignedDuration) -> Doors {
    let mut doors = Doors::closed();
    doors
        .world
        .change("relay", |text| text + "[[plant]]\nagent = \"plant-b\"\n");
    doors.world.set_agent_clock(ahead);
    doors.world.start_relay();
    doors.world.start_agent();
    doors.world.start_neighbour();
    doors
}

/// Hands something over at every door. All of it touches the same goods at the same place, so that its order counts.
fn hand_over(doors: &mut Doors) {
    doors.scanner_refuses(b"Q:-1", "");
    for _ in 0..3 {
        let message = doors.good();
        assert_eq!(post_bytes(doors.world.http, message.as_bytes()).unwrap().0, 200);
    }
    let name = format!("{}.jsonl", doors.kept);
    let line = doors.good() + "\n";
    doors.drop_file(&name, line.as_bytes());
    doors.is_done(&name);
}

fn states(doors: &Doors, who: &str) -> Vec<String> {
    let (_, rows) = doors.world.ask(who, &["messages", "list", "--limit", "1000"]);
    let state = |row: &Value| row["state"].as_str().unwrap().to_owned();
    rows.iter().map(state).collect()
}

fn all_settled(doors: &Doors) -> bool {
    states(doors, "agent") == vec!["settled"; doors.kept]
}

/// What the agent's doctor has found wrong, by probe.
fn wrong(doors: &Doors, probe: &str) -> String {
    let (code, findings) = doors.world.ask("agent", &["doctor"]);
    assert_eq!(code, Some(1), "{findings:?}");
    let failed = |finding: &&Value| finding["probe"] == probe && finding["verdict"] == "failed";
    let found = findings.iter().find(failed);
    found
        .unwrap_or_else(|| panic!("{probe}: {findings:?}"))
        .to_string()
}

/// The relay has settled every message of plant-a once, in the order in which they were captured.
fn each_once_and_in_order(doors: &Doors) {
    let rows = doors.world.order(&["audit", "list", "--limit", "1000"]);
    let settled = rows.iter().filter(|row| row["after"] == "settled");
    let names: Vec<&str> = settled.filter_map(|row| row["subject"].as_str()).collect();
    let ours: Vec<&str> = names
        .into_iter()
        .filter(|name| name.starts_with("plant-a:"))
        .collect();
    let (_, rows) = doors.world.ask("agent", &["messages", "list", "--limit", "1000"]);
    let captured: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ours, captured, "{rows:?}");
}

fn is_told_and_mended(ahead: SignedDuration, fault: &str, says: &str) {
    let mut doors = doors(ahead);
    hand_over(&mut doors);
    doors.world.eventually("the fault is told", || {
        let (_, readings) = doors.world.ask("agent", &["backlog"]);
        readings[0]["link"]["fault"][0] == fault
    });
    let told = wrong(&doors, "clock");
    assert!(told.contains(says) && told.contains("set the clock"), "{told}");
    assert!(wrong(&doors, "broker").contains("clock"));
    let neighbour = doors.world.neighbour.production;
    scan(neighbour, &["O:WH/MO/00001", "Q:10", "CMD:CONFIRM"]).unwrap();
    doors.world.eventually("the neighbour's message is settled", || {
        states(&doors, "neighbour") == ["settled"]
    });
    assert_eq!(states(&doors, "agent"), vec!["waiting"; doors.kept]);
    doors.world.set_agent_clock(SignedDuration::ZERO);
    doors
        .world
        .eventually("all are settled without a restart", || all_settled(&doors));
    each_once_and_in_order(&doors);
    doors.close();
}

#[test]
fn while_the_clock_is_ten_years_ahead_all_is_kept_and_the_clock_named_and_all_arrives_once_it_is_set() {
    is_told_and_mended(
        TEN_YEARS,
        "certificate-expired",
        "ten years after this program was built",
    );
}

#[test]
fn while_the_clock_is_ten_years_behind_all_is_kept_and_the_clock_named_and_all_arrives_once_it_is_set() {
    is_told_and_mended(-TEN_YEARS, "clock", "this program was built later");
}

#[test]
fn a_clock_that_jumps_ten_years_while_connected_stops_nothing_before_the_next_connection_and_loses_nothing() {
    for ahead in [TEN_YEARS, -TEN_YEARS] {
        let mut doors = doors(SignedDuration::ZERO);
        hand_over(&mut doors);
        doors
            .world
            .eventually("the first are settled", || all_settled(&doors));
        doors.world.set_agent_clock(ahead);
        hand_over(&mut doors);
        doors
            .world
            .eventually("those after the jump too", || all_settled(&doors));
        doors.world.kill_relay();
        hand_over(&mut doors);
        doors.world.start_relay();
        doors
            .world
            .eventually("the clock keeps the new connection away", || {
                let (_, readings) = doors.world.ask("agent", &["backlog"]);
                ["certificate-expired", "clock"]
                    .iter()
                    .any(|fault| readings[0]["link"]["fault"][0] == *fault)
            });
        doors.world.set_agent_clock(SignedDuration::ZERO);
        doors.world.eventually("all are settled", || all_settled(&doors));
        each_once_and_in_order(&doors);
        doors.close();
    }
}

#[test]
fn what_was_captured_under_a_wrong_clock_before_the_machine_was_started_again_waits_for_a_person() {
    for ahead in [TEN_YEARS, -TEN_YEARS] {
        let mut doors = doors(ahead);
        hand_over(&mut doors);
        doors.world.kill_agent();
        doors.world.restart_agent_machine();
        doors.world.set_agent_clock(SignedDuration::ZERO);
        doors.world.start_agent();
        let first = vec!["dead", "list", "--held", "--code", "clock"];
        doors.world.eventually("the first is held", || {
            let (code, rows) = doors.world.ask("relay", &first);
            code == Some(0) && rows.len() == 1
        });
        let held = doors.world.order(&first);
        let told = held[0]["text"].as_str().unwrap();
        assert!(
            told.contains("that clock was wrong") && told.contains("Release it"),
            "{told}"
        );
        // What touches other goods passes.
        let other = good("other").replace("BOLT", "NUT");
        doors.kept += 1;
        assert_eq!(post_bytes(doors.world.http, other.as_bytes()).unwrap().0, 200);
        doors.world.eventually("the other is settled", || {
            states(&doors, "agent")
                .iter()
                .filter(|state| *state == "settled")
                .count()
                == 1
        });
        doors.world.eventually("all are settled", || {
            let _ = doors.world.ask("relay", &["release", "--code", "clock"]);
            all_settled(&doors)
        });
        doors.close();
    }
}
