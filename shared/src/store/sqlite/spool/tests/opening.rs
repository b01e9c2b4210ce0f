//! Whether an epoch may go on growing.

use super::*;
use crate::ident::Lane;
use crate::store::conformance::sample::*;
use crate::store::spool::{Spool, SpoolReader};
use crate::store::sqlite::lock::beside;
use crate::store::sqlite::spool::CutReason;

fn cut(why: CutReason, missing: Option<(Lane, std::ops::RangeInclusive<u64>)>) -> Opening {
    Opening::Cut {
        why,
        missing: missing.into_iter().collect(),
    }
}

#[test]
fn a_spool_goes_on_after_a_clean_stop_and_after_a_crash() {
    let home = Home::new();
    let (mut spool, opening) = home.open(FIRST);
    assert_eq!(opening, Opening::New);
    keep(&mut spool, confirm("A"));
    spool.close().unwrap();
    let (mut spool, opening) = home.open(SECOND);
    assert_eq!(opening, Opening::Continued);
    keep(&mut spool, confirm("A"));
    drop(spool);
    let (mut spool, opening) = home.open(SECOND);
    assert_eq!(opening, Opening::Continued);
    assert_eq!(
        keep(&mut spool, confirm("A")).position,
        position(FIRST, Lane::Normal, 3)
    );
}

#[test]
fn an_old_image_that_was_put_back_begins_a_new_epoch_and_names_what_is_missing() {
    let home = Home::new();
    let mut spool = home.spool();
    keep(&mut spool, confirm("A"));
    let backup = home.back_up(".witness");
    keep(&mut spool, confirm("B"));
    keep(&mut spool, confirm("C"));
    drop(spool);
    home.restore(&backup);
    let (mut spool, opening) = home.open(SECOND);
    assert_eq!(opening, cut(CutReason::Older, Some((Lane::Normal, 2..=3))));
    assert_eq!(
        keep(&mut spool, confirm("D")).position,
        position(SECOND, Lane::Normal, 1)
    );
    assert_eq!(sequences(&rows(&spool, FIRST, Lane::Normal)), [1]);
    drop(spool);
    assert_eq!(home.open(THIRD).1, Opening::Continued);
}

#[test]
fn an_image_from_before_a_cut_begins_a_new_epoch() {
    let home = Home::new();
    let mut spool = home.spool();
    keep(&mut spool, confirm("A"));
    let backup = home.back_up(".witness");
    spool.cut(SECOND, &[], at(0)).unwrap();
    drop(spool);
    home.restore(&backup);
    assert_eq!(home.open(THIRD).1, cut(CutReason::Older, None));
}

#[test]
fn an_image_that_lacks_nothing_goes_on() {
    let home = Home::new();
    let mut spool = home.spool();
    keep(&mut spool, confirm("A"));
    let backup = home.back_up(".witness");
    drop(spool);
    home.restore(&backup);
    assert_eq!(home.open(SECOND).1, Opening::Continued);
}

#[test]
fn a_spool_without_its_witness_begins_a_new_epoch_unless_it_never_kept_anything() {
    let home = Home::new();
    drop(home.spool());
    std::fs::remove_file(beside(&home.path, "witness")).unwrap();
    let (mut spool, opening) = home.open(SECOND);
    assert_eq!(opening, Opening::Continued);
    keep(&mut spool, confirm("A"));
    drop(spool);
    std::fs::remove_file(beside(&home.path, "witness")).unwrap();
    assert_eq!(home.open(SECOND).1, cut(CutReason::Unknown, None));
}

#[test]
fn the_witness_of_another_spool_or_a_torn_one_is_not_believed() {
    for damage in [Some(20), None] {
        let home = Home::new();
        keep(&mut home.spool(), confirm("A"));
        let path = beside(&home.path, "witness");
        let mut bytes = std::fs::read(&path).unwrap();
        match damage {
            Some(at) => bytes[at] ^= 1,
            None => {
                let other = Home::new();
                drop(other.open(SECOND));
                bytes = std::fs::read(beside(&other.path, "witness")).unwrap();
            }
        }
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(home.open(THIRD).1, cut(CutReason::Unknown, None));
    }
}

#[test]
fn a_witness_that_is_older_than_the_spool_is_no_reason_to_cut() {
    let home = Home::new();
    let mut spool = home.spool();
    keep(&mut spool, confirm("A"));
    let old = std::fs::read(beside(&home.path, "witness")).unwrap();
    keep(&mut spool, confirm("A"));
    spool.cut(SECOND, &[], at(0)).unwrap();
    keep(&mut spool, confirm("A"));
    drop(spool);
    // As after a power cut: it is never synced but at opening and closing.
    std::fs::write(beside(&home.path, "witness"), old).unwrap();
    assert_eq!(home.open(THIRD).1, Opening::Continued);
}

#[test]
fn a_person_can_ask_for_a_new_epoch() {
    let home = Home::new();
    keep(&mut home.spool(), confirm("A"));
    let options = Options {
        new_epoch: true,
        ..home.options(SECOND)
    };
    let (spool, opening) = SqliteSpool::open(&home.path, options).unwrap();
    assert_eq!(opening, cut(CutReason::Asked, None));
    let heads = spool.heads().unwrap();
    assert_eq!(heads.last().map(|head| head.epoch), Some(SECOND));
}

#[test]
fn the_spool_of_another_agent_is_refused() {
    let home = Home::new();
    drop(home.spool());
    let options = Options {
        agent: "plant-8".parse().unwrap(),
        ..home.options(FIRST)
    };
    let error = SqliteSpool::open(&home.path, options).unwrap_err();
    assert!(matches!(error, StoreError::Foreign(_)));
    assert!(error.to_string().contains("plant-7"), "{error}");
}

#[test]
fn a_second_writer_is_refused_and_a_reader_is_not() {
    let home = Home::new();
    let mut spool = home.spool();
    assert!(matches!(home.try_open(SECOND), Err(StoreError::InUse(_))));
    let reader = home.reader();
    assert_eq!(reader.tally(Lane::Normal).unwrap().accepted, 0);
    keep(&mut spool, confirm("A"));
    assert_eq!(reader.tally(Lane::Normal).unwrap().accepted, 1);
    drop(spool);
    assert_eq!(home.reader().tally(Lane::Normal).unwrap().accepted, 1);
    assert_eq!(reader.heads().unwrap(), home.spool().heads().unwrap());
}
