//! Runs many seeds of the simulation, or replays one.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use millrace_tests::simulation::bug::Bug;
use millrace_tests::simulation::{self, sweep};

/// How to run this program, for the line that replays a seed.
const COMMAND: &str = "cargo run --release --package millrace-tests --bin simulate --";

/// How often it is said how far it came.
const SAY: Duration = Duration::from_secs(10);

/// Simulates both ends of the link, their stores and Odoo through every disaster, and checks the promises.
///
/// One seed is one world: a network that loses, doubles, reorders and delays, crashes at every commit boundary, clocks
/// that jump, disks that are lost, restored and cloned, and an Odoo that is slow, away or put back from a backup. The
/// same seed is the same world on every machine.
#[derive(Debug, Parser)]
#[command(
    name = "simulate",
    after_help = "Exit codes:\n  0  every promise held; with --bug: every planted fault was seen\n  \
                  1  a promise was broken; with --bug: a fault was not seen\n  2  the command line is wrong"
)]
struct Options {
    /// How many seeds to run
    #[arg(long, value_name = "NUMBER", default_value_t = 2_000)]
    seeds: u64,
    /// The first of them
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    from: u64,
    /// How many threads to use; all processors unless said otherwise
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Run this seed only
    #[arg(long, conflicts_with_all = ["seeds", "from", "threads"])]
    seed: Option<u64>,
    /// Print what happened in the world of that seed, one line an event
    #[arg(long, requires = "seed")]
    log: bool,
    /// Plant this fault, or each in turn with `all`, and look for the first seed in which it is seen
    #[arg(long, value_name = "FAULT")]
    bug: Option<String>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let named = options.bug.as_deref().filter(|name| *name != "all");
    let bug = match named.map(str::parse::<Bug>).transpose() {
        Ok(bug) => bug,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let good = match options.seed {
        Some(seed) => show(seed, bug, options.log),
        None if options.bug.is_some() => catch(&options, bug),
        None => run(&options),
    };
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The world of one seed.
fn show(seed: u64, bug: Option<Bug>, log: bool) -> bool {
    let verdict = simulation::run(seed, bug, log);
    verdict.log.iter().for_each(|line| println!("{line}"));
    println!(
        "seed {seed}: {} scans, {} events, {} s of simulated time",
        verdict.scans,
        verdict.steps,
        verdict.lasted_ms / 1000
    );
    verdict.broken.iter().for_each(|text| println!("BROKEN {text}"));
    verdict.broken.is_empty()
}

/// Planted faults, each until it is seen.
fn catch(options: &Options, bug: Option<Bug>) -> bool {
    let mut all = true;
    for bug in bug.map_or(Bug::ALL.to_vec(), |bug| vec![bug]) {
        match simulation::catch(bug, options.from..options.from + options.seeds) {
            Some((seed, broken)) => println!("{bug:?} is seen in seed {seed}: {broken}"),
            None => {
                all = false;
                println!("{bug:?} is NOT SEEN in {} seeds", options.seeds);
            }
        }
    }
    all
}

/// Many seeds.
fn run(options: &Options) -> bool {
    let begin = Instant::now();
    let (scans, steps) = (AtomicU64::new(0), AtomicU64::new(0));
    let said_s = AtomicU64::new(0);
    let work = |seed: u64, done: u64| {
        let verdict = simulation::run(seed, None, false);
        scans.fetch_add(verdict.scans as u64, Ordering::Relaxed);
        steps.fetch_add(verdict.steps, Ordering::Relaxed);
        let now_s = begin.elapsed().as_secs();
        let last_s = said_s.load(Ordering::Relaxed);
        let due = now_s >= last_s + SAY.as_secs();
        let swap = || said_s.compare_exchange(last_s, now_s, Ordering::Relaxed, Ordering::Relaxed);
        if due && swap().is_ok() {
            let left_s = now_s * options.seeds.saturating_sub(done) / done.max(1);
            eprintln!(
                "{done} of {} seeds in {now_s} s, about {left_s} s left",
                options.seeds
            );
        }
        if verdict.broken.is_empty() {
            return None;
        }
        for text in verdict.broken.iter().take(3) {
            println!("seed {seed} BROKE {text}");
        }
        println!("  replay it: {COMMAND} --seed {seed} --log");
        Some(seed)
    };
    let threads = options.threads.map(usize::from);
    let broken = sweep(options.from..options.from + options.seeds, threads, work);
    println!(
        "{} seeds from {}: {} broke a promise; {} scans, {} events, {} s",
        options.seeds,
        options.from,
        broken.len(),
        scans.into_inner(),
        steps.into_inner(),
        begin.elapsed().as_secs()
    );
    broken.is_empty()
}
