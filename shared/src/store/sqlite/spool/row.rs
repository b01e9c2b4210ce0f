//! A row as it is in the file.

use rusqlite::Row as SqlRow;
use rusqlite::types::ValueRef;

use super::place::{Life, signed};
use crate::ident::{Digest, Lane};
use crate::store::sqlite::check::Checksum;

/// Where a lane ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tip {
    /// The sequence that comes next.
    pub next: u64,
    /// Bytes of all rows before it.
    pub total: u64,
    /// The running digest before it.
    pub running: Digest,
}

/// Whether a row's content is still here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    /// It is.
    Not = 0,
    /// Pruned after settlement.
    Pruned = 1,
    /// Moved to another epoch.
    Moved = 2,
    /// Dropped under disk pressure; in place of the content stands what is needed to settle it.
    Dropped = 3,
}

/// A row as it is in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    /// The sequence.
    pub sequence: u64,
    /// The epoch's number of captures up to this row; for a row that was not moved here its own ordinal.
    pub ordinal: u64,
    /// Bytes of the lane before this row.
    pub total: u64,
    /// Bytes of this row's envelope, whether or not it is still here.
    pub size: u64,
    /// The life in which it was captured, where it was moved here.
    pub origin: Option<Life>,
    /// Whether its content is still here.
    pub gone: Gone,
    /// SHA-256 of the envelope.
    pub digest: Digest,
    /// The lane's running digest before this row.
    pub before: Digest,
    /// The envelope.
    pub bytes: Vec<u8>,
}

impl Kept {
    /// Where the lane would end if this were its last row.
    pub fn tip(&self) -> Tip {
        Tip {
            next: self.sequence + 1,
            total: self.total + self.size,
            running: self.before.then(self.digest),
        }
    }

    /// What stands for a row that cannot be read.
    pub fn unreadable(sequence: u64) -> Self {
        Self {
            sequence,
            ordinal: 0,
            total: 0,
            size: 0,
            origin: None,
            gone: Gone::Not,
            digest: Digest([0; 32]),
            before: Digest([0; 32]),
            bytes: Vec::new(),
        }
    }

    pub fn checksum(&self, lane: Lane, place: i64) -> i64 {
        Checksum::default()
            .number(i64::from(lane.number()))
            .number(place)
            .number(signed(self.ordinal))
            .number(signed(self.total))
            .number(signed(self.size))
            .number(self.origin.unwrap_or(0))
            .number(self.gone as i64)
            .bytes(&self.digest.0)
            .bytes(&self.before.0)
            .bytes(&self.bytes)
            .value()
    }
}

/// The columns of a row; none where one is not of its type.
pub(super) fn parse(row: &SqlRow<'_>, sequence: u64) -> Option<Kept> {
    let number = |at: usize| {
        row.get::<_, i64>(at)
            .ok()
            .and_then(|number| u64::try_from(number).ok())
    };
    let digest = |at: usize| row.get::<_, [u8; 32]>(at).ok().map(Digest);
    Some(Kept {
        sequence,
        ordinal: number(1)?,
        total: number(2)?,
        size: number(3)?,
        origin: row.get(4).ok()?,
        gone: match number(5)? {
            0 => Gone::Not,
            1 => Gone::Pruned,
            2 => Gone::Moved,
            3 => Gone::Dropped,
            _ => return None,
        },
        digest: digest(7)?,
        before: digest(8)?,
        bytes: match row.get_ref(9).ok()? {
            ValueRef::Blob(bytes) => bytes.to_vec(),
            _ => return None,
        },
    })
}
