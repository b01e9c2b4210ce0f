//! A person's orders: what they are, and the one function that carries them out.
//!
//! The running service takes orders over a socket in its folder, because it alone writes to the inbox; without it the
//! command opens the inbox itself. Either way the same [`Errand`] does the same thing, and the audit names who ordered it.
//! Nothing is posted here: the flow goes on with what an order made of the messages.

mod amend;
mod errand;
pub mod holds;
pub mod person;
pub mod socket;

pub use errand::Errand;

use millrace_shared::ident::MessageId;
use millrace_shared::store::StoreError;
use millrace_shared::store::inbox::Filter;
use serde::{Deserialize, Serialize};

use crate::govern::StandingHold;

/// Most messages that an order names one by one.
pub const IDS: usize = 1000;

/// Most messages that one order changes.
pub const MESSAGES: usize = 100_000;

/// Most refusals that an answer tells one by one; the rest is counted.
pub const REFUSALS: usize = 20;

/// What a person wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Order {
    /// The same change to all these messages.
    Change {
        /// Which.
        which: Which,
        /// What.
        act: Act,
    },
    /// A correction of one message.
    Amend {
        /// Which.
        id: MessageId,
        /// Fields of its body and what they shall be, such as `quantity.value` and `12`. Nothing takes a field away.
        set: Vec<(String, String)>,
        /// Why.
        reason: String,
    },
    /// A hold that stands until it is lifted, and catches what arrives later too.
    Lay(StandingHold),
    /// A domain that was stopped goes on.
    Resume {
        /// Its name.
        domain: String,
    },
    /// The same, once what its target does not have any more is to be done again.
    Replay {
        /// Its name.
        domain: String,
    },
    /// Nothing that is remembered of the target counts any more.
    Flush,
}

/// Which messages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// These. Where any are named, the filter does not count.
    pub ids: Vec<MessageId>,
    /// All that match.
    pub filter: Filter,
    /// At most this many.
    pub limit: usize,
}

/// A change that a person orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// Try again as it is.
    Retry {
        /// Why.
        reason: String,
    },
    /// Post what is held. Lifts the standing holds that match too.
    Release,
    /// Hold back.
    Hold {
        /// Why.
        reason: String,
    },
    /// It shall take no effect.
    Discard {
        /// Why.
        reason: String,
    },
}

/// What an order has done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Done {
    /// Messages that were changed.
    pub changed: usize,
    /// Messages that the change did not suit.
    pub refused: usize,
    /// Standing holds that were laid or lifted.
    pub holds: usize,
    /// Whether the limit was reached: more may match.
    pub more: bool,
    /// The first of those that were refused: which, and why.
    pub refusals: Vec<(String, String)>,
}

/// Why an order was not carried out. Where it was about many messages, some may have been changed before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// What it is about does not exist.
    #[error("{0}")]
    NotFound(String),
    /// It cannot be done.
    #[error("{0}")]
    Unsuited(String),
    /// The store failed.
    #[error("{0}")]
    Store(String),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Refusal::Store(error.to_string())
    }
}
