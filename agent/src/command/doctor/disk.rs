//! Whether the disk has room for what the quota promises, and the quota for what comes.

use std::path::Path;

use millrace_shared::disk::{Room, room};
use millrace_shared::doctor::{Finding, Verdict, disk};
use millrace_shared::print::bytes;
use millrace_shared::store::sqlite::Footprint;

use super::Case;

const QUOTA: &str = "quota";

/// Above this many hundredths of the quota somebody should look.
const HIGH_PERCENT: u64 = 75;
/// From here on ordinary messages are refused or nearly so.
const FULL_PERCENT: u64 = 93;

pub(super) fn probe(case: &Case<'_>) -> Vec<Finding> {
    let (data, quota) = (&case.config.agent.data, case.config.spool.quota_bytes);
    let footprint = case.store.as_ref().ok().and_then(|store| store.footprint().ok());
    let used = footprint.unwrap_or_default();
    let room = match room(data) {
        Ok(room) => judge_room(data, room, quota, used),
        Err(error) => Finding::failed(
            disk::PROBE,
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

/// The store may grow up to its quota, and the disk should have room for that.
fn judge_room(data: &Path, room: Room, quota: u64, used: Footprint) -> Finding {
    let finding = disk::judge(data, room, "scans are refused once it is full");
    let promised = quota.saturating_sub(used.file_bytes + used.wal_bytes);
    if finding.verdict != Verdict::Ok || room.free_bytes >= promised {
        return finding;
    }
    let next = format!(
        "the quota lets the store grow by another {}: free space on this disk, or lower `quota_mib` in [spool]",
        bytes(promised)
    );
    Finding::warning(disk::PROBE, finding.found, next)
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
    use super::*;

    #[test]
    fn a_disk_with_less_room_than_the_quota_promises_is_warned_of() {
        let verdict = |free_bytes, used| {
            let room = Room {
                total_bytes: 100 << 30,
                free_bytes,
                free_files: None,
                read_only: false,
            };
            let used = Footprint {
                file_bytes: used,
                ..Footprint::default()
            };
            judge_room(Path::new("/data"), room, 10 << 30, used).verdict
        };
        assert_eq!(verdict(50 << 30, 0), Verdict::Ok);
        assert_eq!(verdict(5 << 30, 0), Verdict::Warning);
        assert_eq!(verdict(5 << 30, 6 << 30), Verdict::Ok);
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
