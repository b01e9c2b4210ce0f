//! The contract of the durable outgoing log.
//!
//! One writer ([`Spool`]), many readers ([`SpoolReader`]). Every call that changes something is one transaction: after
//! `Ok` it is on disk, after an error nothing of it is. (Where the disk failed and this process then ends before a later
//! change succeeded, it may be there whole when the store is opened again: claims and dialogues recognise it.) The spool gives each message its position, ordinal, links,
//! digest and running digest. It reads no clock: `now` is an argument, and retention is counted in running time.

mod intake;

use std::time::Duration;

use crate::envelope::{Moment, Row};
use crate::ident::{Digest, Epoch, Lane, MessageId, Position, Stamp};
use crate::outcome::{Outcome, Reason};

use super::{GapKind, StoreError};

pub use intake::{Claim, DialogueChange, Intake, Scan, Verdict};

/// Most intakes in one commit.
pub const BATCH_INTAKES: usize = 1024;
/// Most messages in one intake. More are refused: the source must split them.
pub const INTAKE_DRAFTS: usize = 4096;
/// Most bytes of envelopes in one intake. More are refused: the source must split them.
pub const INTAKE_BYTES: u64 = 16 * 1024 * 1024;
/// Longest name of a source, station or connection, and longest source's id. Longer ones are refused.
pub const NAME_BYTES: usize = 512;
/// Largest state of a dialogue. Larger ones are refused.
pub const STATE_BYTES: usize = 64 * 1024;

/// A lane of an epoch as the spool sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The epoch.
    pub epoch: Epoch,
    /// The epoch that it follows; none for the first of a spool.
    pub previous: Option<Epoch>,
    /// The lane.
    pub lane: Lane,
    /// The lowest sequence still kept (equal to `next` where nothing is).
    pub first: u64,
    /// The sequence that the next message gets.
    pub next: u64,
    /// The running digest before `next`.
    pub running: Digest,
    /// Up to here everything is stored at the other end.
    pub stored: u64,
    /// Up to here everything is settled.
    pub settled: u64,
}

/// Positions that this spool will never send again, and what a receiver needs to step over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// First.
    pub first: u64,
    /// Last.
    pub last: u64,
    /// The running digest before `first`; none where what it would be computed from is not kept any more.
    pub before: Option<Digest>,
    /// The running digest up to and including `last`.
    pub running: Digest,
    /// Why: settled or moved means that nobody misses them; lost is damaged, or dropped under disk pressure while only
    /// stored, and the receiver settles them as lost unless it has them.
    pub kind: GapKind,
}

/// What the other end told about messages; applied in one transaction. News of a stamp whose digest is not that of the
/// row at its position is about another content and is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Stored at the other end, `from..=to`.
    Stored {
        /// The epoch.
        epoch: Epoch,
        /// The lane.
        lane: Lane,
        /// First.
        from: u64,
        /// Last.
        to: u64,
    },
    /// The other end lost its disk: in this lane only `..=floor` and what is settled counts as stored.
    Forgotten {
        /// The epoch.
        epoch: Epoch,
        /// The lane.
        lane: Lane,
        /// Its floor now.
        floor: u64,
    },
    /// This is settled at the other end, with the content that it has here, and there is no more news of it: that of an
    /// earlier store, or of a twin, is gone with it. What is unsettled here settles too, dead or not: as lost where it is
    /// gone (see [`GapKind::Lost`]), otherwise as superseded by something unknown.
    Finished {
        /// The epoch.
        epoch: Epoch,
        /// The lane.
        lane: Lane,
        /// First.
        from: u64,
        /// Last.
        to: u64,
    },
    /// Everything up to here is settled at the other end, whatever its content. What is gone here (see
    /// [`GapKind::Lost`]), and was not told of by name, settles as lost; nothing else changes.
    Gone {
        /// The epoch.
        epoch: Epoch,
        /// The lane.
        lane: Lane,
        /// The last sequence of it.
        upto: u64,
    },
    /// It cannot take effect as it is. Not final.
    Dead {
        /// Which.
        stamp: Stamp,
        /// Why.
        reason: Reason,
    },
    /// It was dead and is tried again: as after [`News::Stored`].
    Reopened {
        /// Which.
        stamp: Stamp,
    },
    /// Final.
    Settled {
        /// Which.
        stamp: Stamp,
        /// How.
        outcome: Outcome,
    },
}

/// Where a message stands, seen from its own spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Kept here only.
    Waiting,
    /// Kept at the other end too.
    Stored,
    /// Cannot take effect as it is.
    Dead(Reason),
    /// Final.
    Settled(Outcome),
}

/// How a lane stands, all its open epochs together. Derived at each call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Given a position ever, in these epochs.
    pub accepted: u64,
    /// Kept here only.
    pub waiting: u64,
    /// Kept at the other end too, and neither dead nor settled.
    pub stored: u64,
    /// Cannot take effect as they are.
    pub dead: u64,
    /// Final.
    pub settled: u64,
    /// Bytes of the envelopes that wait.
    pub waiting_bytes: u64,
    /// Bytes of the envelopes that are not settled, those that wait included.
    pub unsettled_bytes: u64,
    /// When the oldest that is not settled was captured.
    pub oldest: Option<Moment>,
}

