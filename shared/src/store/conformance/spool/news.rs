//! What the other end tells: floors, fates, what comes after what, and how a lane stands.

use super::sample::*;
use super::{Subject, head, on_both};
use crate::ident::{Digest, Epoch, Lane, Stamp};
use crate::outcome::Outcome;
use crate::store::GapKind;
use crate::store::spool::{Fate, Gap, News, Spool, SpoolReader, Tally};

on_both!(
    floors_follow_what_is_stored_and_settled_in_whatever_order_it_is_told,
    each_message_has_one_fate_and_its_outcome_is_final,
    news_of_another_content_at_the_position_is_ignored,
    news_of_what_was_never_given_is_ignored,
    a_settled_message_frees_its_keys_and_an_earlier_one_of_them_counts_again,
    settled_rows_are_not_sent_again_and_the_gap_says_why,
    a_relay_that_lost_its_disk_is_sent_all_that_is_not_settled,
    a_dead_message_that_is_tried_again_counts_as_stored,
    the_tally_accounts_for_every_position,
    the_oldest_unsettled_message_tells_the_age_of_the_lane,
);

const LANE: Lane = Lane::Normal;

fn many<S: Subject>(count: usize) -> (S, Vec<Stamp>) {
    let mut subject = S::new();
    let stamps = (0..count).map(|_| keep(subject.spool(), confirm("A"))).collect();
    (subject, stamps)
}

fn floors_follow_what_is_stored_and_settled_in_whatever_order_it_is_told<S: Subject>() {
    let (mut subject, stamps) = many::<S>(8);
    let told = [
        (stored(FIRST, LANE, 4, 5), 0, 0),
        (stored(FIRST, LANE, 1, 2), 2, 0),
        (stored(FIRST, LANE, 3, 3), 5, 0),
        (settled(stamps[6]), 5, 0),
        (settled(stamps[1]), 5, 0),
        (settled(stamps[0]), 5, 2),
        (stored(FIRST, LANE, 1, u64::MAX), 8, 2),
        (settled(stamps[3]), 8, 2),
        (settled(stamps[2]), 8, 4),
    ];
    for (news, stored, settled) in told {
        subject.spool().learn(std::slice::from_ref(&news), at(0)).unwrap();
        subject.reopen();
        let head = head(subject.spool(), FIRST, LANE);
        assert_eq!((head.stored, head.settled), (stored, settled), "{news:?}");
    }
}

fn each_message_has_one_fate_and_its_outcome_is_final<S: Subject>() {
    let (mut subject, stamps) = many::<S>(1);
    let (stamp, place) = (stamps[0], stamps[0].position);
    let mut fate = |news: News| {
        subject.spool().learn(&[news], at(0)).unwrap();
        subject.reopen();
        subject.spool().fate(place).unwrap().unwrap()
    };
    assert_eq!(fate(stored(FIRST, LANE, 1, 1)), Fate::Stored);
    assert!(matches!(fate(dead(stamp)), Fate::Dead(reason) if reason.code == "unknown-code"));
    assert_eq!(fate(settled(stamp)), Fate::Settled(applied()));
    assert_eq!(fate(dead(stamp)), Fate::Settled(applied()));
    let lost = News::Settled {
        stamp,
        outcome: Outcome::Lost,
    };
    assert_eq!(fate(lost), Fate::Settled(applied()));
}

fn news_of_another_content_at_the_position_is_ignored<S: Subject>() {
    let (mut subject, stamps) = many::<S>(1);
    let other = Stamp {
        digest: Digest::of(b"another").short(),
        ..stamps[0]
    };
    let spool = subject.spool();
    spool
        .learn(
            &[dead(other), settled(other), News::Reopened { stamp: other }],
            at(0),
        )
        .unwrap();
    assert_eq!(spool.fate(other.position).unwrap(), Some(Fate::Waiting));
}

fn news_of_what_was_never_given_is_ignored<S: Subject>() {
    let (mut subject, stamps) = many::<S>(1);
    let behind = Stamp {
        position: position(FIRST, LANE, 2),
        ..stamps[0]
    };
    let elsewhere = Stamp {
        position: position(Epoch(9), LANE, 1),
        ..stamps[0]
    };
    let forgotten = News::Forgotten {
        epoch: Epoch(9),
        lane: LANE,
        floor: 0,
    };
    let news = [
        settled(behind),
        settled(elsewhere),
        dead(elsewhere),
        stored(Epoch(9), LANE, 1, 2),
        stored(FIRST, LANE, 2, 9),
        stored(FIRST, LANE, 5, 4),
        forgotten,
    ];
    let spool = subject.spool();
    spool.learn(&news, at(0)).unwrap();
    let head = head(spool, FIRST, LANE);
    assert_eq!((head.next, head.stored, head.settled), (2, 0, 0));
}

