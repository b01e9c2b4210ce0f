//! Row checksums: whether the bytes read are the bytes written.
//!
//! CRC-32C finds what a disk or a file system does to a row. It is no proof against a person; running digests are.

/// The checksum of a row, over its parts in order and over where each of them ends.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Checksum(u32);

impl Checksum {
    /// With this part too.
    pub fn bytes(self, part: &[u8]) -> Self {
        self.number(part.len() as i64).raw(part)
    }

    /// With this number too.
    pub fn number(self, part: i64) -> Self {
        self.raw(&part.to_le_bytes())
    }

    fn raw(self, part: &[u8]) -> Self {
        Self(crc32c::crc32c_append(self.0, part))
    }

    /// The checksum as SQLite keeps it.
    pub fn value(self) -> i64 {
        i64::from(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_moves_to_its_neighbour_changes_the_checksum() {
        let one = Checksum::default().bytes(b"ab").bytes(b"c");
        let other = Checksum::default().bytes(b"a").bytes(b"bc");
        assert_ne!(one.value(), other.value());
    }
}
