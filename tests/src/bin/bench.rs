//! Measures Millrace: `cargo run --release -p millrace-tests --bin bench`.

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use millrace_shared::print::{Style, json, listing, say};
use millrace_tests::bench::Figure;

/// Measures Millrace, each figure beside its ceiling from the same run and the same disk.
///
/// The programs are the real ones, of the build that this command belongs to: build them first, with
/// `cargo build --release -p millrace-agent -p millrace-relay`. Everything is written below the folder for temporary
/// files; set TMPDIR to measure another disk. `restart` takes 4 GB there for a while. Keep the machine quiet meanwhile.
///
/// Exit codes: 0 every aim was met, 1 an aim was missed or something failed, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "bench", max_term_width = 120)]
struct Arguments {
    /// What to measure; all of it where nothing is named.
    #[arg(value_enum, value_name = "FIGURE")]
    figures: Vec<Figure>,
    /// One JSON object a line, as soon as it is measured.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let figures = match &arguments.figures[..] {
        [] => Figure::value_variants(),
        some => some,
    };
    if cfg!(debug_assertions) {
        eprintln!("this is not a release build: its figures say nothing");
    }
    let mut rows = Vec::new();
    for figure in figures {
        figure.measure(&mut |row| {
            if arguments.json {
                // Whoever reads may have seen enough.
                let _ = say(&json(&row));
            } else {
                eprint!("{}", listing(Style::Table, std::slice::from_ref(&row), ""));
            }
            rows.push(row);
        });
    }
    if !arguments.json {
        let _ = say(&listing(Style::Table, &rows, "nothing was measured"));
    }
    if rows.iter().any(|row| row.misses()) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
