//! Runs the kill run with any number of kills and messages: `cargo run -p millrace-tests --bin kill-run -- 200 10000`.

use std::process::ExitCode;

use millrace_tests::kills::{Run, run};

const USAGE: &str = "usage: kill-run KILLS MESSAGES [SEED]
Kills agent, relay, mosquitto, Odoo workers and PostgreSQL at random under load, then compares Odoo's tables with what
was scanned. Needs `cargo build --workspace` first, and mosquitto on the PATH. Exit code 0 if every sum is exact.";

fn main() -> ExitCode {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .map_while(|text| text.parse().ok())
        .collect();
    let (kills, messages, seed) = match numbers[..] {
        [kills, messages] => (kills, messages, rand::random()),
        [kills, messages, seed] => (kills, messages, seed),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let Ok(folder) = tempfile::TempDir::new() else {
        return ExitCode::FAILURE;
    };
    println!("seed {seed}");
    let odoo = folder.path().join("odoo");
    let report = run(&Run {
        kills: kills as usize,
        messages: messages as usize,
        seed,
        odoo,
        tell: |how_far| println!("{how_far}"),
    });
    let [agent, relay, broker, worker, postgres] = report.kills;
    println!(
        "{} messages in {} s; killed: agent {agent}, relay {relay}, broker {broker}, Odoo worker {worker}, PostgreSQL {postgres}",
        report.messages, report.seconds
    );
    report.wrong.iter().for_each(|wrong| println!("WRONG: {wrong}"));
    if report.wrong.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
