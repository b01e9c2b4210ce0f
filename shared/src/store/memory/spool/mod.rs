//! A model of the spool in memory: plain vectors and searches, so that it is easy to see that it is right.
//!
//! Stands in for the disk in simulations, and is what the SQLite spool is compared with. A crash in a simulation is a
//! clone of it, taken between two calls; an old image is an older clone.

mod learn;
mod prune;
mod read;
mod write;

use std::collections::BTreeMap;

use crate::envelope::{Envelope, Moment, Row};
use crate::ident::{AgentId, Digest, Epoch, Lane, Stamp};
use crate::message::Key;
use crate::outcome::{Outcome, Reason};
use crate::store::GapKind;

/// The model.
#[derive(Debug, Clone)]
pub struct MemorySpool {
    agent: AgentId,
    epochs: Vec<EpochLog>,
    began: usize,
    claims: BTreeMap<(String, String), Answer>,
    dialogues: BTreeMap<(String, String), Vec<u8>>,
    uptime_ms: u64,
    last: Option<Moment>,
    full: Option<String>,
    pressed: bool,
}

#[derive(Debug, Clone)]
struct EpochLog {
    epoch: Epoch,
    previous: Option<Epoch>,
    /// Its number among all epochs that there ever were.
    number: usize,
    ordinal: u64,
    lanes: [Vec<Cell>; 3],
    /// How many rows at the beginning of each lane were deleted.
    deleted: [u64; 3],
}

#[derive(Debug, Clone)]
struct Cell {
    row: Row,
    /// What it was called at capture, whatever moved it since.
    name: Stamp,
    keys: Vec<Key>,
    moment: Moment,
    /// Epoch and ordinal of its capture.
    captured: (usize, u64),
    stored: bool,
    dead: Option<Reason>,
    settled: Option<(u64, Outcome)>,
    gone: Option<GapKind>,
    pruned: bool,
}

#[derive(Debug, Clone)]
struct Answer {
    content: Digest,
    stamps: Vec<Stamp>,
    at_ms: u64,
}

impl MemorySpool {
    /// An empty spool with this first epoch.
    pub fn new(agent: AgentId, epoch: Epoch) -> Self {
        let mut spool = Self {
            agent,
            epochs: Vec::new(),
            began: 0,
            claims: BTreeMap::new(),
            dialogues: BTreeMap::new(),
            uptime_ms: 0,
            last: None,
            full: None,
            pressed: false,
        };
        spool.begin(epoch);
        spool
    }

    /// From now on every intake is answered that the store is full; or no longer.
    pub fn set_full(&mut self, why: Option<&str>) {
        self.full = why.map(str::to_owned);
    }

    /// From now on the quota is exceeded, so that pruning drops stored messages where its policy lets it; or no longer.
    pub fn set_pressed(&mut self, pressed: bool) {
        self.pressed = pressed;
    }

    fn begin(&mut self, epoch: Epoch) {
        self.began += 1;
        self.epochs.push(EpochLog {
            epoch,
            previous: self.epochs.last().map(|last| last.epoch),
            number: self.began,
            ordinal: 1,
            lanes: Default::default(),
            deleted: [0; 3],
        });
    }

    fn at_ms(&mut self, now: Moment) -> u64 {
        if let Some(last) = self.last.filter(|last| last.boot == now.boot) {
            self.uptime_ms += now.monotonic_ms.saturating_sub(last.monotonic_ms);
        }
        self.last = Some(now);
        self.uptime_ms
    }

    fn log(&self, epoch: Epoch) -> Option<&EpochLog> {
        self.epochs.iter().find(|log| log.epoch == epoch)
    }

    fn cell_mut(&mut self, epoch: Epoch, lane: Lane, sequence: u64) -> Option<&mut Cell> {
        let log = self.epochs.iter_mut().find(|log| log.epoch == epoch)?;
        log.lanes[lane as usize].get_mut(usize::try_from(sequence.checked_sub(1)?).ok()?)
    }

    /// Every message with this key that is not settled, the latest captured last.
    fn open_with(&self, key: &Key) -> Option<Stamp> {
        let cells = self.epochs.iter().flat_map(|log| log.lanes.iter().flatten());
        let open = cells.filter(|cell| cell.settled.is_none() && cell.keys.contains(key));
        open.max_by_key(|cell| cell.captured).map(|cell| cell.name)
    }
}

impl EpochLog {
    fn next(&self, lane: Lane) -> u64 {
        self.lanes[lane as usize].len() as u64 + 1
    }

    fn running(&self, lane: Lane, sequence: u64) -> Digest {
        match sequence {
            0 => Digest::origin(self.epoch, lane),
            _ => self.lanes[lane as usize][sequence as usize - 1].row.running(),
        }
    }

    fn first(&self, lane: Lane) -> u64 {
        self.deleted[lane as usize] + 1
    }

    fn floor(&self, lane: Lane, holds: impl Fn(&Cell) -> bool) -> u64 {
        let cells = &self.lanes[lane as usize];
        cells.iter().take_while(|cell| holds(cell)).count() as u64
    }

    fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.lanes.iter().flatten()
    }
}

impl Cell {
    fn new(row: Row, envelope: &Envelope, captured: (usize, u64)) -> Self {
        Self {
            name: envelope.name(row.stamp()),
            row,
            keys: envelope.keys.iter().map(|link| link.key.clone()).collect(),
            moment: envelope.capture.moment,
            captured,
            stored: false,
            dead: None,
            settled: None,
            gone: None,
            pruned: false,
        }
    }

    /// It ends like this, unless it ended before.
    fn end(&mut self, outcome: Outcome, at_ms: u64) {
        if self.settled.is_none() {
            (self.stored, self.dead) = (true, None);
            self.settled = Some((at_ms, outcome));
        }
    }

    /// Why the link is not given this row.
    fn gap(&self) -> Option<GapKind> {
        match self.gone {
            Some(GapKind::Moved) => Some(GapKind::Moved),
            _ if self.settled.is_some() => Some(GapKind::Settled),
            gone => gone,
        }
    }
}
