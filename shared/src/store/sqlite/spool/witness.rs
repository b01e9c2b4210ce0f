//! A small file beside the spool that remembers how far the spool had come, so that an old image of it is recognised.
//!
//! After each commit the growing epoch and its next sequences are written here, over the last ones and without a sync:
//! that survives the end of the process, and after a power cut it may be older than the spool but never newer. So a
//! spool that has come less far than its witness was put back from a backup, or lost what its disk had confirmed. It
//! must not give the same positions to other messages: it begins a new epoch. An image put back together with its
//! witness, and a cloned machine, are recognised by the other end, through running digests.
//!
//! ```text
//! 0   4  magic "MLWI"             16  8  epoch
//! 4   4  version, 1               24 24  next sequence of critical, normal, bulk
//! 8   8  random number of the     48  4  CRC32C of all before it
//!        spool, from its birth           all integers little-endian
//! ```

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::ident::Epoch;
use crate::store::StoreError;
use crate::store::sqlite::lock::beside;

const MAGIC: [u8; 4] = *b"MLWI";
const VERSION: u32 = 1;
const SIZE: usize = 52;

/// What the witness remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Testimony {
    /// The random number that the spool was given at birth.
    pub spool: u64,
    /// The growing epoch.
    pub epoch: Epoch,
    /// The next sequence of each lane.
    pub next: [u64; 3],
}

/// The open file.
#[derive(Debug)]
pub(super) struct Witness {
    file: File,
}

impl Witness {
    /// Opens or makes the witness of the spool at `path`, and reads what it remembers; none where it is new or torn.
    pub fn open(path: &Path) -> Result<(Self, Option<Testimony>), StoreError> {
        let path = beside(path, "witness");
        let disk = |error: std::io::Error| StoreError::Disk(format!("{}: {error}", path.display()));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(disk)?;
        let mut bytes = [0; SIZE];
        let read = file.read_exact_at(&mut bytes, 0);
        let testimony = read.ok().and_then(|()| decode(&bytes));
        Ok((Self { file }, testimony))
    }

    /// Remembers this. Fails silently: an older memory only recognises less.
    pub fn write(&self, testimony: &Testimony) {
        let _ = self.file.write_all_at(&encode(testimony), 0);
    }

    /// Remembers this across a power cut too.
    pub fn write_and_sync(&self, testimony: &Testimony) -> Result<(), StoreError> {
        self.file
            .write_all_at(&encode(testimony), 0)
            .and_then(|()| self.file.sync_all())
            .map_err(|error| StoreError::Disk(format!("the spool's witness: {error}")))
    }
}

fn encode(testimony: &Testimony) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[4..8].copy_from_slice(&VERSION.to_le_bytes());
    bytes[8..16].copy_from_slice(&testimony.spool.to_le_bytes());
    bytes[16..24].copy_from_slice(&testimony.epoch.0.to_le_bytes());
    for (next, at) in testimony.next.iter().zip([24, 32, 40]) {
        bytes[at..at + 8].copy_from_slice(&next.to_le_bytes());
    }
    let crc = crc32c::crc32c(&bytes[..48]);
    bytes[48..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8; SIZE]) -> Option<Testimony> {
    let number = |at: usize| {
        let mut field = [0; 8];
        field.copy_from_slice(&bytes[at..at + 8]);
        u64::from_le_bytes(field)
    };
    let testimony = Testimony {
        spool: number(8),
        epoch: Epoch(number(16)),
        next: [24, 32, 40].map(number),
    };
    // Magic, version and checksum in one comparison.
    (encode(&testimony) == *bytes).then_some(testimony)
}
