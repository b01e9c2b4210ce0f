//! A relay: a disk, and a process with a receiving machine for each agent and a poster.

use std::collections::BTreeMap;

use millrace_shared::ident::AgentId;
use millrace_shared::link::Receiver;

use super::inbox::RelayDisk;
use super::poster::Poster;

/// A relay's machine.
#[derive(Debug)]
pub struct RelayNode {
    /// Its disk.
    pub disk: RelayDisk,
    /// Counts its processes.
    pub run: u32,
    /// Whether its process runs.
    pub up: bool,
    /// Whether another instance took over from it.
    pub deposed: bool,
    /// Stopped in its tracks until then, unnoticed by itself.
    pub paused_until_ms: u64,
    /// The receiving machines.
    pub receivers: BTreeMap<AgentId, Receiver>,
    /// What brings messages into the target.
    pub poster: Poster,
    /// When its store has done what was asked.
    pub store_free_ms: u64,
    /// When it is to be woken.
    pub wake_ms: Option<u64>,
}
