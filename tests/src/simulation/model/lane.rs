//! A lane in the model of the inbox: what stands at each position, walked anew at each question.

use std::collections::BTreeMap;

use millrace_shared::ident::{Digest, Epoch, Lane};
use millrace_shared::store::inbox::{Chain, Declared, Floor, LaneFloors};

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
    /// What was said of declared ranges, by the first of each part that was absent.
    pub declared: BTreeMap<u64, Declared>,
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
        let (mut chain, mut settled, mut all_settled) = (Chain::new(origin), origin, true);
        while let Some(cell) = self.cells.get(&(chain.at() + 1)) {
            let sequence = chain.at() + 1;
            match cell {
                Cell::Row(slot) => chain.row(items[*slot].digest),
                Cell::Pruned(digest) => chain.row(*digest),
                Cell::Settled | Cell::Moved | Cell::Lost(_) => {
                    chain.over(sequence, self.declared.get(&sequence));
                }
            }
            all_settled &= match cell {
                Cell::Row(slot) | Cell::Lost(slot) => items[*slot].is_settled(),
                Cell::Pruned(_) | Cell::Settled | Cell::Moved => true,
            };
            if all_settled {
                settled = chain.floor();
            }
        }
        let stored = chain.floor();
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
