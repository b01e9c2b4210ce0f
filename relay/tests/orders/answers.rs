//! What the commands answer on a prepared store, without the service beside them, and their help.

use millrace_shared::ident::MessageId;
use millrace_shared::outcome::{Outcome, Record};
use millrace_shared::store::inbox::Change;

use crate::golden;
use crate::kit::*;

/// What depends on when, where and by whom a test is run.
const NOW: [(&str, &str); 8] = [
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d", "<time>"),
    (r"\d+ d \d\d h", "<age>"),
    (r#""oldest_seconds":\d+"#, r#""oldest_seconds":<age>"#),
    (r"[0-9a-f]{64}", "<hash>"),
    (r"/tmp/[^/ ]+", "<folder>"),
    (r"[\d.]+ \wiB free of [\d.]+ \wiB", "<free> of <all>"),
    (r"it says \d{4}-\d\d-\d\d \d\d:\d\d", "it says <time>"),
    (r" {2,}", "  "),
];

/// A plant with one message in each state that people meet, oldest first: settled, dead, dead, held, ready.
fn prepared() -> (Plant, Vec<MessageId>) {
    let mut plant = Plant::new();
    let mut inbox = plant.inbox();
    let ids: Vec<_> = (0..5)
        .map(|n| {
            plant.receive(
                &mut inbox,
                &format!("P{n}"),
                if n < 3 { "dock-1" } else { "dock-2" },
            )
        })
        .collect();
    make(&mut inbox, &ids[0], Change::Send);
    let record = Record {
        model: "stock.picking".into(),
        id: 7,
        name: "IN/7".into(),
    };
    make(&mut inbox, &ids[0], Change::Settle(Outcome::Applied(record)));
    die(&mut inbox, &ids[1], "lot-missing");
    die(&mut inbox, &ids[2], "over-receipt");
    hold(&mut inbox, &ids[3], "unknown-item", "item:BOLT-P3");
    drop(inbox);
    (plant, ids)
}

fn answer(plant: &Plant, name: &str, arguments: &[&str]) {
    let own = millrace_relay::control::person::own();
    let mut mask = vec![(own.as_str(), "<user>")];
    mask.extend(NOW);
    golden::check(
        name,
        env!("CARGO_PKG_NAME"),
        &arguments.join(" "),
        &plant.run(arguments),
        &mask,
    );
}

#[test]
fn what_is_there_is_shown() {
    let (plant, ids) = prepared();
    let [settled, dead, _, held, ready] = &ids.iter().map(MessageId::to_string).collect::<Vec<_>>()[..]
    else {
        unreachable!()
    };
    answer(&plant, "plants", &["plants"]);
    answer(&plant, "plants-json", &["plants", "--json"]);
    answer(&plant, "backlog", &["backlog"]);
    answer(&plant, "balance", &["balance"]);
    answer(&plant, "balance-json", &["--json", "balance"]);
    answer(&plant, "dead-list", &["dead", "list"]);
    answer(
        &plant,
        "dead-list-json",
        &["dead", "list", "--json", "--code", "over-receipt"],
    );
    answer(&plant, "dead-list-held", &["dead", "list", "--held"]);
    for by in ["reason", "station", "operator", "plant", "kind"] {
        answer(
            &plant,
            &format!("dead-list-by-{by}"),
            &["dead", "list", "--by", by],
        );
    }
    answer(&plant, "dead-show", &["dead", "show", dead]);
    answer(&plant, "dead-show-json", &["dead", "show", "--json", held]);
    answer(&plant, "dead-try", &["dead", "try", dead]);
    answer(&plant, "trace-settled", &["trace", settled]);
    answer(&plant, "trace-ready", &["trace", ready]);
    answer(&plant, "trace-json", &["trace", "--json", dead]);
    answer(&plant, "audit-list", &["audit", "list", "--limit", "3"]);
    answer(&plant, "audit-verify", &["audit", "verify"]);
    answer(&plant, "audit-verify-json", &["audit", "verify", "--json"]);
    answer(&plant, "holds-none", &["holds"]);
    answer(&plant, "check", &["check"]);
}

#[test]
fn what_people_order_is_confirmed() {
    let (plant, ids) = prepared();
    let [_, first, second, held, ready] = &ids.iter().map(MessageId::to_string).collect::<Vec<_>>()[..]
    else {
        unreachable!()
    };
    let amend = ["dead", "amend", first, "--set", "lot=L9", "--reason", "label"];
    answer(&plant, "dead-amend", &amend);
    answer(&plant, "dead-amend-again", &amend);
    answer(
        &plant,
        "dead-amend-nonsense",
        &[
            "dead",
            "amend",
            second,
            "--set",
            "quantity.value=-1",
            "--reason",
            "x",
        ],
    );
    answer(&plant, "dead-retry", &["dead", "retry", "--station", "dock-1"]);
    answer(
        &plant,
        "hold",
        &["hold", "--station", "dock-2", "--reason", "typed in by hand?"],
    );
    answer(&plant, "holds", &["holds"]);
    answer(&plant, "holds-json", &["holds", "--json"]);
    answer(
        &plant,
        "dead-discard",
        &["dead", "discard", "--id", ready, "--reason", "typed in by Anna"],
    );
    answer(&plant, "release", &["release", "--plant", "plant-a", "--json"]);
    answer(&plant, "release-none", &["release", "--id", held]);
    answer(&plant, "flush", &["flush"]);
    answer(&plant, "domain-resume", &["domain", "resume", "plant-a"]);
    answer(&plant, "domain-replay", &["domain", "replay", "plant-a"]);
}

#[test]
fn what_cannot_be_answered_says_why_and_what_to_do() {
    let plant = Plant::new();
    answer(&plant, "no-store", &["plants"]);
    drop(plant.inbox());
    answer(&plant, "retry-which", &["dead", "retry"]);
    answer(&plant, "retry-none", &["dead", "retry", "--all"]);
    answer(&plant, "trace-no-id", &["trace", "P0"]);
    answer(
        &plant,
        "trace-stranger",
        &["trace", "plant-a:0000000000000007:normal:1:00000000000000ff"],
    );
    answer(&plant, "doctor-without-service", &["doctor"]);
    let file = plant.folder.path().join("relay.toml");
    let wrong = std::fs::read_to_string(&file).unwrap() + "colour = \"red\"\n[odoo]\nurl = 7\n";
    std::fs::write(&file, wrong).unwrap();
    answer(&plant, "check-problems", &["check"]);
    answer(&plant, "plants-without-configuration", &["plants"]);
}

#[test]
fn every_help_is_as_it_was_last_looked_at() {
    let commands: [&[&str]; 25] = [
        &[],
        &["run"],
        &["check"],
        &["doctor"],
        &["plants"],
        &["backlog"],
        &["trace"],
        &["balance"],
        &["dead"],
        &["dead", "list"],
        &["dead", "show"],
        &["dead", "retry"],
        &["dead", "amend"],
        &["dead", "discard"],
        &["dead", "try"],
        &["hold"],
        &["holds"],
        &["release"],
        &["domain", "resume"],
        &["domain", "replay"],
        &["flush"],
        &["audit", "list"],
        &["audit", "verify"],
        &["pki"],
        &["allow-list"],
    ];
    let plant = Plant::new();
    for command in commands {
        let arguments: Vec<&str> = command.iter().copied().chain(["--help"]).collect();
        let name = if command.is_empty() {
            "help".to_owned()
        } else {
            format!("help-{}", command.join("-"))
        };
        golden::check(
            &name,
            env!("CARGO_PKG_NAME"),
            &arguments.join(" "),
            &plant.run(&arguments),
            &[],
        );
    }
}
