//! One value as bytes: a version byte, then bincode in its version 1 ("legacy") layout.
//!
//! That layout is read and written alike by a second, maintained crate (wincode), so this fence can be refilled
//! without a change on the wire. Enums here are append-only; trailing bytes are refused; sizes are bounded before
//! anything is allocated.

use bincode::config;
use serde::{Serialize, de::DeserializeOwned};

/// The version of the layout below; the first byte of every encoded value.
pub const VERSION: u8 = 1;

/// Largest value that can be decoded; callers check their own, smaller limits first.
const DECODE_LIMIT: usize = 2 * 1024 * 1024;

/// Why bytes are no value, or a value no bytes. Permanent: the same input always gives the same answer.
#[derive(Debug, thiserror::Error)]
pub enum BinaryError {
    /// The value cannot be written; a type that the layout does not carry.
    #[error("the value cannot be encoded: {0}")]
    Encode(#[source] bincode::error::EncodeError),
    /// No bytes at all.
    #[error("there are no bytes to decode")]
    Empty,
    /// The first byte names a layout that this program does not know.
    #[error(
        "layout version {0} is not known here, only {VERSION}: the other side is newer, upgrade this one"
    )]
    Version(u8),
    /// The bytes are damaged or are another type.
    #[error("the bytes cannot be decoded: {0}")]
    Decode(#[source] bincode::error::DecodeError),
    /// The value ended before the bytes did.
    #[error("{0} bytes are left over behind the value")]
    Trailing(usize),
}

/// The value as bytes, version byte first.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, BinaryError> {
    let body = bincode::serde::encode_to_vec(value, config::legacy()).map_err(BinaryError::Encode)?;
    let mut bytes = Vec::with_capacity(body.len() + 1);
    bytes.push(VERSION);
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// The value of these bytes, which must hold nothing else.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, BinaryError> {
    let (version, body) = bytes.split_first().ok_or(BinaryError::Empty)?;
    if *version != VERSION {
        return Err(BinaryError::Version(*version));
    }
    let config = config::legacy().with_limit::<DECODE_LIMIT>();
    let (value, read) = bincode::serde::decode_from_slice(body, config).map_err(BinaryError::Decode)?;
    if read < body.len() {
        return Err(BinaryError::Trailing(body.len() - read));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_golden_bytes() {
        assert_eq!(
            encode(&(7u16, "ab")).unwrap(),
            [1, 7, 0, 2, 0, 0, 0, 0, 0, 0, 0, b'a', b'b']
        );
    }

    #[test]
    fn trailing_bytes_are_refused() {
        let mut bytes = encode(&7u16).unwrap();
        bytes.push(0);
        assert!(matches!(decode::<u16>(&bytes), Err(BinaryError::Trailing(1))));
    }

    #[test]
    fn an_unknown_version_and_an_absurd_length_are_refused() {
        assert!(matches!(decode::<u16>(&[9, 0, 0]), Err(BinaryError::Version(9))));
        let huge = [1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        assert!(matches!(decode::<Vec<u8>>(&huge), Err(BinaryError::Decode(_))));
    }
}
