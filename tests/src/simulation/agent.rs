//! An agent: a disk, a process with the sending machine, and a scanner that repeats a scan until it hears OK.

use std::collections::VecDeque;

use millrace_shared::envelope::Envelope;
use millrace_shared::ident::{AgentId, Stamp};
use millrace_shared::link::Sender;
use millrace_shared::store::memory::MemorySpool;
use millrace_shared::store::spool::SpoolReader;

use super::network::Line;

/// A disk's content, with what was scanned into it.
#[derive(Debug, Clone)]
pub struct Disk {
    /// The spool.
    pub spool: MemorySpool,
    /// The scans that it took, in order of capture.
    pub lineage: Vec<usize>,
}

/// An agent's machine.
#[derive(Debug)]
pub struct AgentNode {
    /// Its name; a clone shares it.
    pub id: AgentId,
    /// Its disk.
    pub disk: Disk,
    /// Images of the disk.
    pub images: Vec<Disk>,
    /// Whether the machine exists.
    pub exists: bool,
    /// Counts its processes; what was meant for an earlier one is dropped.
    pub run: u32,
    /// The sending machine, while the process runs.
    pub sender: Option<Sender>,
    /// Whether it has a connection.
    pub connected: bool,
    /// Its line.
    pub line: Line,
    /// When its store has done what was asked.
    pub store_free_ms: u64,
    /// When it is to be woken.
    pub wake_ms: Option<u64>,
    /// How far its wall clock is off.
    pub skew_ms: i64,
    /// What is still to be scanned, first the one that waits for its OK.
    pub to_scan: VecDeque<usize>,
    /// The highest term of a receipt that this process was given.
    pub term_heard: u64,
}

impl Disk {
    /// Names of the messages in the spool that are not settled and whose content is here.
    pub fn unsettled(&self) -> Vec<Stamp> {
        let Ok(heads) = self.spool.heads() else {
            return Vec::new();
        };
        let rows = heads.into_iter().filter_map(|head| {
            self.spool
                .rows(head.epoch, head.lane, 1, usize::MAX, usize::MAX)
                .ok()
        });
        let names = rows
            .flatten()
            .filter_map(|row| Some(Envelope::open(&row.bytes).ok()?.name(row.stamp())));
        names.collect()
    }

    /// Whether everything that was ever accepted is settled.
    pub fn is_settled(&self) -> bool {
        let heads = self.spool.heads().unwrap_or_default();
        heads.iter().all(|head| head.settled + 1 == head.next)
    }
}
