//! What the link brings to the inbox and hears from it.

use crate::envelope::Moment;
use crate::ident::{AgentId, Digest, Epoch, Lane, MessageId};
use crate::outcome::{Outcome, Reason};
use crate::store::GapKind;

use super::Declared;

/// Which store answers, and since when. Two receipts with the same opening were written by the same, uninterrupted
/// store; with another one, whatever was only *stored* must be compared with its floors again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// Random, given when the store was made.
    pub store: u64,
    /// How often it was opened; from 1.
    pub number: u64,
    /// Random, given at this opening: a store put back from a backup may repeat a number, never this.
    pub mark: u64,
    /// Raised at each take-over. Lower terms are ignored by agents.
    pub term: u64,
}

/// An epoch, the one before it, and how far it reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lineage {
    /// The epoch.
    pub epoch: Epoch,
    /// The epoch that it continued; none for an agent's first.
    pub predecessor: Option<Epoch>,
    /// How far each lane reaches at the agent, by the lane's number, with its running digest; none where it did not say.
    pub heads: Option<[Floor; 3]>,
}

impl Lineage {
    /// How far each lane that is not empty reaches; none where the agent did not say.
    pub(crate) fn reach(&self) -> Option<Vec<((Epoch, Lane), Floor)>> {
        let lanes = Lane::ALL.into_iter().zip(self.heads?);
        let filled = lanes.filter(|(_, head)| head.sequence > 0);
        Some(filled.map(|(lane, head)| ((self.epoch, lane), head)).collect())
    }
}

/// A frame that came in: contiguous rows of one lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Who sent it, by its certificate.
    pub agent: AgentId,
    /// The spool's life.
    pub epoch: Epoch,
    /// The lane.
    pub lane: Lane,
    /// The sequence of the first row, from 1.
    pub first: u64,
    /// What the sender says is the lane's running digest before the first row.
    pub before: Digest,
    /// The rows' sealed bytes. Anything may be in them; what is no envelope is kept all the same.
    pub rows: Vec<Vec<u8>>,
    /// When it came, milliseconds since 1970 by this side's clock.
    pub received_ms: i64,
    /// What is known of the sender's clock.
    pub clock: Option<Clock>,
}

/// An estimate of how far an agent's wall clock is off, made at hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Its clock minus ours, in milliseconds.
    pub offset_ms: i64,
    /// How wrong the estimate may be: half the round trip.
    pub error_ms: u32,
    /// The run of its machine that the hello came from; 0 where that is not known.
    pub boot: u64,
    /// When that run began, milliseconds since 1970 by our clock.
    pub began_ms: i64,
}

impl Clock {
    /// When something was captured, milliseconds since 1970 by our clock. Within the same run of the machine its wall
    /// clock may have been set to anything meanwhile; for an earlier run it is taken to have been off as at the hello.
    pub fn ours(&self, captured: Moment) -> i64 {
        if captured.boot == self.boot && self.boot != 0 {
            let running = i64::try_from(captured.monotonic_ms).unwrap_or(i64::MAX);
            self.began_ms.saturating_add(running)
        } else {
            captured.wall_ms.saturating_sub(self.offset_ms)
        }
    }
}

/// What became of an arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// On disk.
    Kept(Kept),
    /// Nothing of it was kept.
    Refused(Refusal),
}

/// What an arrival brought. `fresh + known + conflicts + late` is the number of its rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// Rows that fill their position for the first time, undecodable ones included.
    pub fresh: usize,
    /// Rows that were here.
    pub known: usize,
    /// Sequences where other content was here first. What came now is kept beside it, as a dead letter `conflict`; sent
    /// again it is a conflict as long as that is open, or its agent would not move it after a restart.
    pub conflicts: Vec<u64>,
    /// Sequences that had been declared lost, or were settled and pruned so that nothing is left to compare with. What
    /// came is kept as a dead letter `late`.
    pub late: Vec<u64>,
    /// Those of the fresh rows that are no envelope, kept as they came, as dead letters `undecodable`.
    pub undecodable: Vec<u64>,
    /// The sender's running digest before the first row is not ours: its log is not the one that is kept here. (Where
    /// rows before it are missing this is seen when they arrive, in [`LaneFloors::diverged`].)
    pub diverged: bool,
}

/// Why an arrival was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It would make one range too many. Transient: send what fills the holes first.
    Ranges,
    /// The agent's unsettled bytes in this lane would exceed their bound, and nothing that is here waits for any of this.
    /// Transient: wait for credit.
    Full,
    /// One epoch too many. Permanent until a person has looked.
    Epochs,
    /// No rows, too many, a row too large, or a sequence outside 1 to 2^62. Permanent: a fault of the sender.
    Malformed,
}

impl Refusal {
    /// Whether the same arrival may be taken later without a person.
    pub fn is_transient(self) -> bool {
        matches!(self, Refusal::Ranges | Refusal::Full)
    }

    /// The refusal in the words of a receipt.
    pub fn reason(self) -> Reason {
        match self {
            Refusal::Ranges => Reason::new("ranges", "too many holes: send what fills the lowest ones first"),
            Refusal::Full => Reason::new(
                "full",
                "this agent's room in this lane is used up: wait for credit",
            ),
            Refusal::Epochs => Reason::new(
                "epochs",
                "too many epochs: this agent's spool is cut again and again",
            ),
            Refusal::Malformed => {
                Reason::new("malformed", "the frame breaks a bound that the sender must keep")
            }
        }
    }
}

/// Positions that will never come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The spool's life.
    pub epoch: Epoch,
    /// The lane.
    pub lane: Lane,
    /// First.
    pub from: u64,
    /// Last.
    pub to: u64,
    /// The lane's running digest before the first; none where the sender does not know it any more.
    pub before: Option<Digest>,
    /// The lane's running digest up to and including the last.
    pub running: Digest,
    /// Why.
    pub kind: GapKind,
}

impl Gap {
    /// What is said of a part of it that begins here.
    pub fn declared(&self, first: u64) -> Declared {
        Declared {
            before: self.before.filter(|_| first == self.from),
            end: self.to,
            running: self.running,
        }
    }
}

/// Everything up to here, and the running digest of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floor {
    /// The last sequence of it; 0 for nothing.
    pub sequence: u64,
    /// The running digest up to and including it.
    pub running: Digest,
}

impl Floor {
    /// Nothing of a lane.
    pub fn origin(epoch: Epoch, lane: Lane) -> Self {
        Self {
            sequence: 0,
            running: Digest::origin(epoch, lane),
        }
    }
}

/// What is here of a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneFloors {
    /// The epoch.
    pub epoch: Epoch,
    /// The lane.
    pub lane: Lane,
    /// Everything up to here is stored, or declared.
    pub stored: Floor,
    /// What is stored above it: disjoint, rising, first and last sequence each.
    pub ranges: Vec<(u64, u64)>,
    /// Everything up to here is settled.
    pub settled: Floor,
    /// What the agent last acknowledged of `settled`.
    pub acknowledged: u64,
    /// The first sequence before which a sender's running digest was not ours.
    pub diverged: Option<u64>,
}

/// What an agent should hear of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Rises with every change in this store.
    pub change: u64,
    /// The message. Its digest matters: at the same position the agent may have other content.
    pub id: MessageId,
    /// What to hear.
    pub told: Told,
}

/// What became of a message, as far as its agent must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A dead letter, and why.
    Dead(Reason),
    /// It was a dead letter and is tried again.
    Reopened,
    /// Final.
    Settled(Outcome),
}
