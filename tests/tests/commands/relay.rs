//! The relay's commands beside a running relay, and while it is gone.

use millrace_tests::world::{Target, World, scan};
use serde_json::Value;

fn ask(world: &World, arguments: &[&str]) -> Vec<Value> {
    let (code, rows) = world.ask("relay", arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {rows:?}");
    rows
}

fn number(row: &Value, name: &str) -> u64 {
    row[name].as_u64().unwrap()
}

fn counted<'s>(item: &'s str, quantity: &'s str) -> [&'s str; 4] {
    ["L:WH-STOCK", item, quantity, "CMD:CONFIRM"]
}

/// What the agent says of its messages.
fn states(world: &World) -> Vec<String> {
    let (_, rows) = world.ask("agent", &["messages", "list"]);
    let state = |row: &Value| row["state"].as_str().unwrap().to_owned();
    rows.iter().map(state).collect()
}

#[test]
fn what_was_settled_is_shown_from_both_ends_and_the_balance_is_whole() {
    let mut world = World::new(&Target::Shadow);
    world.start_relay();
    world.start_agent();
    scan(world.production, &["O:WH/MO/00001", "Q:10", "CMD:CONFIRM"]).unwrap();
    world.eventually("the message is settled", || states(&world) == ["settled"]);
    world.eventually("the doctor finds nothing", || {
        let (code, findings) = world.ask("relay", &["doctor"]);
        code == Some(0) && findings.iter().all(|finding| finding["verdict"] != "failed")
    });
    let plants = ask(&world, &["plants"]);
    assert_eq!(
        (number(&plants[0], "settled"), number(&plants[0], "waiting")),
        (1, 0)
    );
    let spool = world.folder().join("plant-a/spool.sqlite");
    let balance = ask(&world, &["balance", "--spool", spool.to_str().unwrap()]);
    let sum = |name: &str| balance.iter().map(|lane| number(lane, name)).sum::<u64>();
    assert_eq!((sum("accepted"), sum("settled")), (1, 1));
    let (_, messages) = world.ask("agent", &["messages", "list"]);
    let steps = ask(&world, &["trace", messages[0]["id"].as_str().unwrap()]);
    assert_eq!(steps.last().unwrap()["after"], "settled");
    assert_eq!(ask(&world, &["audit", "verify"])[0]["whole"], true);
}

#[test]
fn a_hold_catches_what_arrives_until_a_person_discards_or_releases_it() {
    let mut world = World::new(&Target::Shadow);
    world.start_relay();
    world.start_agent();
    world.eventually("the relay takes orders", || {
        let lay = [
            "hold",
            "--plant",
            "plant-a",
            "--kind",
            "inventory.count",
            "--reason",
            "typed in by hand?",
        ];
        world.ask("relay", &lay).0 == Some(0)
    });
    scan(world.count, &counted("BOLT", "Q:7")).unwrap();
    scan(world.more_counts[0], &counted("NUT", "Q:9")).unwrap();
    scan(world.production, &["O:WH/MO/00001", "Q:10", "CMD:CONFIRM"]).unwrap();
    let list = ["dead", "list", "--held", "--code", "review"];
    world.eventually("two are held, and their neighbour goes on", || {
        let mut states = states(&world);
        states.sort();
        states == ["settled", "stored", "stored"] && ask(&world, &list).len() == 2
    });
    let held = ask(&world, &list);
    let typed_in = held[0]["id"].as_str().unwrap();
    ask(
        &world,
        &[
            "dead",
            "discard",
            "--id",
            typed_in,
            "--reason",
            "typed in by Anna",
        ],
    );
    ask(&world, &["release", "--plant", "plant-a"]);
    assert!(ask(&world, &["holds"]).is_empty());
    world.eventually("each is final", || {
        states(&world).iter().all(|state| state == "settled")
    });
    let shown = ask(&world, &["dead", "show", typed_in]).remove(0);
    assert_eq!(shown["message"]["reason"], "discarded", "{shown}");
    let spool = world.folder().join("plant-a/spool.sqlite");
    ask(&world, &["balance", "--spool", spool.to_str().unwrap()]);
}

#[test]
fn an_order_that_was_given_while_the_relay_was_down_is_kept() {
    let mut world = World::new(&Target::Shadow);
    world.start_relay();
    world.start_agent();
    scan(world.production, &["O:WH/MO/00001", "Q:10", "CMD:CONFIRM"]).unwrap();
    world.eventually("the message is settled", || states(&world) == ["settled"]);
    world.kill_relay();
    ask(
        &world,
        &[
            "hold",
            "--station",
            "line-a",
            "--reason",
            "the office looks first",
        ],
    );
    world.start_relay();
    scan(world.production, &["O:WH/MO/00002", "Q:10", "CMD:CONFIRM"]).unwrap();
    world.eventually("the new one is held", || {
        !ask(&world, &["dead", "list", "--held"]).is_empty()
    });
    ask(&world, &["release", "--all"]);
    world.eventually("it is settled", || states(&world) == ["settled", "settled"]);
}
