//! What a disk has left. Only doctors ask; the stores meet a full disk by themselves.

use std::io;
use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};

/// What the file system of a path has left for whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes in all.
    pub total_bytes: u64,
    /// Bytes that may still be written.
    pub free_bytes: u64,
    /// Files that may still be made; none where the file system sets no limit.
    pub free_files: Option<u64>,
    /// Whether it is mounted so that nothing can be written.
    pub read_only: bool,
}

/// Asks the file system that `path` lies on (POSIX `statvfs`). The path must exist.
pub fn room(path: &Path) -> io::Result<Room> {
    let found = statvfs(path)?;
    Ok(Room {
        total_bytes: found.f_blocks * found.f_frsize,
        free_bytes: found.f_bavail * found.f_frsize,
        free_files: (found.f_files > 0).then_some(found.f_favail),
        read_only: found.f_flag.contains(StatVfsMountFlags::RDONLY),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_can_be_written_has_room_and_one_that_is_missing_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let room = room(folder.path()).unwrap();
        assert!(!room.read_only && room.free_bytes <= room.total_bytes);
        assert!(super::room(&folder.path().join("missing")).is_err());
    }
}
