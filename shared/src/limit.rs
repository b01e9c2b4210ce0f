//! Every bound that both ends must agree on, in one place.
//!
//! A bound is checked before anything is allocated for what it bounds; what happens at it is said here.

/// Largest encoded envelope. Larger ones are refused at the door with [`crate::envelope::EnvelopeError::TooLarge`].
pub const ENVELOPE_BYTES: usize = 256 * 1024;

/// Largest frame on the wire, header and checksum included. A sender closes a frame before it would exceed this.
pub const FRAME_BYTES: usize = 1024 * 1024;

/// Largest frame payload after decompression. The header states the size; a larger statement is refused unread.
pub const FRAME_UNPACKED_BYTES: usize = 8 * 1024 * 1024;

/// Most envelopes in a frame.
pub const FRAME_COUNT: usize = 4096;

/// Largest hello or receipt. Longer news is split over several.
pub const CONTROL_BYTES: usize = 256 * 1024;

/// Most keys on one message. A message that touches more is refused at the door: it must be split.
pub const KEYS: usize = 16;

/// Longest code (order, item, lot, location, badge …) in characters.
pub const CODE_CHARS: usize = 128;

/// Longest free text (a reason, a note) in characters.
pub const TEXT_CHARS: usize = 500;

/// Most raw bytes of a capture that are kept beside its message; the rest is cut and the cut is marked.
pub const RAW_BYTES: usize = 32 * 1024;

/// Largest message body as JSON.
pub const BODY_BYTES: usize = 128 * 1024;

/// Largest absolute quantity. More is taken for a scanning error, such as a GTIN in a quantity field.
pub const QUANTITY_MAX: i64 = 1_000_000_000;

/// Most decimal places of a quantity.
pub const QUANTITY_SCALE: u32 = 9;
