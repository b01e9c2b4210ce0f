//! The promises of the link and of what stands around it, under every disaster that the simulation knows.
//!
//! A seed that fails here is replayed with
//! `cargo run --release --package millrace-tests --bin simulate -- --seed N --log`.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

mod command;

use millrace_tests::simulation::bug::Bug;
use millrace_tests::simulation::{self, sweep};

/// Seeds of the regular run; a command runs any number.
const SEEDS: u64 = 2_000;

/// A planted fault that is not seen in so many seeds is not seen.
const SEEDS_FOR_A_BUG: u64 = 600;

#[test]
fn nothing_is_lost_doubled_reordered_or_hidden_in_two_thousand_worlds() {
    let broken = sweep(0..SEEDS, None, |seed, _| {
        let broken = simulation::run(seed, None, false).broken;
        (!broken.is_empty()).then(|| format!("seed {seed}: {broken:?}"))
    });
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_planted_fault_is_seen() {
    let unseen = sweep(0..Bug::ALL.len() as u64, None, |index, _| {
        let bug = Bug::ALL[index as usize];
        let seen = simulation::catch(bug, 0..SEEDS_FOR_A_BUG);
        seen.is_none().then_some(bug)
    });
    assert!(unseen.is_empty(), "not seen: {unseen:?}");
}

#[test]
fn the_same_seed_is_the_same_world() {
    let (a, b) = (simulation::run(7, None, true), simulation::run(7, None, true));
    assert_eq!(a.log, b.log);
    assert!(a.log.len() > 100);
}