/// What is kept how long, in running time: hours in which nothing ran do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Settled messages, counted from the settlement. Longer than Odoo's backups reach back.
    pub settled: Duration,
    /// Claims: how long a source's own id is recognised.
    pub claims: Duration,
    /// The journal of scans.
    pub scans: Duration,
    /// What may go when the quota is nearly used up.
    pub pressure: Pressure,
}

/// What may go, oldest first, when the quota is nearly used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pressure {
    /// Nothing: sources are refused instead.
    #[default]
    Refuse,
    /// Messages that the other end has stored, never dead ones. They are lost if it loses its disk.
    DropStored,
}

/// What a call of [`Spool::prune`] took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Settled messages past their retention.
    pub settled: u64,
    /// Stored messages dropped under pressure. Each must be said aloud.
    pub dropped: u64,
    /// Claims past their retention.
    pub claims: u64,
    /// Scans past their retention.
    pub scans: u64,
    /// Whether the call stopped at its bound and there is more to do at once.
    pub more: bool,
}

/// The reading side of the spool: sees what is committed.
pub trait SpoolReader {
    /// Every lane of every epoch that is kept, oldest epoch first; the last epoch is the one that grows. One that is
    /// settled is told until pruning forgets it: a younger store at the other end must hear that it is.
    fn heads(&self) -> Result<Vec<Head>, StoreError>;

    /// Rows of a lane that may still have to be sent, from `from` on, in order, at most `count` and at most `bytes` (but
    /// at least one if there is one). Settled, moved and pruned rows are left out; [`SpoolReader::gaps`] explains them.
    /// The result ends before a damaged row; a call that begins at one is answered [`StoreError::DamagedRow`]: have it
    /// noted with [`Spool::give_up`], then it is a gap like any other.
    fn rows(
        &self,
        epoch: Epoch,
        lane: Lane,
        from: u64,
        count: usize,
        bytes: usize,
    ) -> Result<Vec<Row>, StoreError>;

    /// The positions in `from..=to` that [`SpoolReader::rows`] leaves out, in order, adjacent equals joined, at most
    /// `count`. Below the lane's `first` digests are no longer known one by one: a gap that begins there reaches to
    /// `first - 1` at least.
    fn gaps(
        &self,
        epoch: Epoch,
        lane: Lane,
        from: u64,
        to: u64,
        count: usize,
    ) -> Result<Vec<Gap>, StoreError>;

    /// The running digest up to and including a sequence: the origin for 0, and for every sequence from `first - 1` to
    /// `next - 1` of the lane's head; none where it is no longer known.
    fn running(&self, epoch: Epoch, lane: Lane, sequence: u64) -> Result<Option<Digest>, StoreError>;

    /// Where a message stands; none where the position was never given, or was pruned after settlement.
    fn fate(&self, position: Position) -> Result<Option<Fate>, StoreError>;

    /// How a lane stands.
    fn tally(&self, lane: Lane) -> Result<Tally, StoreError>;

    /// The dialogue of a station and connection as it was last committed; none where it has none.
    fn dialogue(&self, station: &str, connection: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// The messages that were kept under a source's id; none where the id is not (or no longer) known.
    fn claimed(&self, source: &str, id: &str) -> Result<Option<Vec<MessageId>>, StoreError>;
}

/// The writing side of the spool.
pub trait Spool: SpoolReader {
    /// Keeps all intakes in one transaction and says what became of each. `now` fills nothing but retention times.
    /// Once one is `Full`, those behind it in the batch are too: what is tried again must not land behind its successor.
    fn commit(&mut self, batch: &[Intake], now: Moment) -> Result<Vec<Verdict>, StoreError>;

    /// Notes what the other end told. What it says of positions that were never given or are settled is ignored.
    fn learn(&mut self, news: &[News], now: Moment) -> Result<(), StoreError>;

    /// Begins `new` as the epoch for what comes (unless it is that already) and moves these rows into it, in their order
    /// of capture. A moved row keeps its ordinal and its links, and names in `moved_from` the stamp that it had at capture,
    /// however often it was moved: its name for ever. What is captured later is linked to that name. Its old position
    /// settles as superseded by the new one. The old epoch stays open for sending until all of it is settled. What is
    /// settled or no longer kept is not moved.
    fn cut(&mut self, new: Epoch, moved: &[Stamp], now: Moment) -> Result<(), StoreError>;

    /// Notes that the content at this position is gone for ever, so that its gap can be declared to the other end. Does
    /// nothing where the row is whole or settled.
    fn give_up(&mut self, position: Position) -> Result<(), StoreError>;

    /// Takes away what `keep` no longer asks for, a bounded amount at each call, and forgets epochs that are settled
    /// and empty.
    fn prune(&mut self, keep: &Retention, now: Moment) -> Result<Pruned, StoreError>;
}
