//! What a disk has left. Only doctors ask; the stores meet a full disk by themselves.

use std::io;
use std::path::Path;

use rustix::fs::{Mode, OFlags, StatVfsMountFlags, open, statvfs};
use rustix::io::Errno;

/// What the file system of a path has left for whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes in all.
    pub total_bytes: u64,
    /// Bytes that may still be written.
    pub free_bytes: u64,
    /// Files that may still be made; none where the file system sets no limit.
    pub free_files: Option<u64>,
    /// Whether nothing can be written to it.
    pub read_only: bool,
}

/// Asks the file system that `path` lies on (POSIX `statvfs`). The path must exist and be a folder.
pub fn room(path: &Path) -> io::Result<Room> {
    let found = statvfs(path)?;
    Ok(Room {
        total_bytes: found.f_blocks * found.f_frsize,
        free_bytes: found.f_bavail * found.f_frsize,
        free_files: (found.f_files > 0).then_some(found.f_favail),
        read_only: found.f_flag.contains(StatVfsMountFlags::RDONLY) || refuses_files(path),
    })
}

/// Whether the file system lets nobody write, tried with a file that never gets a name (`O_TMPFILE`, open(2)): after an
/// error ext4 writes nothing more while it still calls itself writable.
fn refuses_files(path: &Path) -> bool {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    open(path, flags, Mode::RUSR | Mode::WUSR).err() == Some(Errno::ROFS)
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
