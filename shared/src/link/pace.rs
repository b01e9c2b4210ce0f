//! Every bound and time of the link, in one place.
//!
//! Times are milliseconds of the monotonic clock. What happens at a bound is said beside it.

use crate::store::inbox;

/// A hello that is not answered is said again after this, doubling up to [`HELLO_MAX_MS`].
pub const HELLO_MIN_MS: u64 = 1_000;

/// Longest pause between two hellos that are not answered.
pub const HELLO_MAX_MS: u64 = 30_000;

/// An answered hello is said again after this: it renews floors, credits, the clock and what is acknowledged.
pub const HELLO_EVERY_MS: u64 = 30_000;

/// Shortest pause between two hellos for which receipts of an unknown opening ask.
pub const HELLO_ASKED_MS: u64 = 250;

/// A sender that is connected, waits for an answer and heard nothing for this long asks for a new connection.
pub const NO_PROGRESS_MS: u64 = 90_000;

/// Bytes under way (before compression) at the start.
pub const WINDOW_START_BYTES: usize = 1024 * 1024;

/// The least that the window shrinks to when frames are lost; it halves at each loss.
pub const WINDOW_MIN_BYTES: usize = 64 * 1024;

/// The most that the window grows to while frames are answered; it grows by what was answered.
pub const WINDOW_MAX_BYTES: usize = 8 * 1024 * 1024;

/// Most frames under way, all lanes together.
pub const FLIGHTS: usize = 48;

/// Most frames of one lane and epoch under way; together with the live jumps this stays below the receiver's ranges.
pub const LANE_FLIGHTS: usize = 16;

/// Most frames of fresh messages of a lane under way while more of them could still be joined into one.
pub const EAGER_FLIGHTS: usize = 4;

/// A frame is closed at this many bytes before compression (but holds at least one envelope).
pub const FRAME_TARGET_BYTES: usize = 256 * 1024;

/// A frame is closed at this many envelopes.
pub const FRAME_TARGET_COUNT: usize = 1024;

/// A frame that is not answered is sent again after four smoothed round trips, but not before this.
pub const RESEND_MIN_MS: u64 = 2_000;

/// Nor later than this; the wait doubles with each try.
pub const RESEND_MAX_MS: u64 = 60_000;

/// A frame for which the receiver asks as a hole is sent again if it was sent at least this long ago.
pub const HOLE_PATIENCE_MS: u64 = 500;

/// A range that was refused for now is tried again after this, doubling up to [`RESEND_MAX_MS`].
pub const REFUSED_MS: u64 = 1_000;

/// A single envelope that was refused for good is tried again after this; meanwhile it is shown as stuck.
pub const STUCK_MS: u64 = 10 * 60 * 1000;

/// What the receiver says it holds above its floor is sent for verification if the lane has nothing else to send and
/// its floor did not pass it for this long.
pub const HINT_PATIENCE_MS: u64 = 10_000;

/// Most reads that a sender has asked its driver for and not yet got.
pub const READS: usize = 4;

/// A read or commit that failed is asked for again after this.
pub const STORE_RETRY_MS: u64 = 1_000;

/// Fresh messages wait behind at most this many older fresh ones of their lane; beyond it those count as backlog.
pub const LIVE_LAG: u64 = 8_192;

/// A sender with messages but without credit asks after this, doubling up to [`HELLO_MAX_MS`].
pub const PROBE_MS: u64 = 5_000;

/// At a new connection, messages behind more than this many older ones of their lane are fresh and may pass them.
pub const LIVE_BACKLOG: u64 = 32;

/// Most epochs that a hello names with their lanes: the oldest ones and the newest. The others wait until some of these
/// are settled.
pub const HELLO_EPOCHS: usize = 32;

/// Most disjoint ranges of a lane at the receiver. A frame that would make one more is refused for now.
pub const RANGES: usize = inbox::RANGES;

/// Most frames that a receiver has handed to its driver and not yet seen committed; further ones are dropped and come
/// again.
pub const COMMITS: usize = 64;

/// Most bytes of such frames. A frame that does not fit is dropped and comes again.
pub const COMMIT_BYTES: usize = 32 * 1024 * 1024;

/// A receiver repeats nothing to a peer that was silent for this long.
pub const SILENT_MS: u64 = 120_000;

/// Of the room of a lane with holes this much is kept for what fills them.
pub const HOLE_RESERVE_BYTES: u64 = 64 * 1024 * 1024;

/// What a row is taken to need in the inbox before any was seen.
pub const ROW_BYTES: u64 = 1024;

/// A receiver repeats the holes and credits of lanes that changed after this.
pub const REPEAT_MS: u64 = 2_000;

/// A receiver repeats those of all open lanes after this.
pub const REPEAT_ALL_MS: u64 = 15_000;

/// Most news in one receipt.
pub const NEWS_COUNT: usize = 512;

/// Most bytes of notes in one receipt.
pub const NEWS_BYTES: usize = 192 * 1024;

/// Most receipts with news that are not acknowledged.
pub const NEWS_UNHEARD: usize = 4;

/// News that are not acknowledged are said again after this, doubling up to [`RESEND_MAX_MS`].
pub const NEWS_RESEND_MS: u64 = 3_000;

/// How wrong a clock estimate without a round trip may be.
pub const CLOCK_GUESS_MS: u32 = 60_000;

/// The longest round trip of a good clock estimate.
pub const CLOCK_GOOD_MS: u32 = 2_000;

/// A clock estimate is kept against a worse one for this long.
pub const CLOCK_KEEP_MS: u64 = 10 * 60 * 1000;

/// Which lane is asked first, frame by frame: each has a share of the line that no other can take, `critical` the
/// largest. A lane that has nothing to send leaves its turn to the highest one that has.
pub const TURNS: [u8; 16] = [0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 2];

/// Of this many frames of a lane one is taken from its backlog even while fresh messages are waiting.
pub const BACKLOG_TURN: u64 = 4;
