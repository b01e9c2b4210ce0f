//! What a source counts, for health and metrics. Counts are of this run of the program only.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counts {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Something that is counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Count {
            $($(#[$doc])* $variant,)*
        }

        const NAMES: &[&str] = &[$($name,)*];
    };
}

counts! {
    /// Scans, requests' messages, or lines that arrived.
    Arrived = "arrived",
    /// Messages that were kept.
    Kept = "kept",
    /// Arrivals that were kept before and added nothing.
    Already = "already",
    /// Arrivals that were refused for what they say.
    Refused = "refused",
    /// Arrivals under a known id with other content.
    Conflict = "conflict",
    /// Arrivals that could not be kept because the store was full or failed.
    Unavailable = "unavailable",
    /// Readings that found no code.
    NoRead = "no_read",
    /// Heartbeats of a device.
    Heartbeat = "heartbeat",
    /// Frames, requests or files longer than allowed.
    TooLong = "too_long",
    /// Arrivals that are not UTF-8.
    NotUtf8 = "not_utf8",
    /// Frames that were not finished in time, or bytes between frames.
    Unfinished = "unfinished",
    /// Times a device was made to wait because it sent too fast.
    Slowed = "slowed",
    /// Connections taken.
    Connection = "connection",
    /// Connections refused: too many, or from an address that is not named.
    ConnectionRefused = "connection_refused",
    /// Connections closed because their device connected again.
    ConnectionReplaced = "connection_replaced",
    /// Requests without a valid token.
    Unauthorized = "unauthorized",
    /// Files taken in whole.
    FileDone = "file_done",
    /// Files of which something was rejected.
    FileRejected = "file_rejected",
    /// Times a file could not be taken now and is tried again.
    FileWaits = "file_waits",
    /// Kept dialogues that could not be continued.
    DialogueLost = "dialogue_lost",
}

/// The counts of one source.
#[derive(Debug)]
pub struct Tally {
    counts: [AtomicU64; NAMES.len()],
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl Tally {
    /// One more.
    pub fn add(&self, count: Count) {
        self.add_many(count, 1);
    }

    /// So many more.
    pub fn add_many(&self, count: Count, more: u64) {
        self.counts[count as usize].fetch_add(more, Ordering::Relaxed);
    }

    /// How many so far.
    pub fn get(&self, count: Count) -> u64 {
        self.counts[count as usize].load(Ordering::Relaxed)
    }

    /// All counts with their stable names.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        NAMES
            .iter()
            .zip(&self.counts)
            .map(|(name, count)| (*name, count.load(Ordering::Relaxed)))
    }
}
