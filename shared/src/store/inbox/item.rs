//! A message in the inbox: its state, and the changes that may be made to it.

use serde::{Deserialize, Serialize};

use crate::envelope::Envelope;
use crate::ident::{AgentId, MessageId, Position};
use crate::outcome::{Outcome, Reason};

use super::Clock;

/// The inbox's own number of a message, in order of arrival. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub i64);

/// A message at the version that was seen. Whoever changes it names this; the version rises with every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    /// Which.
    pub slot: Slot,
    /// As it was seen.
    pub version: u32,
}

/// Words for why the inbox itself makes a dead letter or a hold.
pub mod why {
    /// Other content was at its position first.
    pub const CONFLICT: &str = "conflict";
    /// Its position had been declared lost, or settled and pruned.
    pub const LATE: &str = "late";
    /// Its bytes are no envelope.
    pub const UNDECODABLE: &str = "undecodable";
    /// Its content is gone.
    pub const LOST: &str = "lost";
    /// It undoes a message that was never here, is no longer kept, or is an undo itself.
    pub const UNDO_UNKNOWN: &str = "undo-unknown";
    /// Held, not dead: it undoes a message that has taken effect.
    pub const UNDO_APPLIED: &str = "undo-applied";
}

/// Where a message stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// To be worked on; ready where it waits for no other message.
    Waiting {
        /// Whether it waits for none.
        ready: bool,
    },
    /// The intent to send it is committed; what became of it is not known yet.
    Sent,
    /// It waits on purpose.
    Held(Hold),
    /// It cannot take effect as it is.
    Dead(Reason),
    /// The intent to void it in the target is committed. If the target says *done*, done wins.
    Voiding {
        /// Who discards it.
        by: String,
        /// Why.
        reason: String,
    },
    /// Final.
    Settled(Outcome),
}

/// A state without its details, for filters and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StateName {
    /// Waiting for no other message.
    Ready,
    /// Waiting for another message.
    Behind,
    /// [`State::Sent`].
    Sent,
    /// [`State::Held`].
    Held,
    /// [`State::Dead`].
    Dead,
    /// [`State::Voiding`].
    Voiding,
    /// [`State::Settled`].
    Settled,
}

impl StateName {
    /// All of them, in the order of a message's life.
    pub const ALL: [StateName; 7] = [
        StateName::Ready,
        StateName::Behind,
        StateName::Sent,
        StateName::Held,
        StateName::Dead,
        StateName::Voiding,
        StateName::Settled,
    ];

    /// One word for tables and filters.
    pub const fn word(self) -> &'static str {
        match self {
            StateName::Ready => "ready",
            StateName::Behind => "behind",
            StateName::Sent => "sent",
            StateName::Held => "held",
            StateName::Dead => "dead",
            StateName::Voiding => "voiding",
            StateName::Settled => "settled",
        }
    }

    /// The state of that word.
    pub fn from_word(word: &str) -> Option<StateName> {
        StateName::ALL.into_iter().find(|name| name.word() == word)
    }
}

impl State {
    /// The state's name.
    pub fn name(&self) -> StateName {
        match self {
            State::Waiting { ready: true } => StateName::Ready,
            State::Waiting { ready: false } => StateName::Behind,
            State::Sent => StateName::Sent,
            State::Held(_) => StateName::Held,
            State::Dead(_) => StateName::Dead,
            State::Voiding { .. } => StateName::Voiding,
            State::Settled(_) => StateName::Settled,
        }
    }
}

/// Why a message waits on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Why.
    pub reason: Reason,
    /// What it waits for, such as `item:4711`: all that wait for the same are released together.
    pub subject: Option<String>,
}

