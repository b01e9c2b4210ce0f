//! Beginning an epoch, and moving rows into it.

use super::sample::*;
use super::{Subject, head, on_both};
use crate::envelope::Envelope;
use crate::ident::{Digest, Lane, Stamp};
use crate::outcome::Outcome;
use crate::store::spool::{Fate, Spool, SpoolReader};
use crate::store::{GapKind, StoreError};

on_both!(
    a_cut_begins_an_epoch_that_names_its_predecessor_and_counts_from_one,
    the_old_epoch_is_told_of_when_it_is_settled_too,
    moved_rows_keep_their_order_ordinal_and_links_and_name_their_old_stamp,
    what_is_captured_after_a_move_comes_after_the_name_of_what_was_moved,
    the_old_position_of_a_moved_row_settles_as_superseded_by_the_new_one,
    more_rows_can_be_moved_into_the_epoch_that_grows_already,
    a_moved_row_can_be_moved_again,
    what_is_settled_unknown_or_another_content_is_not_moved,
    an_epoch_that_was_used_before_is_refused,
);

const LANE: Lane = Lane::Normal;

fn a_cut_begins_an_epoch_that_names_its_predecessor_and_counts_from_one<S: Subject>() {
    let mut subject = S::new();
    keep(subject.spool(), confirm("A"));
    let before = head(subject.spool(), FIRST, LANE);
    subject.spool().cut(SECOND, &[], at(0)).unwrap();
    subject.reopen();
    let spool = subject.spool();
    assert_eq!(head(spool, FIRST, LANE), before);
    let new = head(spool, SECOND, LANE);
    assert_eq!((new.previous, new.first, new.next), (Some(FIRST), 1, 1));
    assert_eq!(new.running, Digest::origin(SECOND, LANE));
    assert_eq!(keep(spool, confirm("B")).position, position(SECOND, LANE, 1));
    assert_eq!(sequences(&rows(spool, FIRST, LANE)), [1]);
}

fn the_old_epoch_is_told_of_when_it_is_settled_too<S: Subject>() {
    let mut subject = S::new();
    let old = keep(subject.spool(), confirm("A"));
    subject.spool().cut(SECOND, &[], at(0)).unwrap();
    // Links lead into the old epoch for as long.
    let spool = subject.spool();
    keep(spool, confirm("A"));
    assert_eq!(after(&rows(spool, SECOND, LANE)[0]), [Some(old)]);
    spool.learn(&[stored(FIRST, LANE, 1, 1)], at(0)).unwrap();
    let epochs = |spool: &S::Spool| {
        let mut epochs: Vec<_> = spool.heads().unwrap().iter().map(|head| head.epoch).collect();
        epochs.dedup();
        epochs
    };
    assert_eq!(epochs(spool), [FIRST, SECOND]);
    spool.learn(&[settled(old)], at(0)).unwrap();
    assert_eq!(epochs(spool), [FIRST, SECOND]);
    assert_eq!(spool.fate(old.position).unwrap(), Some(Fate::Settled(applied())));
}

fn moved_rows_keep_their_order_ordinal_and_links_and_name_their_old_stamp<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    let first = keep(spool, confirm("A"));
    let second = keep(spool, by_lane(Lane::Bulk, confirm("A")));
    let third = keep(spool, confirm("A"));
    spool.cut(SECOND, &[third, second, first], at(0)).unwrap();
    subject.reopen();
    let spool = subject.spool();
    let normal = rows(spool, SECOND, LANE);
    let envelopes: Vec<_> = normal
        .iter()
        .chain(&rows(spool, SECOND, Lane::Bulk))
        .map(|row| Envelope::open(&row.bytes).unwrap())
        .collect();
    let told: Vec<_> = envelopes
        .iter()
        .map(|envelope| (envelope.ordinal, envelope.moved_from, envelope.keys[0].after))
        .collect();
    let expected = [
        (1, Some(first), None),
        (3, Some(third), Some(second)),
        (2, Some(second), Some(first)),
    ];
    assert_eq!(told, expected);
    assert_eq!(normal[0].before, Digest::origin(SECOND, LANE));
    assert_eq!(normal[1].before, normal[0].running());
    assert!(rows(spool, FIRST, LANE).is_empty());
    let gaps = spool.gaps(FIRST, LANE, 1, 9, 9).unwrap();
    assert_eq!(gaps.len(), 1);
    assert_eq!(
        (gaps[0].first, gaps[0].last, gaps[0].kind),
        (1, 2, GapKind::Moved)
    );
}

