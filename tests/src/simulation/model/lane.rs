//! A lane in the model of the inbox: what stands at each position, walked anew at each question.

use std::collections::BTreeMap;

use millrace_shared::ident::{Digest, Epoch, Lane};
use millrace_shared::store::inbox::{Floor, LaneFloors};

use super::message::Item;

/// What stands at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// This message.
    Row(usize),
    /// It was settled and pruned; its content had this digest.
    Pruned(Digest),
    /// Declared: settled at the sender.
    Settled,
    /// Declared: moved to another epoch.
    Moved,
    /// Declared lost: this dead letter.
    Lost(usize),
}

/// A lane.
#[derive(Debug, Clone, Default)]
pub struct LaneModel {
    /// Positions that are filled.
    pub cells: BTreeMap<u64, Cell>,
    /// Running digests that were declared with gaps, by their last sequence.
    pub bridges: BTreeMap<u64, Digest>,
    /// What the agent acknowledged to be settled.
    pub acknowledged: u64,
}

impl LaneModel {
    /// How the lane stands.
    pub fn floors(&self, epoch: Epoch, lane: Lane, items: &[Item]) -> LaneFloors {
        let origin = Floor {
            sequence: 0,
            running: Digest::origin(epoch, lane),
        };
        let (mut stored, mut settled, mut all_settled) = (origin, origin, true);
        let mut running = Some(origin.running);
        for sequence in 1.. {
            let Some(cell) = self.cells.get(&sequence) else {
                break;
            };
            running = match cell {
                Cell::Row(slot) => running.map(|running| running.then(items[*slot].digest)),
                Cell::Pruned(digest) => running.map(|running| running.then(*digest)),
                Cell::Settled | Cell::Moved | Cell::Lost(_) => None,
            };
            running = running.or_else(|| self.bridges.get(&sequence).copied());
            all_settled &= match cell {
                Cell::Row(slot) | Cell::Lost(slot) => items[*slot].is_settled(),
                Cell::Pruned(_) | Cell::Settled | Cell::Moved => true,
            };
            if let Some(running) = running {
                stored = Floor { sequence, running };
                if all_settled {
                    settled = stored;
                }
            }
        }
        LaneFloors {
            epoch,
            lane,
            stored,
            ranges: self.ranges(stored.sequence),
            settled,
            acknowledged: self.acknowledged,
            diverged: None,
        }
    }

    /// Disjoint ranges above this floor.
    pub fn ranges(&self, floor: u64) -> Vec<(u64, u64)> {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for &sequence in self.cells.keys().filter(|sequence| **sequence > floor) {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == sequence => *last = sequence,
                _ => ranges.push((sequence, sequence)),
            }
        }
        ranges
    }
}
