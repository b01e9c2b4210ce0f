//! A scanner that goes on while a backlog drains, and how long each of its messages takes until it is settled.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use millrace_shared::ident::{Epoch, Lane, Position};
use millrace_shared::store::spool::{Fate, SpoolReader as _};
use millrace_shared::store::sqlite::spool::SqliteSpoolReader;

use crate::load::Gun;
use crate::world::PATIENCE;

/// How often it is looked whether a message is settled.
const LOOK: Duration = Duration::from_millis(5);

/// A person with a scanner, who counts items one after the other at a place of their own.
pub struct Person<'p> {
    /// The station's port.
    pub port: u16,
    /// The place.
    pub place: &'p str,
    /// What is counted there.
    pub items: &'p [String],
    /// Time between two messages.
    pub every: Duration,
    /// The agent's spool, in which nobody else has anything kept meanwhile.
    pub spool: &'p Path,
}

/// What the person did.
#[derive(Debug, Default)]
pub struct Scanned {
    /// From the first scan of its dialogue until the plant knew that the message was settled, one a message.
    pub latencies: Vec<Duration>,
    /// What was counted last of each item, in the items' order.
    pub figures: Vec<u64>,
    /// Messages that did not settle in time.
    pub unsettled: usize,
}

impl Person<'_> {
    /// Scans until `over`, then waits for what is not settled yet. `settled` follows how many are.
    pub fn scan(&self, over: &AtomicBool, settled: &AtomicU64) -> Scanned {
        let reader = SqliteSpoolReader::open(self.spool).expect("the agent's spool");
        let mut head = reader.heads().expect("heads").into_iter();
        let head = head.rfind(|head| head.lane == Lane::Normal).expect("a lane");
        let mut gun = Gun::at(0, self.port).expect("a connection");
        let mut scanned = Scanned {
            figures: vec![0; self.items.len()],
            ..Scanned::default()
        };
        let mut open: Vec<(Position, Instant)> = Vec::new();
        let mut next = (Instant::now(), 0_u64);
        let mut ending = None;
        loop {
            if over.load(Ordering::Relaxed) {
                ending.get_or_insert(Instant::now() + PATIENCE);
            } else if next.0 <= Instant::now() {
                let (item, figure) = (next.1 as usize % self.items.len(), next.1 % 90_000 + 1);
                let begun = Instant::now();
                gun.count(self.place, &self.items[item], figure).expect("a count");
                scanned.figures[item] = figure;
                open.push((position(head.epoch, head.next + next.1), begun));
                next = (next.0 + self.every, next.1 + 1);
            }
            open.retain(|(position, since)| {
                let fate = reader.fate(*position).expect("a fate");
                let done = matches!(fate, Some(Fate::Settled(_)));
                if done {
                    scanned.latencies.push(since.elapsed());
                    settled.fetch_add(1, Ordering::Relaxed);
                }
                !done
            });
            if ending.is_some_and(|until| open.is_empty() || until < Instant::now()) {
                scanned.unsettled = open.len();
                return scanned;
            }
            std::thread::sleep(LOOK);
        }
    }
}

fn position(epoch: Epoch, sequence: u64) -> Position {
    Position {
        epoch,
        lane: Lane::Normal,
        sequence,
    }
}

impl Scanned {
    /// The latency that so many hundredths of the messages kept.
    pub fn percentile(&self, hundredths: usize) -> Duration {
        let mut sorted = self.latencies.clone();
        sorted.sort();
        let last = sorted.len().saturating_sub(1);
        let index = (sorted.len() * hundredths).div_ceil(100).saturating_sub(1);
        sorted.get(index.min(last)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_latencies_the_99th_is_all_but_the_longest() {
        let scanned = Scanned {
            latencies: (1..=100).rev().map(Duration::from_millis).collect(),
            ..Scanned::default()
        };
        assert_eq!(scanned.percentile(99), Duration::from_millis(99));
        assert_eq!(scanned.percentile(100), Duration::from_millis(100));
        assert_eq!(Scanned::default().percentile(99), Duration::ZERO);
    }
}
