//! What is under way: frames and declared gaps that were published and not answered yet, and the window they share.

use std::collections::BTreeMap;

use crate::link::wire::Mark;
use crate::link::{Channel, pace};

/// A frame or declared gap under way.
#[derive(Debug)]
pub struct Flight {
    pub first: u64,
    /// Last sequence, and our running digest up to it.
    pub last: Mark,
    /// What it is.
    pub cargo: Cargo,
    pub channel: Channel,
    /// What was published, to be published again.
    pub payload: Vec<u8>,
    /// Bytes before compression, for the window.
    pub bytes: usize,
    pub sent_ms: u64,
    pub tries: u32,
    pub due_ms: u64,
}

/// What is under way.
#[derive(Debug)]
pub enum Cargo {
    /// Rows, by the first eight bytes of their digests.
    Rows(Vec<[u8; 8]>),
    /// A declared gap.
    Gone,
}

/// How much may be under way: grows with what is answered, shrinks with what is lost, so that a thin line is never
/// filled with repetitions of itself.
#[derive(Debug)]
pub struct Window {
    bytes: usize,
    smoothed_ms: Option<u64>,
    shrunk_ms: Option<u64>,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            bytes: pace::WINDOW_START_BYTES,
            smoothed_ms: None,
            shrunk_ms: None,
        }
    }
}

impl Window {
    /// Bytes that may be under way.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes at which a frame is closed: several fit the window, so that an answer is always on its way back.
    pub fn frame_bytes(&self) -> usize {
        pace::FRAME_TARGET_BYTES.min(self.bytes / 4)
    }

    /// A flight was answered.
    pub fn answered(&mut self, flight: &Flight, now_ms: u64) {
        self.bytes = (self.bytes + flight.bytes).min(pace::WINDOW_MAX_BYTES);
        if flight.tries == 0 {
            let sample = now_ms.saturating_sub(flight.sent_ms);
            self.smoothed_ms = Some(self.smoothed_ms.map_or(sample, |old| (old * 7 + sample) / 8));
        }
    }

    /// A flight was not answered in time. Many losses within a round trip count once.
    pub fn lost(&mut self, now_ms: u64) {
        let spell = self.smoothed_ms.unwrap_or(0).max(pace::HOLE_PATIENCE_MS);
        if self.shrunk_ms.is_none_or(|at| now_ms.saturating_sub(at) > spell) {
            self.bytes = (self.bytes / 2).max(pace::WINDOW_MIN_BYTES);
            self.shrunk_ms = Some(now_ms);
        }
    }

    /// How long to wait for the answer to this try.
    pub fn patience_ms(&self, tries: u32) -> u64 {
        let first = (self.smoothed_ms.unwrap_or(0) * 4).max(pace::RESEND_MIN_MS);
        (first << tries.min(8)).min(pace::RESEND_MAX_MS.max(first))
    }

    /// How long ago something must have been sent to count as overtaken.
    pub fn overtaken_ms(&self) -> u64 {
        (self.smoothed_ms.unwrap_or(0) * 2).max(pace::HOLE_PATIENCE_MS)
    }
}

/// Bytes of these flights.
pub fn bytes(flights: &BTreeMap<u64, Flight>) -> usize {
    flights.values().map(|flight| flight.bytes).sum()
}
