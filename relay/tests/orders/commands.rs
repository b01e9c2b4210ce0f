//! The program's commands on a real store, without a service: what they print, and how they end.

use millrace_shared::outcome::{Outcome, Record};
use millrace_shared::store::inbox::Change;
use serde_json::Value;

use crate::kit::*;

fn json(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn dead_letters_are_counted_shown_mended_and_traced() {
    let mut plant = Plant::new();
    let ids: Vec<_> = {
        let mut inbox = plant.inbox();
        let ids: Vec<_> = (0..3)
            .map(|n| plant.receive(&mut inbox, &format!("P{n}"), "dock-1"))
            .collect();
        die(&mut inbox, &ids[0], "lot-missing");
        die(&mut inbox, &ids[1], "lot-missing");
        die(&mut inbox, &ids[2], "over-receipt");
        ids
    };
    assert_eq!(
        plant.says(&["dead", "list", "--by", "reason"]),
        "COUNT  OF\n2      lot-missing\n1      over-receipt\n"
    );
    let listed = json(&plant.says(&["--json", "dead", "list", "--code", "over-receipt"]));
    assert_eq!(listed[0]["id"], ids[2].to_string());
    let id = ids[0].to_string();
    let shown = plant.says(&["dead", "show", &id]);
    assert!(
        shown.contains("reason       lot-missing") && shown.contains("\"lot\": \"L-P0\""),
        "{shown}"
    );
    let amended = plant.says(&["dead", "amend", &id, "--set", "lot=L9", "--reason", "label"]);
    assert_eq!(amended, "1 message changed\n");
    let traced = plant.says(&["trace", &id]);
    assert!(
        traced.contains("amend") && traced.contains("dead → ") && traced.ends_with("now ready\n"),
        "{traced}"
    );
    let rest = plant.says(&["dead", "retry", "--plant", "plant-a"]);
    assert_eq!(rest, "2 messages changed\n");
    assert_eq!(plant.says(&["dead", "list"]), "none\n");
    assert!(plant.says(&["audit", "verify"]).starts_with("whole: "));
}

#[test]
fn the_exit_code_tells_what_went_wrong() {
    let mut plant = Plant::new();
    let code = |arguments: &[&str]| plant.run(arguments).status.code().unwrap();
    assert_eq!(code(&["plants"]), 5, "there is no store yet");
    drop(plant.inbox());
    assert_eq!(code(&["dead", "retry"]), 2, "nothing says which");
    assert_eq!(code(&["dead", "retry", "--all"]), 4, "there is none");
    assert_eq!(
        code(&["trace", "plant-a:0000000000000007:normal:1:00000000000000ff"]),
        if parses() { 4 } else { 2 }
    );
    let id = {
        let mut inbox = plant.inbox();
        plant.receive(&mut inbox, "P1", "dock-1").to_string()
    };
    let code = |arguments: &[&str]| plant.run(arguments).status.code().unwrap();
    assert_eq!(
        code(&["dead", "amend", &id, "--set", "lot=L2", "--reason", "x"]),
        1,
        "it is not dead"
    );
    assert_eq!(code(&["trace", &id]), 0);
}

fn parses() -> bool {
    "plant-a:0000000000000007:normal:1:00000000000000ff"
        .parse::<millrace_shared::ident::MessageId>()
        .is_ok()
}

#[test]
fn the_balance_adds_up_and_the_backlog_and_plants_count_the_same() {
    let mut plant = Plant::new();
    {
        let mut inbox = plant.inbox();
        let ids: Vec<_> = (0..4)
            .map(|n| plant.receive(&mut inbox, &format!("P{n}"), "dock-1"))
            .collect();
        die(&mut inbox, &ids[0], "lot-missing");
        make(&mut inbox, &ids[1], Change::Send);
        let record = Record {
            model: "stock.picking".into(),
            id: 7,
            name: "IN/7".into(),
        };
        make(&mut inbox, &ids[1], Change::Settle(Outcome::Applied(record)));
    }
    let balance = json(&plant.says(&["--json", "balance"])).remove(0);
    let part = |name: &str| balance[name].as_u64().unwrap();
    assert_eq!(part("accepted"), 4);
    let parts = ["settled", "dead", "held", "waiting", "sent", "not_here"];
    assert_eq!(parts.iter().map(|name| part(name)).sum::<u64>(), 4);
    let row = json(&plant.says(&["--json", "plants"])).remove(0);
    assert_eq!(
        (&row["waiting"], &row["dead"], &row["settled"]),
        (&2.into(), &1.into(), &1.into())
    );
    let lane = json(&plant.says(&["--json", "backlog"])).remove(0)["lanes"][0].clone();
    assert_eq!(
        (&lane["waiting"], &lane["dead"], &lane["settled"]),
        (&2.into(), &1.into(), &1.into())
    );
}

#[test]
fn holds_are_laid_listed_and_released_by_command() {
    let mut plant = Plant::new();
    {
        let mut inbox = plant.inbox();
        plant.receive(&mut inbox, "P1", "dock-1");
    }
    let laid = plant.says(&[
        "hold",
        "--plant",
        "plant-a",
        "--older-than-minutes",
        "1",
        "--reason",
        "outage",
    ]);
    assert_eq!(laid, "1 message changed\n1 standing hold(s) laid\n");
    let holds = plant.says(&["holds"]);
    assert!(
        holds.contains("plant plant-a, under way for minutes 1") && holds.contains("outage"),
        "{holds}"
    );
    assert!(plant.says(&["dead", "list", "--held"]).contains("review"));
    let released = plant.says(&["release", "--plant", "plant-a"]);
    assert_eq!(released, "1 message changed\n1 standing hold(s) lifted\n");
    assert_eq!(plant.says(&["holds"]), "none\n");
}

#[test]
fn the_example_configuration_has_no_problems() {
    let plant = Plant::new();
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../installer/examples/relay.toml");
    std::fs::copy(example, plant.folder.path().join("relay.toml")).unwrap();
    assert_eq!(plant.says(&["check"]), "relay.toml: no problems\n");
}
