//! A batch of envelopes of one lane, as one MQTT payload.
//!
//! ```text
//! 0   4  magic "MLRF"             32  4  payload size after decompression
//! 4   1  wire version             36  32 running digest before the first row
//! 5   1  flags (none yet, 0)      68  …  zstd(payload)
//! 6   1  lane                     -4  4  CRC32C of all before it
//! 7   1  reserved, 0
//! 8   8  epoch                    payload: per row u32 length, then the envelope's bytes
//! 16  8  first sequence
//! 24  4  count                    all integers little-endian
//! 28  4  size of zstd(payload)
//! ```
//! All bounds are checked on the header before anything is allocated. Rows are contiguous: first, first + 1, …

use std::io::Read;
use std::ops::RangeInclusive;

use crate::ident::{Digest, Epoch, Lane};
use crate::limit;

/// The wire version written by this program.
pub const WIRE_VERSION: u8 = 1;

const MAGIC: [u8; 4] = *b"MLRF";
const HEADER: usize = 68;
const CHECKSUM: usize = 4;
const LEVEL: i32 = 3;

/// Why a payload is no frame. Permanent for these bytes; the sender is told and bisects.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// More bytes than a frame may have, or fewer than a header.
    #[error("a frame of {0} bytes is outside {min} to {max}", min = HEADER + CHECKSUM, max = limit::FRAME_BYTES)]
    Size(usize),
    /// Something else was published here.
    #[error("this is no frame: it does not begin with MLRF")]
    Magic,
    /// A wire version or flag that this program does not know.
    #[error("wire version {0} with flags {1} is not known here: the other side is newer, upgrade this one")]
    Version(u8, u8),
    /// Damaged on the way.
    #[error("the checksum is wrong: the frame was damaged on the way")]
    Checksum,
    /// A header field outside its bounds.
    #[error("the header's {0} is outside its bounds")]
    Header(&'static str),
    /// The compressed part does not decompress to what the header states.
    #[error("the payload does not decompress to the stated size")]
    Payload,
    /// The rows do not fill the payload.
    #[error("row {0} does not fit the payload")]
    Row(u32),
}

/// A batch of contiguous rows of one lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The spool's life that the rows belong to.
    pub epoch: Epoch,
    /// Their lane.
    pub lane: Lane,
    /// The sequence of the first row.
    pub first: u64,
    /// The lane's running digest before the first row.
    pub before: Digest,
    /// The envelopes' bytes, as they were sealed.
    pub rows: Vec<Vec<u8>>,
}

impl Frame {
    /// The frame as bytes. Refused where it would break a bound; the sender then sends fewer rows.
    pub fn encode(&self) -> Result<Vec<u8>, FrameError> {
        let count = u32::try_from(self.rows.len()).map_err(|_| FrameError::Header("count"))?;
        if count == 0 || self.rows.len() > limit::FRAME_COUNT {
            return Err(FrameError::Header("count"));
        }
        let payload = self.payload()?;
        let packed = zstd::bulk::compress(&payload, LEVEL).map_err(|_| FrameError::Payload)?;
        let mut bytes = Vec::with_capacity(HEADER + packed.len() + CHECKSUM);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[WIRE_VERSION, 0, self.lane.number(), 0]);
        bytes.extend_from_slice(&self.epoch.0.to_le_bytes());
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(&(packed.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&self.before.0);
        bytes.extend_from_slice(&packed);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        if bytes.len() > limit::FRAME_BYTES {
            Err(FrameError::Size(bytes.len()))
        } else {
            Ok(bytes)
        }
    }

    fn payload(&self) -> Result<Vec<u8>, FrameError> {
        let size: usize = self.rows.iter().map(|row| row.len() + 4).sum();
        if size > limit::FRAME_UNPACKED_BYTES {
            return Err(FrameError::Header("unpacked size"));
        }
        let mut payload = Vec::with_capacity(size);
        for (row, index) in self.rows.iter().zip(0u32..) {
            if row.len() > limit::ENVELOPE_BYTES {
                return Err(FrameError::Row(index));
            }
            payload.extend_from_slice(&(row.len() as u32).to_le_bytes());
            payload.extend_from_slice(row);
        }
        Ok(payload)
    }

