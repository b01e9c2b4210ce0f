//! What a receiver says.

use serde::{Deserialize, Serialize};

use super::{HelloId, Mark, Origin, Versions};
use crate::envelope::Moment;
use crate::ident::{Epoch, Lane, Stamp};
use crate::outcome::{Outcome, Reason};

/// Said by a receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who says so.
    pub origin: Origin,
    /// What.
    pub tidings: Tidings,
}

/// What a receiver has to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tidings {
    /// The answer to a hello.
    Welcome(Box<Welcome>),
    /// *stored* and *conflict*: frames that were committed, and how the lanes stand now. Without frames: a repetition by
    /// timer.
    Stored {
        /// The frames and gaps.
        taken: Vec<Taken>,
        /// Lanes that changed, or whose holes or credits are repeated.
        tides: Vec<Tide>,
    },
    /// *refused*: nothing of this range was kept.
    Refused(Refused),
    /// *dead* and *settled*.
    News(News),
    /// Nothing in common: one side must be upgraded.
    Incompatible(Versions),
}

/// The answer to a hello.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The hello that is answered.
    pub answers: HelloId,
    /// The wire version to use.
    pub wire: u16,
    /// The highest schema version to use.
    pub schema: u16,
    /// The receiver's clocks at answering.
    pub clock: Moment,
    /// Every lane that the hello named.
    pub tides: Vec<Tide>,
}

/// A frame or declared gap that is committed, named so that only its own sender recognises it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The epoch.
    pub epoch: Epoch,
    /// The lane.
    pub lane: Lane,
    /// First sequence.
    pub first: u64,
    /// Last sequence, and the running digest up to it as it follows from what was sent.
    pub last: Mark,
    /// Sequences where other content was first. What was sent is kept beside it; the sender moves it.
    pub conflicts: Vec<u64>,
    /// Sequences that had been declared, or settled and forgotten. What was sent is kept beside them as a dead letter.
    pub late: Vec<u64>,
}

/// How a lane stands at the receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tide {
    /// The epoch.
    pub epoch: Epoch,
    /// The lane.
    pub lane: Lane,
    /// Everything up to here is stored or declared. To be believed only where the running digest agrees.
    pub floor: Mark,
    /// What is stored above the floor, first and last each, rising. A hint: whose content stands there is not said.
    pub held: Vec<(u64, u64)>,
    /// Everything up to here is settled, and all news of it were told and acknowledged: of what the sender still takes
    /// for unsettled up to here, no news will come.
    pub settled: u64,
    /// How many positions of this lane may be stored or under way. Never needed for what lies below a held range.
    pub credit: u64,
}

/// A range of which nothing was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The epoch.
    pub epoch: Epoch,
    /// The lane.
    pub lane: Lane,
    /// First sequence.
    pub first: u64,
    /// Last sequence.
    pub last: u64,
    /// Whether the same may be taken later. Otherwise the sender bisects.
    pub transient: bool,
    /// Why.
    pub reason: Reason,
}

/// News of messages, in the order of their change numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// The run of the sender that these are for: what it had settled before is left out.
    pub session: u64,
    /// There is nothing unsaid between this change number and the first note.
    pub after: u64,
    /// The change number of the last note.
    pub upto: u64,
    /// What became of which.
    pub notes: Vec<Note>,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Which, by content too.
    pub stamp: Stamp,
    /// What became of it.
    pub told: Told,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// A dead letter. Not final.
    Dead(Reason),
    /// It was a dead letter and is tried again.
    Reopened,
    /// Final.
    Settled(Outcome),
}
