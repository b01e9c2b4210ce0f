//! A store that has used its share of the disk.

use std::time::Duration;

use super::*;
use crate::envelope::Draft;
use crate::ident::Lane;
use crate::store::conformance::sample::*;
use crate::store::spool::{News, Pressure, Retention, Spool, SpoolReader, Verdict};
use crate::store::sqlite::spool::{QUOTA_MIN_BYTES, RESERVE_MIN_BYTES};

fn small() -> (Home, SqliteSpool) {
    let home = Home::new();
    let options = Options {
        quota_bytes: QUOTA_MIN_BYTES,
        reserve_bytes: RESERVE_MIN_BYTES,
        ..home.options(FIRST)
    };
    let (spool, _) = SqliteSpool::open(&home.path, options).unwrap();
    (home, spool)
}

fn large(order: &str) -> Draft {
    let mut draft = confirm(order);
    draft.capture.raw = vec![7; 4000];
    draft
}

/// Keeps messages until one is refused, and says what was said then.
fn fill(spool: &mut SqliteSpool, draft: &Draft) -> String {
    loop {
        let batch = vec![intake(vec![draft.clone()]); 16];
        for verdict in spool.commit(&batch, at(0)).unwrap() {
            match verdict {
                Verdict::Kept(_) => {}
                Verdict::Full(why) => return why,
                other => panic!("{other:?}"),
            }
        }
    }
}

fn on_disk(home: &Home) -> u64 {
    let files = std::fs::read_dir(home.folder.path()).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

const KEEP: Retention = Retention {
    settled: Duration::ZERO,
    claims: Duration::ZERO,
    scans: Duration::ZERO,
    pressure: Pressure::Refuse,
};

#[test]
fn a_quota_that_leaves_no_room_to_work_is_refused() {
    let home = Home::new();
    let options = Options {
        quota_bytes: QUOTA_MIN_BYTES - 1,
        reserve_bytes: RESERVE_MIN_BYTES,
        ..home.options(FIRST)
    };
    let error = SqliteSpool::open(&home.path, options).unwrap_err();
    assert!(error.to_string().contains("quota"), "{error}");
}

#[test]
fn a_reserve_that_leaves_no_room_on_either_side_is_refused() {
    let home = Home::new();
    for reserve_bytes in [RESERVE_MIN_BYTES - 1, QUOTA_MIN_BYTES / 2 + 1] {
        let options = Options {
            quota_bytes: QUOTA_MIN_BYTES,
            reserve_bytes,
            ..home.options(FIRST)
        };
        let error = SqliteSpool::open(&home.path, options).unwrap_err();
        assert!(error.to_string().contains("reserve"), "{error}");
    }
}

#[test]
fn a_larger_reserve_refuses_ordinary_messages_earlier_and_keeps_as_much_more_for_critical_ones() {
    let accepted = |reserve_bytes| {
        let home = Home::new();
        let options = Options {
            quota_bytes: 16 * MIB,
            reserve_bytes,
            ..home.options(FIRST)
        };
        let (mut spool, _) = SqliteSpool::open(&home.path, options).unwrap();
        let why = fill(&mut spool, &large("A"));
        let reserved = format!("{} MiB of them reserved", reserve_bytes.div_ceil(MIB));
        assert!(why.contains(&reserved), "{why}");
        fill(&mut spool, &by_lane(Lane::Critical, large("B")));
        [Lane::Normal, Lane::Critical].map(|lane| spool.tally(lane).unwrap().accepted)
    };
    let (small, large) = (accepted(MIB), accepted(8 * MIB));
    assert!(large[0] < small[0] * 2 / 3, "{small:?} {large:?}");
    assert!(large[1] > small[1] * 4, "{small:?} {large:?}");
}

#[test]
fn a_full_store_says_what_to_do_and_keeps_room_for_critical_messages_and_receipts() {
    let (home, mut spool) = small();
    let why = fill(&mut spool, &large("A"));
    assert!(why.contains("MiB") && why.contains("quota"), "{why}");
    let accepted = spool.tally(Lane::Normal).unwrap().accepted;
    assert!(accepted > 500, "{accepted}");
    // Critical ones still go, for a while.
    keep(&mut spool, by_lane(Lane::Critical, large("B")));
    fill(&mut spool, &by_lane(Lane::Critical, large("B")));
    // Every receipt can be noted, and what settled makes room again.
    for lane in Lane::ALL {
        for row in rows_of(&spool, lane) {
            spool.learn(&[settled(row)], at(0)).unwrap();
        }
    }
    assert!(
        on_disk(&home) < QUOTA_MIN_BYTES + QUOTA_MIN_BYTES / 8,
        "{}",
        on_disk(&home)
    );
    spool.prune(&KEEP, at(1)).unwrap();
    keep(&mut spool, large("A"));
    assert!(spool.tally(Lane::Normal).unwrap().accepted > accepted);
}

fn rows_of(spool: &SqliteSpool, lane: Lane) -> Vec<crate::ident::Stamp> {
    let (mut stamps, mut from) = (Vec::new(), 1);
    loop {
        let rows = spool.rows(FIRST, lane, from, 500, 10_000_000).unwrap();
        let Some(last) = rows.last() else {
            return stamps;
        };
        from = last.position.sequence + 1;
        stamps.extend(rows.iter().map(crate::envelope::Row::stamp));
    }
}

#[test]
fn the_files_stay_within_the_quota() {
    let (home, mut spool) = small();
    fill(&mut spool, &large("A"));
    assert!(on_disk(&home) <= QUOTA_MIN_BYTES, "{}", on_disk(&home));
}

#[test]
fn under_pressure_stored_messages_make_room_where_the_policy_lets_them() {
    let (_home, mut spool) = small();
    fill(&mut spool, &large("A"));
    let next = spool.tally(Lane::Normal).unwrap().accepted + 1;
    spool
        .learn(&[stored(FIRST, Lane::Normal, 1, next)], at(0))
        .unwrap();
    assert_eq!(spool.prune(&KEEP, at(1)).unwrap().dropped, 0);
    fill(&mut spool, &large("A"));
    let drop = Retention {
        pressure: Pressure::DropStored,
        ..KEEP
    };
    spool.use_quota(QUOTA_MIN_BYTES / 2);
    let pruned = spool.prune(&drop, at(2)).unwrap();
    assert!(pruned.dropped > 100, "{pruned:?}");
    spool.use_quota(QUOTA_MIN_BYTES);
    keep(&mut spool, large("A"));
    assert_eq!(spool.tally(Lane::Normal).unwrap().stored, next - 1);
    // The oldest went.
    let gaps = spool.gaps(FIRST, Lane::Normal, 1, u64::MAX, 9).unwrap();
    assert_eq!((gaps.len(), gaps[0].first, gaps[0].last), (1, 1, pruned.dropped));
}

#[test]
fn what_was_pruned_is_given_back_to_the_file_system() {
    let (_home, mut spool) = small();
    fill(&mut spool, &large("A"));
    let before = spool.footprint().unwrap();
    let news: Vec<News> = rows_of(&spool, Lane::Normal).into_iter().map(settled).collect();
    spool.learn(&news, at(0)).unwrap();
    for ms in 1..20 {
        spool.prune(&KEEP, at(ms)).unwrap();
    }
    let after = spool.footprint().unwrap();
    assert!(after.file_bytes < before.file_bytes / 4, "{before:?} {after:?}");
}
