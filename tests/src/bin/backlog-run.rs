//! Plays an outage of the target: `cargo run --release -p millrace-tests --bin backlog-run`.

use std::process::ExitCode;

use clap::Parser;
use millrace_shared::print::json;
use millrace_tests::outage::{Estimate, Report, into_odoo, into_shadow};

/// Plays an outage of the target.
///
/// The relay is up and its Odoo does not answer. The agent takes messages over HTTP; `millrace-agent backlog` shows them.
/// Then the target returns and the backlog drains while a scanner goes on. What `backlog` says of the time that is left
/// is compared with the time that it took, and what the target holds at the end with what was captured.
///
/// Programs of this command's own build are run: build them first, with
/// `cargo build --release -p millrace-agent -p millrace-relay`.
///
/// Exit codes: 0 all is as it must be, 1 it is not, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "backlog-run", max_term_width = 120)]
struct Arguments {
    /// How many messages come during the outage.
    #[arg(long, default_value_t = 1_000_000, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1000..))]
    messages: u64,
    /// A real Odoo is the target, with this many messages: half of them counts, half confirmations.
    #[arg(long, value_name = "NUMBER", conflicts_with = "messages", value_parser = clap::value_parser!(u64).range(200..))]
    odoo: Option<u64>,
    /// One JSON object in place of sentences.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let report = match arguments.odoo {
        Some(messages) => into_odoo(messages),
        None => into_shadow(arguments.messages),
    };
    if arguments.json {
        print!("{}", json(&report));
    } else {
        print(&report);
    }
    if report.wrong.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn print(report: &Report) {
    let Report {
        target,
        messages,
        taken_per_second,
        shown,
        drain_seconds,
        live,
        live_ms,
        ..
    } = report;
    println!("taken while the target was down  {messages} messages, {taken_per_second:.0}/s");
    println!(
        "shown by `backlog`               {} waiting, {} stored at the relay, oldest {} s",
        shown["waiting"], shown["stored"], shown["oldest_seconds"]
    );
    println!(
        "drained into {target:<19} {drain_seconds:.0} s after its return, {:.0}/s",
        *messages as f64 / drain_seconds
    );
    for estimate in &report.estimates {
        println!("{}", line(estimate));
    }
    let [median, p99, longest] = live_ms;
    println!(
        "live meanwhile, until settled    {live} messages: median {median} ms, p99 {p99} ms, longest {longest} ms"
    );
    report.wrong.iter().for_each(|wrong| println!("WRONG: {wrong}"));
    if report.wrong.is_empty() {
        println!("every message took effect once, in order");
    }
}

fn line(estimate: &Estimate) -> String {
    let shown = estimate
        .shown_seconds
        .map_or("none".into(), |seconds| format!("{seconds} s"));
    let off = estimate
        .off()
        .map_or("-".into(), |off| format!("{:.0} %", off * 100.0));
    format!(
        "time left, shown at {:>3.0} %         {shown}, real {:.0} s, off by {off}",
        estimate.drained * 100.0,
        estimate.real_seconds
    )
}
