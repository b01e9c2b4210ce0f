//! Bytes made fewer where that is worth it, and unpacked to a stated bound at most.

use std::io::Read;

/// Fast enough for every message, and most of what there is to gain.
const LEVEL: i32 = 3;

/// The bytes packed; none where that would not make them fewer.
pub fn pack(bytes: &[u8]) -> Option<Vec<u8>> {
    let packed = zstd::bulk::compress(bytes, LEVEL).ok()?;
    (packed.len() < bytes.len()).then_some(packed)
}

/// What was packed. None where it was not, or is more than `most` bytes; no more than that is ever unpacked.
pub fn unpack(packed: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(packed).ok()?;
    decoder.take(most as u64 + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() <= most).then_some(bytes)
}
