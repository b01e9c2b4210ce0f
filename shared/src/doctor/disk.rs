//! Whether a store's disk has room.

use std::path::Path;

use super::Finding;
use crate::disk::Room;
use crate::print::bytes;

/// What it is called.
pub const PROBE: &str = "disk";

/// With less the store stops soon.
const LOW_BYTES: u64 = 256 * 1024 * 1024;
/// The store makes a few files; a file system without any left refuses them.
const LOW_FILES: u64 = 16;

/// How it stands with the disk below `data`. `once_full` says what happens then.
pub fn judge(data: &Path, room: Room, once_full: &str) -> Finding {
    let at = data.display();
    let found = format!(
        "{} free of {} at {at}",
        bytes(room.free_bytes),
        bytes(room.total_bytes)
    );
    if room.read_only {
        let next = "the system made it so, often after an error of the disk: look at dmesg; stop the service, check the \
                    disk and mount it again, or replace it; then start the service";
        let found = format!("{at} is read-only: nothing can be written, so nothing is taken");
        Finding::failed(PROBE, found, next)
    } else if room.free_files.is_some_and(|files| files < LOW_FILES) {
        Finding::failed(
            PROBE,
            format!("{at}: no more files can be made (inodes)"),
            "remove small files from this disk",
        )
    } else if room.free_bytes < LOW_BYTES {
        Finding::failed(PROBE, found, format!("free some space on this disk: {once_full}"))
    } else {
        Finding::ok(PROBE, found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_disk_that_is_full_or_read_only_or_without_inodes_is_failed() {
        let good = Room {
            total_bytes: 1 << 40,
            free_bytes: 1 << 39,
            free_files: Some(1_000_000),
            read_only: false,
        };
        let verdict = |room| judge(Path::new("/data"), room, "nothing is taken").verdict;
        assert_eq!(verdict(good), Verdict::Ok);
        let (read_only, free_files, free_bytes) = (true, Some(0), 1024);
        assert_eq!(verdict(Room { read_only, ..good }), Verdict::Failed);
        assert_eq!(verdict(Room { free_files, ..good }), Verdict::Failed);
        assert_eq!(verdict(Room { free_bytes, ..good }), Verdict::Failed);
    }
}
