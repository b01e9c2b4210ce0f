//! Running time: the milliseconds for which this store was open, over all its openings. Retention is counted in it, so
//! neither a wall clock that jumps nor a plant that stood still for a summer makes anything go early.

use rusqlite::Connection;

use super::note;
use crate::envelope::Moment;
use crate::store::StoreError;

const NOTE: &str = "uptime_ms";

/// The running time up to the last call that was told the time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Uptime {
    total_ms: u64,
    last: Option<(u64, u64)>,
}

impl Uptime {
    /// What was noted. What ran since then, before a crash, is not counted: things stay longer, never shorter.
    pub fn load(connection: &Connection) -> Result<Self, StoreError> {
        let total_ms = note::number(connection, NOTE)?.unwrap_or(0);
        Ok(Self { total_ms, last: None })
    }

    /// Notes it.
    pub fn save(&self, connection: &Connection) -> Result<(), StoreError> {
        note::set_number(connection, NOTE, self.total_ms)
    }

    /// Running time now.
    pub fn at(&mut self, now: Moment) -> u64 {
        if let Some((boot, monotonic_ms)) = self.last
            && boot == now.boot
        {
            self.total_ms += now.monotonic_ms.saturating_sub(monotonic_ms);
        }
        self.last = Some((now.boot, now.monotonic_ms));
        self.total_ms
    }
}
