//! What the commands answer on a prepared store, without the service beside them.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use millrace_shared::ident::Epoch;
use millrace_shared::store::spool::{Spool, Verdict};

use crate::golden;
use crate::world::{World, agent, moment, scan};

/// What depends on when and where a test runs.
const NOW: [(&str, &str); 4] = [
    (r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d", "<now>"),
    (r#""at":"[^"]*""#, r#""at":"<now>""#),
    (r"\d+ d \d\d h", "<age>"),
    (r#""oldest_seconds":\d+"#, r#""oldest_seconds":<age>"#),
];

#[test]
fn check_tells_every_problem_with_its_line() {
    let world = World::new();
    world.golden("check", &["check"]);
    world.golden("check-json", &["--json", "check"]);
    let wrong = fs::read_to_string(world.path().join("agent.toml")).unwrap();
    let wrong = wrong
        .replace("port = 1\n", "port = 0\ncolour = \"red\"\n")
        .replace("Berlin", "Mars");
    fs::write(world.path().join("agent.toml"), wrong).unwrap();
    world.golden("check-problems", &["check"]);
    world.golden("check-problems-json", &["check", "--json"]);
    world.golden("backlog-without-configuration", &["backlog"]);
}

#[test]
fn backlog_shows_each_lane_and_what_is_held_behind_a_dead_letter() {
    let (world, _) = World::with_messages();
    // Columns are as wide as their ages.
    let mut mask = NOW.to_vec();
    mask.push((" {2,}", "  "));
    world.golden_with("backlog", &["backlog"], &mask);
    world.golden_with("backlog-json", &["backlog", "--json"], &NOW);
}

#[test]
fn a_backlog_that_is_watched_goes_on_and_tells_what_comes_in() {
    let (world, _) = World::with_messages();
    let mut spool = world.spool(0x1111);
    let mut watch = agent()
        .args(["--config", "agent.toml", "backlog", "--watch", "--json"])
        .current_dir(world.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut reading =
        || -> serde_json::Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let before = reading();
    let body = r#"{"order":"WH/MO/00008","quantity":{"value":"1"}}"#;
    let scans: Vec<_> = (0..100)
        .map(|second| scan("production.confirm", body, 900 + second))
        .collect();
    spool.commit(&scans, moment(900)).unwrap();
    let after = (0..10)
        .map(|_| reading())
        .find(|reading| reading["lanes"][1]["waiting"] == 101);
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert_eq!(before["lanes"][1]["waiting"], 1);
    let normal = &after.unwrap()["lanes"][1];
    assert!(normal["in_per_second"].as_f64().unwrap() > 1.0, "{normal}");
    assert_eq!(normal["drain"], "standing");
}

#[test]
fn messages_are_listed_by_each_filter() {
    let (world, _) = World::with_messages();
    world.golden("list", &["messages", "list"]);
    world.golden("list-limit", &["messages", "list", "--limit", "2"]);
    world.golden("list-json", &["messages", "list", "--json", "--state", "dead"]);
    world.golden(
        "list-key",
        &[
            "messages",
            "list",
            "--key",
            "order:WH/MO/00007",
            "--kind",
            "material.consume",
        ],
    );
    world.golden("list-lane", &["messages", "list", "--lane", "critical"]);
    let since = [
        "--since",
        "2025-03-03T06:03:00+01:00",
        "--until",
        "2025-03-03T06:05:00+01:00",
    ];
    world.golden("list-period", &[&["messages", "list"], &since[..]].concat());
    world.golden("list-nothing", &["messages", "list", "--source", "nobody"]);
}

#[test]
fn a_message_is_shown_whole_and_a_wrong_name_is_told() {
    let (world, ids) = World::with_messages();
    world.golden("show", &["messages", "show", &ids[2].to_string()]);
    world.golden("show-json", &["messages", "show", "--json", &ids[4].to_string()]);
    world.golden("show-no-id", &["messages", "show", "MES-4711"]);
    let foreign = ids[0].to_string().replace("plant-7", "plant-8");
    world.golden("show-foreign", &["messages", "show", &foreign]);
    let missing = ids[0].to_string().replace(":1:", ":77:");
    world.golden("show-missing", &["messages", "show", &missing]);
}

#[test]
fn a_message_is_traced_by_its_name_and_by_what_its_source_calls_it() {
    let (world, ids) = World::with_messages();
    world.golden("trace-applied", &["trace", &ids[0].to_string()]);
    world.golden("trace-dead", &["trace", &ids[1].to_string()]);
    world.golden("trace-stored", &["trace", &ids[2].to_string()]);
    world.golden("trace-source-id", &["trace", "MES-4711"]);
    world.golden("trace-json", &["trace", "--json", "MES-4711"]);
    world.golden("trace-nothing", &["trace", "MES-1"]);
}

#[test]
fn a_message_that_was_moved_is_found_under_its_first_name() {
    let (world, ids) = World::with_messages();
    let mut spool = world.spool(0x1111);
    spool.cut(Epoch(0x2222), &[ids[4].stamp()], moment(600)).unwrap();
    spool.close().unwrap();
    world.golden("trace-moved", &["trace", &ids[4].to_string()]);
    world.golden("list-moved", &["messages", "list", "--source", "mes"]);
}

#[test]
fn tail_begins_with_the_last_ones_and_goes_on_with_what_is_kept_meanwhile() {
    let (world, _) = World::with_messages();
    world.golden("tail", &["messages", "tail", "--last", "3", "--count", "3"]);
    let mut spool = world.spool(0x1111);
    let mut tail = agent()
        .args([
            "--config",
            "agent.toml",
            "messages",
            "tail",
            "--json",
            "--last",
            "1",
            "--count",
            "2",
        ])
        .current_dir(world.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The first line says that it looks; what is kept now must follow.
    let mut out = tail.stdout.take().unwrap();
    let mut first = Vec::new();
    while first.last() != Some(&b'\n') {
        let mut byte = [0];
        out.read_exact(&mut byte).unwrap();
        first.push(byte[0]);
    }
    let body = r#"{"order":"WH/MO/00008","quantity":{"value":"1"}}"#;
    let verdicts = spool
        .commit(&[scan("production.confirm", body, 900)], moment(900))
        .unwrap();
    assert!(matches!(verdicts[..], [Verdict::Kept(_)]));
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert!(tail.wait().unwrap().success());
    assert!(String::from_utf8(first).unwrap().contains("WH/HOLD"));
    assert!(
        rest.contains("order:WH/MO/00008") && rest.lines().count() == 1,
        "{rest}"
    );
}

#[test]
fn verify_finds_nothing_in_a_whole_store_and_the_row_that_a_disk_changed() {
    let (world, _) = World::with_messages();
    world.golden("verify", &["verify"]);
    world.golden("verify-json", &["verify", "--json"]);
    let mut bytes = fs::read(world.spool_file()).unwrap();
    let body = b"WH/MO/00007\",\"item\":\"STEEL";
    let at = bytes.windows(body.len()).position(|found| found == body).unwrap();
    bytes[at + 10] = b'8';
    fs::write(world.spool_file(), bytes).unwrap();
    world.golden("verify-damage", &["verify"]);
    world.golden("verify-damage-json", &["verify", "--json"]);
    world.golden("list-damage", &["messages", "list"]);
}

#[test]
fn a_station_is_tried_with_scans_from_the_command_line_and_from_standard_input() {
    let world = World::new();
    let scans = [
        "O:WH/MO/00007",
        "B:4711",
        "O:WH/MO/00007",
        "Q:5",
        "CMD:CONFIRM",
        "CMD:CONFIRM",
        "CMD:UNDO",
    ];
    world.golden("station", &[&["station", "try", "line-a"], &scans[..]].concat());
    world.golden("station-unknown", &["station", "try", "line-z", "x"]);
    let label = "01095011010209171726123110L-1<GS>30 12\n]C1010950110102091710L-1<GS>3012\nCMD:CONFIRM\n";
    let arguments = ["station", "try", "store", "--json"];
    golden::check(
        "station-json",
        env!("CARGO_PKG_NAME"),
        "station try store --json < scans",
        &world.run(&arguments, label),
        &[],
    );
}

#[test]
fn a_store_that_is_not_there_or_of_another_agent_is_told() {
    let world = World::new();
    for (name, arguments) in [
        ("list", &["messages", "list"][..]),
        ("verify", &["verify"]),
        ("backlog", &["backlog"]),
    ] {
        world.golden(&format!("no-store-{name}"), arguments);
    }
    let (world, _) = World::with_messages();
    let config = world.path().join("agent.toml");
    let other = fs::read_to_string(&config)
        .unwrap()
        .replace("plant-7\"", "plant-8\"");
    fs::write(&config, other).unwrap();
    world.golden("foreign-store", &["messages", "list"]);
}

#[test]
fn the_doctor_says_what_is_missing_and_what_to_do() {
    let disk = [
        (r"[0-9.]+ [KMGT]iB free of [0-9.]+ [KMGT]iB", "<free> of <all>"),
        (r"within \d+ ms|it says [^;]*;", "it says <now>;"),
        (r"\d+ d \d\d h", "<age>"),
        (r"uses [0-9.]+ KiB", "uses <some>"),
    ];
    let (world, _) = World::with_messages();
    world.golden_with("doctor", &["doctor"], &disk);
    world.golden_with("doctor-json", &["doctor", "--json"], &disk);
    World::new().golden_with("doctor-without-store", &["doctor"], &disk);
}