fn a_settled_message_frees_its_keys_and_an_earlier_one_of_them_counts_again<S: Subject>() {
    let (mut subject, stamps) = many::<S>(3);
    let mut next = |settles: Option<usize>| {
        let news: Vec<News> = settles.map(|index| settled(stamps[index])).into_iter().collect();
        subject.spool().learn(&news, at(0)).unwrap();
        let critical = by_lane(Lane::Critical, confirm("A"));
        let stamp = keep(subject.spool(), critical);
        let row = rows(subject.spool(), FIRST, Lane::Critical).pop().unwrap();
        subject.spool().learn(&[settled(stamp)], at(0)).unwrap();
        after(&row)
    };
    assert_eq!(next(None), [Some(stamps[2])]);
    // Discarded before its predecessors, so they count again.
    assert_eq!(next(Some(2)), [Some(stamps[1])]);
    assert_eq!(next(Some(0)), [Some(stamps[1])]);
    assert_eq!(next(Some(1)), [None]);
}

fn settled_rows_are_not_sent_again_and_the_gap_says_why<S: Subject>() {
    let (mut subject, stamps) = many::<S>(6);
    let spool = subject.spool();
    spool
        .learn(
            &[settled(stamps[1]), settled(stamps[2]), settled(stamps[5])],
            at(0),
        )
        .unwrap();
    assert_eq!(sequences(&rows(spool, FIRST, LANE)), [1, 4, 5]);
    let running = |sequence| spool.running(FIRST, LANE, sequence).unwrap().unwrap();
    let gap = |first, last| Gap {
        first,
        last,
        before: Some(running(first - 1)),
        running: running(last),
        kind: GapKind::Settled,
    };
    assert_eq!(
        spool.gaps(FIRST, LANE, 0, u64::MAX, 9).unwrap(),
        [gap(2, 3), gap(6, 6)]
    );
    assert_eq!(spool.gaps(FIRST, LANE, 3, 9, 1).unwrap(), [gap(3, 3)]);
    assert_eq!(spool.gaps(FIRST, LANE, 1, 2, 9).unwrap(), [gap(2, 2)]);
    assert!(spool.gaps(FIRST, LANE, 4, 5, 9).unwrap().is_empty());
    assert!(spool.gaps(SECOND, LANE, 1, 9, 9).unwrap().is_empty());
}

fn a_relay_that_lost_its_disk_is_sent_all_that_is_not_settled<S: Subject>() {
    let (mut subject, stamps) = many::<S>(6);
    let spool = subject.spool();
    let news = [
        stored(FIRST, LANE, 1, 5),
        settled(stamps[0]),
        settled(stamps[3]),
        dead(stamps[4]),
        News::Forgotten {
            epoch: FIRST,
            lane: LANE,
            floor: 2,
        },
    ];
    spool.learn(&news, at(0)).unwrap();
    let fates = stamps
        .iter()
        .map(|stamp| spool.fate(stamp.position).unwrap().unwrap());
    let expected = [
        Fate::Settled(applied()),
        Fate::Stored,
        Fate::Waiting,
        Fate::Settled(applied()),
        Fate::Waiting,
        Fate::Waiting,
    ];
    assert_eq!(fates.collect::<Vec<_>>(), expected);
    assert_eq!(sequences(&rows(spool, FIRST, LANE)), [2, 3, 5, 6]);
    assert_eq!(head(spool, FIRST, LANE).stored, 2);
}

fn a_dead_message_that_is_tried_again_counts_as_stored<S: Subject>() {
    let (mut subject, stamps) = many::<S>(1);
    let stamp = stamps[0];
    let spool = subject.spool();
    spool
        .learn(&[dead(stamp), News::Reopened { stamp }], at(0))
        .unwrap();
    assert_eq!(spool.fate(stamp.position).unwrap(), Some(Fate::Stored));
}

fn the_tally_accounts_for_every_position<S: Subject>() {
    let (mut subject, stamps) = many::<S>(7);
    let news = [
        stored(FIRST, LANE, 1, 3),
        stored(FIRST, LANE, 5, 6),
        settled(stamps[0]),
        dead(stamps[2]),
        settled(stamps[5]),
    ];
    subject.spool().learn(&news, at(0)).unwrap();
    subject.reopen();
    let spool = subject.spool();
    let size = |index: usize| {
        let all = spool.rows(FIRST, LANE, index as u64 + 1, 1, 1).unwrap();
        all[0].bytes.len() as u64
    };
    let expected = Tally {
        accepted: 7,
        waiting: 2,
        stored: 2,
        dead: 1,
        settled: 2,
        waiting_bytes: size(3) + size(6),
        unsettled_bytes: [1, 2, 3, 4, 6].map(size).iter().sum(),
        oldest: Some(at(0)),
    };
    assert_eq!(spool.tally(LANE).unwrap(), expected);
    assert_eq!(spool.tally(Lane::Bulk).unwrap(), Tally::default());
}

fn the_oldest_unsettled_message_tells_the_age_of_the_lane<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    let stamps = [10, 20, 30].map(|ms| {
        let mut draft = confirm("A");
        draft.capture.moment = at(ms);
        keep(spool, draft)
    });
    let oldest = |spool: &S::Spool| {
        spool
            .tally(LANE)
            .unwrap()
            .oldest
            .map(|moment| moment.monotonic_ms)
    };
    assert_eq!(oldest(spool), Some(10));
    spool.learn(&[settled(stamps[1])], at(0)).unwrap();
    assert_eq!(oldest(spool), Some(10));
    spool.learn(&[settled(stamps[0])], at(0)).unwrap();
    assert_eq!(oldest(spool), Some(30));
    spool.learn(&[settled(stamps[2])], at(0)).unwrap();
    assert_eq!(oldest(spool), None);
}
