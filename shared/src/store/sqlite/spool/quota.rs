//! How many bytes on disk the spool may take, and who may still write when that is nearly used up.
//!
//! Counted are the file without its free pages, the write-ahead log, and room for the receipts to come. The first half of
//! the reserve is for the `critical` lane, all of it for receipts and housekeeping. SQLite itself refuses to let the file
//! grow beyond the quota.

use rusqlite::Connection;

use super::place::signed;
use crate::ident::Lane;
use crate::store::StoreError;
use crate::store::sqlite::open::Footprint;

/// The smallest quota that leaves room to work.
pub const QUOTA_MIN_BYTES: u64 = 8 * 1024 * 1024;

/// The smallest reserve: what noting receipts takes while nothing could be given back yet.
pub const RESERVE_MIN_BYTES: u64 = 512 * 1024;
/// What a row costs beside its envelope: its other columns, the pages above it, its own part of the log.
const ROW_BYTES: u64 = 192;
/// What noting the end of a message costs. It is set aside for each that is not settled: a store so full that it cannot
/// note what may go would be full for ever.
const RECEIPT_BYTES: u64 = 128;
/// What a row of the small tables costs beside its content.
const SMALL_ROW_BYTES: u64 = 96;

/// The quota of a spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quota {
    bytes: u64,
    reserve: u64,
}

impl Quota {
    /// A quota of this many bytes with so many of them in reserve; refused where that leaves no room to work.
    pub fn new(bytes: u64, reserve: u64) -> Result<Self, StoreError> {
        if bytes < QUOTA_MIN_BYTES {
            let text =
                format!("a quota of {bytes} bytes is too small: give the spool {QUOTA_MIN_BYTES} at least");
            return Err(StoreError::Misuse(text));
        }
        let most = bytes / 2;
        if !(RESERVE_MIN_BYTES..=most).contains(&reserve) {
            let text = format!(
                "a reserve of {reserve} bytes does not suit a quota of {bytes}: give it {RESERVE_MIN_BYTES} to {most}"
            );
            return Err(StoreError::Misuse(text));
        }
        Ok(Self { bytes, reserve })
    }

    #[cfg(test)]
    pub fn unchecked(bytes: u64) -> Self {
        Self {
            bytes,
            reserve: bytes / 16,
        }
    }

    /// Has SQLite hold it too, whatever we estimate.
    pub fn enforce(&self, connection: &Connection) -> Result<(), StoreError> {
        let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = self.bytes / page.unsigned_abs().max(1);
        connection.pragma_update_and_check(None, "max_page_count", signed(pages), |_| Ok(()))?;
        Ok(())
    }

    /// What one transaction may still add, while this many messages are not settled.
    pub fn budget(&self, footprint: Footprint, unsettled: u64) -> Budget {
        Budget {
            quota: *self,
            used: used(footprint) + unsettled * RECEIPT_BYTES,
        }
    }

    /// Bytes by which the use exceeds what ordinary messages may take.
    pub fn excess(&self, footprint: Footprint, unsettled: u64) -> u64 {
        self.budget(footprint, unsettled)
            .used
            .saturating_sub(self.for_lane(Lane::Normal))
    }

    fn for_lane(&self, lane: Lane) -> u64 {
        match lane {
            Lane::Critical => self.bytes - self.reserve / 2,
            Lane::Normal | Lane::Bulk => self.bytes - self.reserve,
        }
    }
}

fn used(footprint: Footprint) -> u64 {
    (footprint.file_bytes + footprint.wal_bytes).saturating_sub(footprint.free_bytes)
}

/// What one transaction may still add.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    quota: Quota,
    used: u64,
}

impl Budget {
    /// Takes the cost of something that goes by this lane, or says in words for a person why that cannot be.
    pub fn take(&mut self, lane: Lane, cost: u64) -> Result<(), String> {
        let limit = self.quota.for_lane(lane);
        if self.used + cost <= limit {
            self.used += cost;
            return Ok(());
        }
        let mib = |bytes: u64| bytes.div_ceil(1024 * 1024);
        Err(format!(
            "not kept: the message store is full ({} of {} MiB used, {} MiB of them reserved). Messages wait here until \
             the other end has taken them: check the link, then repeat this; or raise the store's quota",
            mib(self.used),
            mib(self.quota.bytes),
            mib(self.quota.reserve),
        ))
    }
}

/// What a row with an envelope of this size and this many keys adds, with some room for half-filled pages.
pub(super) fn row_cost(size: u64, keys: usize) -> u64 {
    size + size / 8 + ROW_BYTES + RECEIPT_BYTES + keys as u64 * SMALL_ROW_BYTES
}

/// What a small row of this size adds.
pub(super) fn small_cost(size: usize) -> u64 {
    size as u64 + SMALL_ROW_BYTES
}
