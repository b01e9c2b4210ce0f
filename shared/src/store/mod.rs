//! What is kept: the spool (outgoing) and the inbox (incoming), each behind a narrow contract.
//!
//! Nothing outside this module names SQLite. A model in memory stands in for the disk in simulations only.

#[cfg(test)]
mod conformance;
pub mod desk;
pub mod inbox;
pub mod memory;
pub mod shadow;
pub mod spool;
pub mod sqlite;
pub mod writer;

use serde::{Deserialize, Serialize};

use crate::ident::Position;

/// Why positions of a spool will never come to the inbox at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum GapKind {
    /// The agent pruned them after they had settled; this store is younger than that. Nothing waits for them.
    Settled,
    /// Their content was moved to another epoch. What names one of them as its `after` waits until it arrives there.
    Moved,
    /// Their content is gone. They become one dead letter `lost`; what names one of them as its `after` waits until a
    /// person has decided.
    Lost,
}

/// Why a store could not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The disk has no room, or the quota is used up. Transient: it passes when something is pruned or freed.
    #[error("the store is full: {0}")]
    Full(String),
    /// The disk refused. Transient for the caller: nothing of the call took effect; it may be tried again.
    #[error("the disk refused: {0}")]
    Disk(String),
    /// What was read is not what was written. Fatal: the file must be set aside and salvaged, never continued.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The file was written by a newer program. Fatal: upgrade this one.
    #[error("the store has schema version {found}, this program knows up to {known}: upgrade it")]
    Newer {
        /// The version in the file.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// The file was written by an older program, and a reader does not change it. Permanent for a reader.
    #[error(
        "the store has schema version {found}, this program needs {known}: start the service once to migrate it"
    )]
    Older {
        /// The version in the file.
        found: u32,
        /// The version that this program reads.
        known: u32,
    },
    /// The file belongs to something else. Fatal: the path in the configuration is wrong.
    #[error("wrong file: {0}")]
    Foreign(String),
    /// One row is not what was written; its neighbours are. Permanent for this row only: skip it and say so.
    #[error("the row at {position} is damaged: {text}")]
    DamagedRow {
        /// Which.
        position: Position,
        /// What was found.
        text: String,
    },
    /// Another process has it. Fatal: two writers would break it.
    #[error("the store is in use by another process: {0}")]
    InUse(String),
    /// The caller broke the contract, such as naming a lane that does not exist. Fatal: a fault in this program.
    #[error("fault in this program: {0}")]
    Misuse(String),
}

impl StoreError {
    /// Whether the same call may succeed later without a person.
    pub fn is_transient(&self) -> bool {
        matches!(self, StoreError::Full(_) | StoreError::Disk(_))
    }
}
