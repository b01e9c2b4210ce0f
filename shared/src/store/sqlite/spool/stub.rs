//! What is left of a message whose content was dropped: enough to tell its age, and to free its keys when it settles.

use serde::{Deserialize, Serialize};

use crate::envelope::{Envelope, Moment};
use crate::message::Key;

/// The rest of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stub {
    /// Its ordinal.
    pub ordinal: u64,
    /// When it was captured.
    pub moment: Moment,
    /// Its keys.
    pub keys: Vec<Key>,
}

impl Stub {
    /// The rest of this envelope.
    pub fn of(envelope: Envelope) -> Self {
        Self {
            ordinal: envelope.ordinal,
            moment: envelope.capture.moment,
            keys: envelope.keys.into_iter().map(|link| link.key).collect(),
        }
    }
}
