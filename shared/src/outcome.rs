//! How a message ends, and why one cannot: the words that both ends, their commands and their screens share.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ident::MessageId;

/// Final: nothing more will happen to the message. Append-only, it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It took effect in the target.
    Applied(Record),
    /// It and the message that reverses it cancelled each other before either took effect.
    Annulled {
        /// The other one.
        with: MessageId,
    },
    /// A later message of its keys took effect, or its content re-entered at another position.
    Superseded {
        /// That message, where it is known.
        by: Option<MessageId>,
    },
    /// A person decided that it shall take no effect.
    Discarded {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// Its content is gone for ever; only its position is known.
    Lost,
}

impl Outcome {
    /// One word for tables and filters.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Applied(_) => "applied",
            Outcome::Annulled { .. } => "annulled",
            Outcome::Superseded { .. } => "superseded",
            Outcome::Discarded { .. } => "discarded",
            Outcome::Lost => "lost",
        }
    }
}

/// The record in the target that shows the effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The target's model, such as `mrp.production`.
    pub model: String,
    /// Its id there.
    pub id: i64,
    /// Its name there, for people.
    pub name: String,
}

/// Why a message is dead or held: a word for machines, a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// One of a closed list of words, such as `unknown-code` or `stale-count`.
    pub code: String,
    /// What happened, and what to do next.
    pub text: String,
}

impl Reason {
    /// A reason of that word with that explanation.
    pub fn new(code: &str, text: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            text: text.into(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.text)
    }
}
