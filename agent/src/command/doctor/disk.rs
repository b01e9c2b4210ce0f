//! Whether the disk has room for what the quota promises, and the quota for what comes.

use std::path::Path;

use millrace_shared::disk::{self, Room};
use millrace_shared::doctor::Finding;
use millrace_shared::print::bytes;
use millrace_shared::store::sqlite::Footprint;

use super::Case;

const PROBE: &str = "disk";
const QUOTA: &str = "quota";

/// With less the store stops soon, whatever its quota.
const LOW_BYTES: u64 = 256 * 1024 * 1024;
/// The store makes a few files; a file system without any left refuses them.
const LOW_FILES: u64 = 16;
/// Above this many hundredths of the quota somebody should look.
const HIGH_PERCENT: u64 = 75;
/// From here on ordinary messages are refused or nearly so.
const FULL_PERCENT: u64 = 93;

pub(super) fn probe(case: &Case<'_>) -> Vec<Finding> {
    let (data, quota) = (&case.config.agent.data, case.config.spool.quota_bytes);
    let footprint = case.store.as_ref().ok().and_then(|store| store.footprint().ok());
    let used = footprint.unwrap_or_default();
    let room = match disk::room(data) {
        Ok(room) => judge_room(data, room, quota, used),
        Err(error) => Finding::failed(
            PROBE,
            format!("{}: {error}", data.display()),
            "make the folder and give it to the service's user, or correct `data` in [agent]",
        ),
    };
    let quota = match footprint {
        Some(footprint) => judge_quota(quota, footprint),
        None => Finding::skipped(QUOTA, "the store cannot be read"),
    };
    vec![room, quota]
}

fn judge_room(data: &Path, room: Room, quota: u64, used: Footprint) -> Finding {
    let at = data.display();
    let found = format!(
        "{} free of {} at {at}",
        bytes(room.free_bytes),
        bytes(room.total_bytes)
    );
    let promised = quota.saturating_sub(used.file_bytes + used.wal_bytes);
    if room.read_only {
        let next = "the disk or the system mounted it so, often after an error: look at dmesg, then remount or replace it";
        Finding::failed(
            PROBE,
            format!("{at} is mounted read-only: nothing can be kept"),
            next,
        )
    } else if room.free_files.is_some_and(|files| files < LOW_FILES) {
        Finding::failed(
            PROBE,
            format!("{at}: no more files can be made (inodes)"),
            "remove small files from this disk",
        )
    } else if room.free_bytes < LOW_BYTES {
        Finding::failed(
            PROBE,
            found,
            "free some space on this disk: scans are refused once it is full",
        )
    } else if room.free_bytes < promised {
        let next = format!(
            "the quota lets the store grow by another {}: free space on this disk, or lower `quota_mib` in [spool]",
            bytes(promised)
        );
        Finding::warning(PROBE, found, next)
    } else {
        Finding::ok(PROBE, found)
    }
}

fn judge_quota(quota: u64, footprint: Footprint) -> Finding {
    let used = (footprint.file_bytes + footprint.wal_bytes).saturating_sub(footprint.free_bytes);
    let percent = used * 100 / quota.max(1);
    let found = format!("the store uses {} of {} ({percent} %)", bytes(used), bytes(quota));
    let next =
        "see `millrace-agent backlog` for what fills it, mend the link, or raise `quota_mib` in [spool]";
    match percent {
        FULL_PERCENT.. => Finding::failed(
            QUOTA,
            found,
            format!("messages are refused or will be soon: {next}"),
        ),
        HIGH_PERCENT.. => Finding::warning(QUOTA, found, next),
        _ => Finding::ok(QUOTA, found),
    }
}

#[cfg(test)]
mod tests {
    use millrace_shared::doctor::Verdict;

    use super::*;

    const GIB: u64 = 1024 * 1024 * 1024;

    fn room(free_bytes: u64) -> Room {
        Room {
            total_bytes: 100 * GIB,
            free_bytes,
            free_files: Some(1_000_000),
            read_only: false,
        }
    }

    fn verdict(room: Room) -> Verdict {
        judge_room(Path::new("/data"), room, 10 * GIB, Footprint::default()).verdict
    }

    #[test]
    fn a_disk_that_is_full_or_read_only_or_without_inodes_is_failed() {
        assert_eq!(verdict(room(50 * GIB)), Verdict::Ok);
        assert_eq!(verdict(room(5 * GIB)), Verdict::Warning);
        assert_eq!(verdict(room(1024)), Verdict::Failed);
        let (read_only, free_files) = (true, Some(0));
        assert_eq!(
            verdict(Room {
                read_only,
                ..room(50 * GIB)
            }),
            Verdict::Failed
        );
        assert_eq!(
            verdict(Room {
                free_files,
                ..room(50 * GIB)
            }),
            Verdict::Failed
        );
    }

    #[test]
    fn free_pages_inside_the_file_are_not_use() {
        let footprint = |file_bytes, free_bytes| Footprint {
            file_bytes,
            free_bytes,
            wal_bytes: 0,
        };
        assert_eq!(judge_quota(100, footprint(99, 90)).verdict, Verdict::Ok);
        assert_eq!(judge_quota(100, footprint(80, 0)).verdict, Verdict::Warning);
        assert_eq!(judge_quota(100, footprint(95, 0)).verdict, Verdict::Failed);
    }
}
