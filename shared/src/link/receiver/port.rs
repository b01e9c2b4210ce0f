//! What a receiver hears from its driver, and what it asks of it.

use crate::ident::{AgentId, Epoch, Lane};
use crate::link::wire::Origin;
use crate::link::{Channel, Ticket};
use crate::store::inbox::{Arrival, Clock, Gap, LaneFloors, Lineage, Note, Taken};

/// Who the receiver is, and for whom.
#[derive(Debug, Clone)]
pub struct ReceiverConfig {
    /// The sender whose messages it takes, by certificate and topic.
    pub agent: AgentId,
    /// The inbox's opening, named in each receipt.
    pub origin: Origin,
}

/// What happened.
#[derive(Debug)]
pub enum ReceiverEvent {
    /// A payload came on the topic of frames of this lane.
    Frame(Lane, Vec<u8>),
    /// A payload came on the topic of control messages.
    Control(Vec<u8>),
    /// The answer to [`ReceiverAction::Floors`].
    Floors(Ticket, Standing),
    /// The answer to [`ReceiverAction::Take`]: what became of each arrival, and how the lanes stand now.
    Taken(Ticket, Vec<Taken>, Standing),
    /// The answer to [`ReceiverAction::Declare`].
    Declared(Ticket, Standing),
    /// The answer to [`ReceiverAction::News`].
    News(Ticket, Vec<Note>),
    /// The inbox has news of this peer's messages that were not there before.
    NewsWaiting,
    /// The term was raised; receipts carry the new one from now on.
    Term(u64),
    /// The store could not do what the ticket asked. It is asked again later.
    Failed(Ticket),
}

/// How the lanes of a peer stand, and how much more fits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// As [`Inbox::floors`](crate::store::inbox::Inbox::floors).
    pub floors: Vec<LaneFloors>,
    /// As [`Inbox::room`](crate::store::inbox::Inbox::room), in the order of [`Lane::ALL`].
    pub room: [u64; 3],
}

/// What the driver shall do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiverAction {
    /// Publish, with QoS 1. Answered by nothing.
    Publish(Channel, Vec<u8>),
    /// Announce these epochs, then acknowledge these settled floors, then read how all lanes stand. Answered by
    /// `Floors`.
    Floors(Ticket, Vec<Lineage>, Vec<(Epoch, Lane, u64)>),
    /// Commit arrivals, all in one transaction. Answered by `Taken`.
    Take(Ticket, Vec<Arrival>),
    /// Commit declared gaps. Answered by `Declared`.
    Declare(Ticket, Vec<Gap>),
    /// Read at most so many news from behind this change number. Answered by `News`.
    News(Ticket, u64, usize),
    /// This is known of the peer's clock now.
    Clock(ClockEstimate),
    /// Log and count.
    Notice(ReceiverNotice),
}

/// An estimate of the peer's clock with its quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockEstimate {
    /// Offset and error.
    pub clock: Clock,
    /// How good it is.
    pub quality: ClockQuality,
}

/// How good a clock estimate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClockQuality {
    /// No round trip was measured: the error is only a bound on how long a hello may have been under way.
    Guessed,
    /// The round trip took more than two seconds.
    Rough,
    /// The round trip took two seconds or less.
    Good,
}

/// What people should be able to see.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiverNotice {
    /// The peer listens to a higher term: another instance took over, or this store is younger than that term. The
    /// driver asks its fence; if it still holds, it raises the term above this and says so with `Term`.
    #[error("the plant has heard term {0}: another relay took over, or this store is older")]
    Outranked(u64),
    /// A hello names another sender than its topic. It is ignored.
    #[error(
        "a hello in the name of {0} came on another's topic and is ignored: look for a copied certificate"
    )]
    Impostor(String),
    /// A payload could not be read or breaks a bound.
    #[error("a payload of the plant cannot be read: {0}")]
    Unreadable(String),
    /// No version in common with the peer: upgrade one of them.
    #[error("no link version in common with the plant ({0:?}): upgrade one of the two")]
    Incompatible(crate::link::wire::Versions),
    /// More frames came than may wait for their commit; this one was dropped and comes again.
    #[error("more came than can wait for its commit; the rest comes again")]
    Busy,
    /// The peer's log is not the one that is kept here: it was put back from an old image, or runs twice.
    #[error(
        "the plant's spool has other content than was stored in epoch {0}, lane {1}: it was put back from a copy, or runs twice"
    )]
    Diverged(Epoch, Lane),
    /// The peer declared positions as lost.
    #[error("the plant declared messages {2} to {3} of epoch {0}, lane {1} lost: its spool was damaged")]
    Lost(Epoch, Lane, u64, u64),
}