/// A change that the flow, or a person through it, makes to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// ready → sent: the intent, committed before anything is sent.
    Send,
    /// sent, voiding → settled: what the target said.
    Settle(Outcome),
    /// waiting, held, sent → dead: it cannot take effect as it is. From sent only where the target refused it.
    Dead(Reason),
    /// sent → waiting: the target is known not to have it. Same attempt.
    Return,
    /// waiting, held, sent → held. From sent only where the target refused it, so the attempt rises.
    Hold(Hold),
    /// held → waiting.
    Release,
    /// held → waiting: a person looked at it and wants it posted. What it was held for is noted in
    /// [`Entry::approved`], so that it is not held for the same again. Of one that waits for what is not here: a person
    /// says that this will never come, or is settled. Nothing else waits for that any more either.
    Approve,
    /// dead → waiting with the next attempt.
    Retry {
        /// Why.
        reason: String,
    },
    /// dead, held → waiting with the next attempt and this body from now on; the original stays beside it.
    Amend {
        /// The body as JSON text of the message's kind. Keys that it adds are waited for as well.
        body: String,
        /// Why.
        reason: String,
    },
    /// waiting, held, dead → voiding. A dead letter `lost` has nothing to void: it settles as lost at once.
    Discard {
        /// Why.
        reason: String,
    },
    /// settled as applied → waiting, settled as discarded → voiding, the same attempt: the target was put back from a
    /// backup and does not know it any more.
    Replay,
}

impl Change {
    /// One word for the audit.
    pub fn word(&self) -> &'static str {
        match self {
            Change::Send => "send",
            Change::Settle(_) => "settle",
            Change::Dead(_) => "dead",
            Change::Return => "return",
            Change::Hold(_) => "hold",
            Change::Release => "release",
            Change::Approve => "approve",
            Change::Retry { .. } => "retry",
            Change::Amend { .. } => "amend",
            Change::Discard { .. } => "discard",
            Change::Replay => "replay",
        }
    }
}

/// A change to a message as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The message.
    pub ticket: Ticket,
    /// The change.
    pub change: Change,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Done; the message as it is now, which may be further than asked: an undo that waited annuls a message the moment
    /// that it is dead.
    Done(Ticket, State),
    /// Another was quicker, or it is no longer kept. Look again.
    Stale,
    /// The change does not fit the state; the text says why and what to do.
    Refused(String),
}

/// A message without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The message as it is now.
    pub ticket: Ticket,
    /// Its name; none for a dead letter `lost`, whose content nobody knows.
    pub id: Option<MessageId>,
    /// Its agent.
    pub agent: AgentId,
    /// Its position, the first of them for `lost`.
    pub position: Position,
    /// The last sequence; differs from the position's for `lost` only, which covers a range.
    pub last: u64,
    /// Whether it stands beside the message that was first at its position.
    pub beside: bool,
    /// Its place in its agent's order of capture, over lanes and epochs.
    pub place: i64,
    /// Its kind's name; empty where nothing could be decoded.
    pub kind: String,
    /// The station, where one made it.
    pub station: Option<String>,
    /// The operator's badge, where one was scanned.
    pub operator: Option<String>,
    /// Wall time of capture by the agent's clock, milliseconds since 1970; 0 where nothing could be decoded.
    pub captured_ms: i64,
    /// When it arrived, by our clock.
    pub received_ms: i64,
    /// What was known of the agent's clock when it arrived.
    pub clock: Option<Clock>,
    /// When its state last changed; of one that a copy superseded, when that copy was over.
    pub changed_ms: i64,
    /// Where it stands.
    pub state: State,
    /// The number that its next or current sending carries; from 1.
    pub attempt: u32,
    /// How often it was amended.
    pub amended: u32,
    /// The words of the reasons for which it was held and a person released it, sorted.
    pub approved: Vec<String>,
    /// Bytes of its envelope.
    pub bytes: u32,
}

/// A message whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it stands.
    pub entry: Entry,
    /// The bytes as they arrived.
    pub sealed: Vec<u8>,
    /// What is in them; none for `undecodable` and `lost`, and where they are damaged.
    pub envelope: Option<Envelope>,
    /// Whether the bytes are not those that arrived: the disk changed them. The agent may still have them.
    pub damaged: bool,
    /// The body that counts, where it was amended.
    pub amended: Option<String>,
}

impl Item {
    /// When it was captured, milliseconds since 1970, as well as our clock can tell; 0 where nothing could be decoded.
    pub fn captured_ms(&self) -> i64 {
        let moment = self.envelope.as_ref().map(|envelope| envelope.capture.moment);
        match (self.entry.clock, moment) {
            (Some(clock), Some(moment)) => clock.ours(moment),
            _ => self.entry.captured_ms,
        }
    }

    /// The body that counts: as amended, otherwise as captured.
    pub fn body(&self) -> Option<&str> {
        let captured = || self.envelope.as_ref().map(|envelope| envelope.body.as_str());
        self.amended.as_deref().or_else(captured)
    }
}
