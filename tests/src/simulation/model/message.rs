//! A message in the model of the inbox.

use millrace_shared::envelope::{Envelope, KeyLink};
use millrace_shared::ident::{Digest, Stamp};
use millrace_shared::outcome::{Outcome, Reason};

/// A message.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its name for ever.
    pub name: Stamp,
    /// Where it stands.
    pub at: Stamp,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its bytes, counted.
    pub bytes: u64,
    /// The scan that it is; none for `lost`.
    pub scan: Option<usize>,
    /// Its keys, and what it comes after.
    pub keys: Vec<KeyLink>,
    /// Its place in its agent's order of capture: rank of the epoch of capture, ordinal, arrival.
    pub place: (usize, u64, usize),
    /// Where it stands in its life.
    pub state: State,
    /// The attempt that its next posting carries.
    pub attempt: u32,
    /// Whether it may take effect; not so while it stands beside other content.
    pub effective: bool,
    /// A person let it go on although what it came after never came.
    pub released: bool,
    /// The number of the last change that its agent should hear of; 0 for none.
    pub change: u64,
    /// The last change made it wait again.
    pub reopened: bool,
}

/// Where a message stands in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// To be worked on.
    Waiting,
    /// The intent to post it is committed.
    Sent,
    /// It cannot take effect as it is.
    Dead(Reason),
    /// The intent to void it is committed.
    Voiding,
    /// Final.
    Settled(Outcome),
}

impl Item {
    /// Whether nothing more will happen to it.
    pub fn is_settled(&self) -> bool {
        matches!(self.state, State::Settled(_))
    }

    /// Whether it shares a key with the other.
    pub fn touches(&self, other: &Item) -> bool {
        let theirs = |link: &KeyLink| other.keys.iter().any(|other| other.key == link.key);
        self.keys.iter().any(theirs)
    }

    /// The reason's word, where it is dead.
    pub fn dead(&self) -> Option<&str> {
        match &self.state {
            State::Dead(reason) => Some(&reason.code),
            _ => None,
        }
    }
}

/// The number of the scan that an envelope carries.
pub fn scan_of(envelope: &Envelope) -> Option<usize> {
    envelope.capture.source_id.as_ref()?.parse().ok()
}
