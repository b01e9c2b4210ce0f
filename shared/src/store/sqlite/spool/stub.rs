//! What is left of a message whose content was dropped: enough to tell its age, and to free its keys when it settles.
//! Of a whole one, what is needed for the same.

use serde::{Deserialize, Serialize};

use super::log::{Gone, Kept};
use crate::codec::binary;
use crate::envelope::{Envelope, KeyLink, Moment};
use crate::ident::Stamp;

/// The rest of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stub {
    /// Its ordinal.
    pub ordinal: u64,
    /// When it was captured.
    pub moment: Moment,
    /// Its keys, and what it came after.
    pub keys: Vec<KeyLink>,
    /// What it was called at capture, where it was moved since.
    pub moved_from: Option<Stamp>,
}

impl Stub {
    /// The rest of this envelope.
    pub fn of(envelope: Envelope) -> Self {
        Self {
            ordinal: envelope.ordinal,
            moment: envelope.capture.moment,
            keys: envelope.keys,
            moved_from: envelope.moved_from,
        }
    }
}

impl Kept {
    /// What is left of this row's message; none where nothing is.
    pub fn stub(&self) -> Option<Stub> {
        match self.gone {
            Gone::Not => Envelope::open(&self.bytes).ok().map(Stub::of),
            Gone::Dropped => binary::decode(&self.bytes).ok(),
            Gone::Pruned | Gone::Moved => None,
        }
    }
}
