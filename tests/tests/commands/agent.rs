//! The agent's commands beside a running agent, with a real relay and broker behind it, and while they are gone.

use std::fs;

use millrace_tests::world::{Target, World, scan};
use serde_json::Value;

const BOOKING: [&str; 3] = ["O:WH/MO/00001", "Q:10", "CMD:CONFIRM"];

/// What the doctor found, by probe, and its exit code.
fn doctor(world: &World) -> (Option<i32>, Vec<Value>) {
    world.ask("agent", &["doctor"])
}

fn verdict(findings: &[Value], probe: &str) -> String {
    let found = findings.iter().find(|finding| finding["probe"] == probe);
    found.unwrap()["verdict"].as_str().unwrap().to_owned()
}

fn states(world: &World) -> Vec<String> {
    let (code, rows) = world.ask("agent", &["messages", "list"]);
    assert_eq!(code, Some(0));
    rows.iter()
        .map(|row| row["state"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn while_all_is_well_every_command_says_so_and_none_disturbs_the_link() {
    let mut world = World::new(&Target::Shadow);
    world.start_relay();
    world.start_agent();
    let told = scan(world.production, &BOOKING).unwrap();
    assert!(told[2].starts_with("BOOKED"), "{told:?}");
    world.eventually("the message is settled", || states(&world) == ["settled"]);

    world.eventually("the doctor finds nothing", || {
        let (code, findings) = doctor(&world);
        code == Some(0) && findings.iter().all(|finding| finding["verdict"] == "ok")
    });
    let (_, readings) = world.ask("agent", &["backlog"]);
    assert_eq!(readings[0]["running"], true);
    assert_eq!(readings[0]["link"]["up"], true);
    assert_eq!(readings[0]["lanes"][3]["drain"], "empty");
    let (code, rows) = world.ask("agent", &["verify"]);
    assert_eq!((code, &rows[0]["faults"]), (Some(0), &Value::from(0)));
    let (_, rows) = world.ask("agent", &["messages", "list"]);
    let (code, steps) = world.ask("agent", &["trace", rows[0]["id"].as_str().unwrap()]);
    assert_eq!(code, Some(0));
    assert_eq!(steps.last().unwrap()["step"], "settled");
    let log = fs::read_to_string(world.folder().join("agent.log")).unwrap();
    let since_up = log.split("link up").last().unwrap();
    assert!(!since_up.contains("link down"), "{log}");
}

#[test]
fn while_the_relay_is_gone_the_doctor_names_it_and_the_backlog_shows_what_waits() {
    let mut world = World::new(&Target::Shadow);
    world.start_agent();
    scan(world.production, &BOOKING).unwrap();
    assert_eq!(states(&world), ["waiting"]);
    world.eventually("the doctor names the broker", || {
        let (code, findings) = doctor(&world);
        let broker = findings
            .iter()
            .find(|finding| finding["probe"] == "broker")
            .unwrap();
        let text = broker["found"].as_str().unwrap();
        code == Some(1) && verdict(&findings, "service") == "ok" && text.contains("refuses connections")
    });
    world.eventually("the backlog says why", || {
        let (_, readings) = world.ask("agent", &["backlog"]);
        readings[0]["link"]["fault"][0] == "connection-refused" && readings[0]["lanes"][3]["waiting"] == 1
    });
    world.kill_agent();
    let (_, readings) = world.ask("agent", &["backlog"]);
    assert_eq!(readings[0]["lanes"][3]["waiting"], 1);
    assert_eq!(states(&world), ["waiting"]);
}
