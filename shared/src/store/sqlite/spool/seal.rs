//! From drafts to rows: each gets its position, ordinal, links, digest and running digest.
//!
//! Reads the keys and writes nothing, so a draft that cannot be sealed leaves no trace.

use rusqlite::Connection;

use super::epochs::Age;
use super::keys::{self, Captured};
use super::log::{Gone, Kept, Tip};
use crate::envelope::{Draft, Envelope, EnvelopeError, KeyLink, Sealed};
use crate::ident::{Lane, Position, Stamp};
use crate::limit;
use crate::message::Key;
use crate::store::StoreError;

/// Room left in each envelope for the name of its old position, should it have to move to another epoch.
const MOVE_ROOM: usize = 64;

/// Why drafts were not sealed.
#[derive(Debug, thiserror::Error)]
pub(super) enum SealError {
    /// This draft can never be kept.
    #[error("{0}")]
    Refused(EnvelopeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<E: Into<EnvelopeError>> From<E> for SealError {
    fn from(error: E) -> Self {
        SealError::Refused(error.into())
    }
}

/// The growing epoch: what the next row gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Growth {
    /// The epoch.
    pub age: Age,
    /// Where its lanes end.
    pub tips: [Tip; 3],
    /// The ordinal of the next capture.
    pub ordinal: u64,
}

/// A row that is ready to be written.
#[derive(Debug)]
pub(super) struct Ready {
    /// Its lane.
    pub lane: Lane,
    /// The row.
    pub kept: Kept,
    /// Its keys.
    pub keys: Vec<Key>,
    /// When it was captured.
    pub captured: Captured,
}

impl Growth {
    /// Where this lane ends.
    pub fn tip(&self, lane: Lane) -> Tip {
        self.tips[usize::from(lane.number())]
    }

    /// How many positions it has given.
    pub fn given(&self) -> u64 {
        self.tips.iter().map(|tip| tip.next - 1).sum()
    }

    /// The last ordinal that was given.
    pub fn last_ordinal(&self) -> u64 {
        self.ordinal - 1
    }

    /// The next row of a lane, with this content.
    pub fn append(&mut self, lane: Lane, sealed: Sealed, origin: Option<Captured>) -> Kept {
        let Tip { next, total, running } = self.tip(lane);
        let kept = Kept {
            sequence: next,
            ordinal: self.last_ordinal(),
            total,
            size: sealed.bytes.len() as u64,
            origin: origin.map(|captured| captured.life),
            gone: Gone::Not,
            digest: sealed.digest,
            before: running,
            bytes: sealed.bytes,
        };
        self.tips[usize::from(lane.number())] = kept.tip();
        kept
    }

    /// Seals the drafts of one intake. After an error this growth must not be used.
    pub fn seal(
        &mut self,
        connection: &Connection,
        ages: &[Age],
        drafts: &[Draft],
    ) -> Result<Vec<Ready>, SealError> {
        let mut ready: Vec<Ready> = Vec::with_capacity(drafts.len());
        for draft in drafts {
            draft.message.check()?;
            let mut links = Vec::new();
            for key in draft.message.keys() {
                let after = match among(&ready, &key, self.age) {
                    Some(stamp) => Some(stamp),
                    None => keys::latest(connection, &key, ages)?,
                };
                links.push(KeyLink { key, after });
            }
            ready.push(self.seal_one(draft, links)?);
        }
        Ok(ready)
    }

    fn seal_one(&mut self, draft: &Draft, links: Vec<KeyLink>) -> Result<Ready, SealError> {
        let lane = draft.lane();
        let keys = links.iter().map(|link| link.key.clone()).collect();
        let captured = Captured {
            life: self.age.life,
            ordinal: self.ordinal,
        };
        let sealed = Envelope::new(draft, self.ordinal, links)?.seal()?;
        if sealed.bytes.len() + MOVE_ROOM > limit::ENVELOPE_BYTES {
            return Err(EnvelopeError::TooLarge(sealed.bytes.len() + MOVE_ROOM).into());
        }
        self.ordinal += 1;
        let kept = self.append(lane, sealed, None);
        Ok(Ready {
            lane,
            kept,
            keys,
            captured,
        })
    }
}

impl Ready {
    /// What it is called.
    pub fn stamp(&self, age: Age) -> Stamp {
        Stamp {
            position: Position {
                epoch: age.epoch,
                lane: self.lane,
                sequence: self.kept.sequence,
            },
            digest: self.kept.digest.short(),
        }
    }
}

/// The latest message of this key among those that are about to be written.
fn among(ready: &[Ready], key: &Key, age: Age) -> Option<Stamp> {
    let same = ready.iter().rev().find(|ready| ready.keys.contains(key));
    same.map(|ready| ready.stamp(age))
}