    /// Which rows a payload says it has, where its header is whole: so that they can be refused by name although they
    /// cannot be unpacked.
    pub fn peek(bytes: &[u8]) -> Option<(Epoch, Lane, RangeInclusive<u64>)> {
        let header = Header::read(bytes).ok()?;
        let last = header.first + u64::from(header.count) - 1;
        Some((header.epoch, header.lane, header.first..=last))
    }

    /// The frame of these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Frame, FrameError> {
        let header = Header::read(bytes)?;
        let packed = &bytes[HEADER..bytes.len() - CHECKSUM];
        let payload = unpack(packed, header.unpacked)?;
        let rows = split(&payload, header.count)?;
        let Header {
            epoch,
            lane,
            first,
            before,
            ..
        } = header;
        Ok(Frame {
            epoch,
            lane,
            first,
            before,
            rows,
        })
    }
}

struct Header {
    epoch: Epoch,
    lane: Lane,
    first: u64,
    count: u32,
    unpacked: usize,
    before: Digest,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Header, FrameError> {
        if !(HEADER + CHECKSUM..=limit::FRAME_BYTES).contains(&bytes.len()) {
            return Err(FrameError::Size(bytes.len()));
        }
        if bytes[..4] != MAGIC {
            return Err(FrameError::Magic);
        }
        if bytes[4] != WIRE_VERSION || bytes[5] != 0 || bytes[7] != 0 {
            return Err(FrameError::Version(bytes[4], bytes[5]));
        }
        let (body, checksum) = bytes.split_at(bytes.len() - CHECKSUM);
        if crc32c::crc32c(body).to_le_bytes() != checksum {
            return Err(FrameError::Checksum);
        }
        let (first, count) = (u64_at(bytes, 16), u32_at(bytes, 24));
        let (packed, unpacked) = (u32_at(bytes, 28) as usize, u32_at(bytes, 32) as usize);
        if count == 0 || count as usize > limit::FRAME_COUNT {
            return Err(FrameError::Header("count"));
        }
        if first == 0 || first.checked_add(u64::from(count)).is_none() {
            return Err(FrameError::Header("first sequence"));
        }
        if packed != bytes.len() - HEADER - CHECKSUM {
            return Err(FrameError::Header("packed size"));
        }
        if unpacked > limit::FRAME_UNPACKED_BYTES {
            return Err(FrameError::Header("unpacked size"));
        }
        let mut before = [0; 32];
        before.copy_from_slice(&bytes[36..HEADER]);
        let lane = Lane::from_number(bytes[6]).ok_or(FrameError::Header("lane"))?;
        Ok(Header {
            epoch: Epoch(u64_at(bytes, 8)),
            lane,
            first,
            count,
            unpacked,
            before: Digest(before),
        })
    }
}

fn unpack(packed: &[u8], unpacked: usize) -> Result<Vec<u8>, FrameError> {
    let mut payload = Vec::with_capacity(unpacked);
    let decoder = zstd::stream::read::Decoder::new(packed).map_err(|_| FrameError::Payload)?;
    // One byte more than stated is enough to see that the statement was false.
    decoder
        .take(unpacked as u64 + 1)
        .read_to_end(&mut payload)
        .map_err(|_| FrameError::Payload)?;
    if payload.len() == unpacked {
        Ok(payload)
    } else {
        Err(FrameError::Payload)
    }
}

fn split(payload: &[u8], count: u32) -> Result<Vec<Vec<u8>>, FrameError> {
    let mut rest = payload;
    let mut rows = Vec::with_capacity(count as usize);
    for index in 0..count {
        let (size, tail) = rest.split_first_chunk::<4>().ok_or(FrameError::Row(index))?;
        let size = u32::from_le_bytes(*size) as usize;
        if size > limit::ENVELOPE_BYTES || size > tail.len() {
            return Err(FrameError::Row(index));
        }
        let (row, tail) = tail.split_at(size);
        rows.push(row.to_vec());
        rest = tail;
    }
    if rest.is_empty() {
        Ok(rows)
    } else {
        Err(FrameError::Row(count))
    }
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut field = [0; 8];
    field.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(field)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut field = [0; 4];
    field.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(field)
}
