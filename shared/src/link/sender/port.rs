//! What a sender hears from its driver, and what it asks of it.

use crate::envelope::Row;
use crate::ident::{AgentId, Digest, Epoch, Lane, Stamp};
use crate::link::{Channel, Ticket};
use crate::store::spool::{Gap, Head, News};

/// Who the sender is.
#[derive(Debug, Clone)]
pub struct SenderConfig {
    /// Its name, that of its topics.
    pub agent: AgentId,
    /// Random, one a run.
    pub session: u64,
}

/// What happened.
#[derive(Debug)]
pub enum SenderEvent {
    /// The transport has a connection and its subscriptions stand.
    Connected,
    /// It has none any more. What was published may be lost.
    Disconnected,
    /// A payload came from the receiver.
    Receipt(Vec<u8>),
    /// The spool's heads: after each commit of new messages, and as the answer to [`SenderAction::Heads`].
    Heads(Vec<Head>),
    /// The answer to [`SenderAction::Read`].
    Rows(Ticket, Batch),
    /// The answer to [`SenderAction::Running`]; none where it is no longer known.
    Running(Ticket, Option<Digest>),
    /// The answer to [`SenderAction::Learn`] and [`SenderAction::Cut`]: it is committed. The heads may have changed and
    /// come with it.
    Committed(Ticket, Vec<Head>),
    /// The store could not do what the ticket asked. It is asked again later.
    Failed(Ticket),
}

/// What a spool has in a range.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// Up to here the answer is complete: each position from the first one asked for is a row or in a gap.
    pub upto: u64,
    /// The rows, rising.
    pub rows: Vec<Row>,
    /// The gaps between them, rising.
    pub gaps: Vec<Gap>,
}

/// What the driver shall do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SenderAction {
    /// Publish, with QoS 1. Answered by nothing.
    Publish(Channel, Vec<u8>),
    /// Read rows and gaps. Answered by `Rows`.
    Read(Ticket, Read),
    /// Read a running digest. Answered by `Running`.
    Running(Ticket, Epoch, Lane, u64),
    /// Read the heads. Answered by `Heads`, or by nothing where they cannot be read.
    Heads,
    /// Commit news. Answered by `Committed`.
    Learn(Ticket, Vec<News>),
    /// Cut the epoch: with a new random epoch if `fresh`, otherwise into the one that is current; move these rows there.
    /// Answered by `Committed`.
    Cut {
        /// The question's name.
        ticket: Ticket,
        /// Whether a new epoch is needed.
        fresh: bool,
        /// The rows to move.
        moved: Vec<Stamp>,
    },
    /// Drop the connection and make a new one; the text says why.
    Reconnect(&'static str),
    /// Log and count.
    Notice(SenderNotice),
}

/// A range to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// The epoch.
    pub epoch: Epoch,
    /// The lane.
    pub lane: Lane,
    /// From here.
    pub from: u64,
    /// Not beyond here.
    pub upto: u64,
    /// At most this many rows.
    pub count: usize,
    /// At most this many bytes of rows, but at least one row.
    pub bytes: usize,
}

/// What people should be able to see.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SenderNotice {
    /// The other end answered for the first time, or its store was opened anew.
    #[error("the relay answers; its store was opened {} times", .0.number)]
    Opening(crate::link::wire::Origin),
    /// A receipt of a lower term came and was ignored: an old instance still speaks.
    #[error(
        "a receipt of term {term} was ignored, for term {known} was heard: an old relay still speaks, stop it"
    )]
    LowerTerm {
        /// Its term.
        term: u64,
        /// The highest that was heard.
        known: u64,
    },
    /// The other end has other content in this lane than this spool: a copy of it was put back or is running.
    #[error(
        "the relay has other content than this spool in epoch {epoch}, lane {lane}: this spool was put back from a copy, or a copy of it runs; what is new goes on in an epoch of its own"
    )]
    Diverged {
        /// The epoch.
        epoch: Epoch,
        /// The lane.
        lane: Lane,
    },
    /// A single envelope is refused for good and is tried again only seldom.
    #[error(
        "the relay refuses message {sequence} of epoch {epoch}, lane {lane}: {reason}. It is tried again seldom; its neighbours go on"
    )]
    Stuck {
        /// The epoch.
        epoch: Epoch,
        /// The lane.
        lane: Lane,
        /// The sequence.
        sequence: u64,
        /// What the other end said.
        reason: crate::outcome::Reason,
    },
    /// Positions were declared lost.
    #[error(
        "messages {first} to {last} of epoch {epoch}, lane {lane} cannot be read from this spool and were declared lost: see `verify`"
    )]
    Lost {
        /// The epoch.
        epoch: Epoch,
        /// The lane.
        lane: Lane,
        /// First.
        first: u64,
        /// Last.
        last: u64,
    },
    /// No version in common with the other end: upgrade one of them. Nothing is sent meanwhile.
    #[error(
        "no link version in common with the relay ({0:?}): upgrade one of the two; nothing is sent meanwhile"
    )]
    Incompatible(crate::link::wire::Versions),
    /// A payload could not be read.
    #[error("a payload of the relay cannot be read: {0}")]
    Unreadable(String),
}
