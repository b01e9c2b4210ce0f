//! Runs the kill run with any number of kills and messages: `cargo run -p millrace-tests --bin kill-run -- 200 10000`.

use std::process::ExitCode;

use clap::Parser;
use millrace_tests::kills::{Run, run};

/// Kills agent, relay, mosquitto, Odoo workers and PostgreSQL at random under load.
///
/// At the end the sums in Odoo's own tables are compared with what was scanned, and the order of each key with the order
/// of its scans. Programs of this command's own build are run: build them first, with `cargo build --workspace`.
/// Mosquitto must be on the PATH. The same seed kills in the same order.
///
/// Exit codes: 0 every sum is exact, 1 one is not, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "kill-run", max_term_width = 120)]
struct Arguments {
    /// How often something is killed.
    #[arg(value_name = "KILLS")]
    kills: usize,
    /// How many messages are scanned meanwhile.
    #[arg(value_name = "MESSAGES")]
    messages: usize,
    /// What the dice begin with; random where it is not given, and printed.
    #[arg(value_name = "SEED")]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(rand::random);
    let Ok(folder) = tempfile::TempDir::new() else {
        return ExitCode::FAILURE;
    };
    println!("seed {seed}");
    let odoo = folder.path().join("odoo");
    let report = run(&Run {
        kills: arguments.kills,
        messages: arguments.messages,
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