fn what_is_captured_after_a_move_comes_after_the_name_of_what_was_moved<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    let old = keep(spool, confirm("A"));
    keep(spool, confirm("B"));
    spool.cut(SECOND, &[old], at(0)).unwrap();
    subject.reopen();
    let spool = subject.spool();
    let moved = rows(spool, SECOND, LANE)[0].stamp();
    let next = keep(spool, confirm("A"));
    assert_eq!(after(&rows(spool, SECOND, LANE)[1]), [Some(old)]);
    assert_eq!(
        Envelope::open(&rows(spool, SECOND, LANE)[1].bytes)
            .unwrap()
            .ordinal,
        1
    );
    spool.learn(&[settled(next), settled(moved)], at(0)).unwrap();
    keep(spool, confirm("A"));
    assert_eq!(after(&rows(spool, SECOND, LANE)[0]), [None]);
}

fn the_old_position_of_a_moved_row_settles_as_superseded_by_the_new_one<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    let old = keep(spool, confirm("A"));
    spool.learn(&[dead(old)], at(0)).unwrap();
    spool.cut(SECOND, &[old], at(0)).unwrap();
    let by = Some(rows(spool, SECOND, LANE)[0].id(&agent()));
    let superseded = Outcome::Superseded { by };
    assert_eq!(
        spool.fate(old.position).unwrap(),
        Some(Fate::Settled(superseded.clone()))
    );
    // The other end says so too, of its own content there: that changes nothing.
    spool.learn(&[settled(old)], at(0)).unwrap();
    assert_eq!(spool.fate(old.position).unwrap(), Some(Fate::Settled(superseded)));
    let tally = spool.tally(LANE).unwrap();
    assert_eq!((tally.accepted, tally.settled, tally.waiting), (2, 1, 1));
}

fn more_rows_can_be_moved_into_the_epoch_that_grows_already<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    let (a, b) = (keep(spool, confirm("A")), keep(spool, confirm("B")));
    spool.cut(SECOND, &[a], at(0)).unwrap();
    keep(spool, confirm("C"));
    spool.cut(SECOND, &[b, a], at(0)).unwrap();
    subject.reopen();
    let spool = subject.spool();
    assert_eq!(keep(spool, confirm("D")).position.sequence, 4);
    let ordinals: Vec<_> = rows(spool, SECOND, LANE)
        .iter()
        .map(|row| Envelope::open(&row.bytes).unwrap())
        .map(|envelope| (envelope.ordinal, envelope.moved_from))
        .collect();
    assert_eq!(ordinals, [(1, Some(a)), (1, None), (2, Some(b)), (2, None)]);
}

fn a_moved_row_can_be_moved_again<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    let first = keep(spool, confirm("A"));
    spool.cut(SECOND, &[first], at(0)).unwrap();
    let later = keep(spool, confirm("A"));
    let second = rows(spool, SECOND, LANE)[0].stamp();
    spool.cut(THIRD, &[later, second], at(0)).unwrap();
    let moved = rows(spool, THIRD, LANE);
    let from: Vec<_> = moved
        .iter()
        .map(|row| Envelope::open(&row.bytes).unwrap().moved_from)
        .collect();
    // The order of capture is the same as before, although both have the ordinal 1 in their epochs.
    // Both keep the name that they were given at capture.
    assert_eq!(from, [Some(first), Some(later)]);
    let latest = moved[1].stamp();
    keep(spool, confirm("A"));
    assert_eq!(after(&rows(spool, THIRD, LANE)[2]), [Some(later)]);
    spool.learn(&[settled(latest)], at(0)).unwrap();
    let third = rows(spool, THIRD, LANE)[1].stamp();
    spool.learn(&[settled(third)], at(0)).unwrap();
    keep(spool, confirm("A"));
    assert_eq!(after(&rows(spool, THIRD, LANE)[1]), [Some(first)]);
}

fn what_is_settled_unknown_or_another_content_is_not_moved<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    let (a, b) = (keep(spool, confirm("A")), keep(spool, confirm("B")));
    spool.learn(&[settled(a)], at(0)).unwrap();
    let other = Stamp { digest: [9; 8], ..b };
    let unknown = Stamp {
        position: position(THIRD, LANE, 1),
        ..b
    };
    spool.cut(SECOND, &[a, other, unknown], at(0)).unwrap();
    assert!(rows(spool, SECOND, LANE).is_empty());
    assert_eq!(sequences(&rows(spool, FIRST, LANE)), [2]);
}

fn an_epoch_that_was_used_before_is_refused<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    keep(spool, confirm("A"));
    spool.cut(SECOND, &[], at(0)).unwrap();
    assert!(matches!(spool.cut(FIRST, &[], at(0)), Err(StoreError::Misuse(_))));
    assert_eq!(keep(spool, confirm("A")).position, position(SECOND, LANE, 1));
}
