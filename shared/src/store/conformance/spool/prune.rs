//! What may be taken away, and when.

use std::time::Duration;

use super::sample::*;
use super::{Subject, head, on_both};
use crate::envelope::Moment;
use crate::ident::Lane;
use crate::outcome::Outcome;
use crate::store::GapKind;
use crate::store::spool::{Fate, News, Pressure, Pruned, Retention, Spool, SpoolReader};

on_both!(
    only_what_is_settled_is_pruned_and_only_after_its_retention,
    time_in_which_nothing_ran_does_not_count,
    running_digests_stay_known_from_the_first_kept_row_on,
    a_dead_letter_does_not_keep_what_settled_behind_it,
    a_claim_is_recognised_for_its_retention,
    stored_messages_go_only_by_policy_and_never_dead_ones,
    what_is_finished_at_the_other_end_settles_here_too_as_lost_where_it_was_dropped,
    what_is_gone_here_settles_as_lost_and_nothing_else_where_other_content_may_be_finished,
    a_dropped_message_can_still_settle_and_frees_its_keys,
    an_epoch_that_is_settled_and_pruned_is_forgotten,
    a_moved_row_is_remembered_until_it_settled_where_it_went,
);

const LANE: Lane = Lane::Normal;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const KEEP: Retention = Retention {
    settled: DAY,
    claims: DAY,
    scans: DAY,
    pressure: Pressure::Refuse,
};
const DROP: Retention = Retention {
    pressure: Pressure::DropStored,
    ..KEEP
};

fn only_what_is_settled_is_pruned_and_only_after_its_retention<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    let stamps = [(); 4].map(|()| keep(spool, confirm("A")));
    let news = [settled(stamps[0]), settled(stamps[1]), stored(FIRST, LANE, 1, 3)];
    spool.learn(&news, at(0)).unwrap();
    assert_eq!(spool.prune(&KEEP, at(DAY_MS)).unwrap(), Pruned::default());
    assert_eq!(head(spool, FIRST, LANE).first, 1);
    let pruned = spool.prune(&KEEP, at(DAY_MS + 1)).unwrap();
    assert_eq!(pruned.settled, 2);
    assert_eq!(head(spool, FIRST, LANE).first, 3);
    assert_eq!(spool.fate(stamps[0].position).unwrap(), None);
    assert_eq!(spool.fate(stamps[2].position).unwrap(), Some(Fate::Stored));
    assert_eq!(sequences(&rows(spool, FIRST, LANE)), [3, 4]);
    let tally = spool.tally(LANE).unwrap();
    assert_eq!(
        (tally.accepted, tally.settled, tally.stored, tally.waiting),
        (4, 2, 1, 1)
    );
}

fn time_in_which_nothing_ran_does_not_count<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    let stamp = keep(spool, confirm("A"));
    keep(spool, confirm("A"));
    spool.learn(&[settled(stamp)], at(0)).unwrap();
    // A year later by the wall, after a new start of the machine; its own clock begins anew.
    let later = |monotonic_ms| Moment {
        wall_ms: at(365 * DAY_MS).wall_ms,
        boot: 2,
        ..at(monotonic_ms)
    };
    assert_eq!(
        spool.prune(&KEEP, later(365 * DAY_MS)).unwrap(),
        Pruned::default()
    );
    let pruned = spool.prune(&KEEP, later(366 * DAY_MS + 1)).unwrap();
    assert_eq!(pruned.settled, 1);
}

fn running_digests_stay_known_from_the_first_kept_row_on<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    let stamps = [(); 5].map(|()| keep(spool, confirm("A")));
    let before: Vec<_> = (0..=5)
        .map(|n| spool.running(FIRST, LANE, n).unwrap().unwrap())
        .collect();
    spool
        .learn(&[stamps[0], stamps[1], stamps[3]].map(settled), at(0))
        .unwrap();
    spool.prune(&KEEP, at(2 * DAY_MS)).unwrap();
    subject.reopen();
    let spool = subject.spool();
    assert_eq!(spool.running(FIRST, LANE, 1).unwrap(), None);
    for sequence in [0, 2, 3, 4, 5] {
        let running = spool.running(FIRST, LANE, sequence).unwrap();
        assert_eq!(running, Some(before[sequence as usize]), "{sequence}");
    }
    // A gap that begins in what was deleted reaches to its end, where the digest is known.
    let gaps = spool.gaps(FIRST, LANE, 1, 1, 9).unwrap();
    assert_eq!((gaps[0].first, gaps[0].last), (1, 2));
    assert_eq!(gaps[0].running, before[2]);
    assert_eq!(gaps[0].kind, GapKind::Settled);
    let all = spool.gaps(FIRST, LANE, 1, 9, 9).unwrap();
    assert_eq!((all[1].first, all[1].last, all[1].running), (4, 4, before[4]));
    // Everything settles: the lane goes on where it was.
    let news = [settled(stamps[2]), settled(stamps[4])];
    spool.learn(&news, at(2 * DAY_MS)).unwrap();
    spool.prune(&KEEP, at(4 * DAY_MS)).unwrap();
    subject.reopen();
    let spool = subject.spool();
    assert_eq!(head(spool, FIRST, LANE).running, before[5]);
    assert_eq!(keep(spool, confirm("A")).position.sequence, 6);
    assert_eq!(after(&rows(spool, FIRST, LANE)[0]), [None]);
}

fn a_dead_letter_does_not_keep_what_settled_behind_it<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    let stamps = [(); 4].map(|()| keep(spool, confirm("A")));
    let news = [dead(stamps[0]), settled(stamps[1]), settled(stamps[2])];
    spool.learn(&news, at(0)).unwrap();
    assert_eq!(spool.prune(&KEEP, at(2 * DAY_MS)).unwrap().settled, 2);
    assert_eq!(spool.fate(stamps[1].position).unwrap(), None);
    assert_eq!(sequences(&rows(spool, FIRST, LANE)), [1, 4]);
    let tally = spool.tally(LANE).unwrap();
    assert_eq!((tally.dead, tally.settled, tally.waiting), (1, 2, 1));
    let sizes: usize = rows(spool, FIRST, LANE).iter().map(|row| row.bytes.len()).sum();
    assert_eq!(tally.unsettled_bytes, sizes as u64);
}

fn a_claim_is_recognised_for_its_retention<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    for id in ["1", "2", "3"] {
        let piece = claimed(id, "body", vec![confirm("A")]);
        spool.commit(&[piece], at(0)).unwrap();
    }
    assert_eq!(spool.prune(&KEEP, at(DAY_MS)).unwrap().claims, 0);
    assert!(spool.claimed("mes", "1").unwrap().is_some());
    assert_eq!(spool.prune(&KEEP, at(DAY_MS + 1)).unwrap().claims, 3);
    assert_eq!(spool.claimed("mes", "1").unwrap(), None);
    assert_eq!(rows(spool, FIRST, LANE).len(), 3);
}

fn stored_messages_go_only_by_policy_and_never_dead_ones<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    let stamps = [(); 5].map(|()| keep(spool, confirm("A")));
    let news = [stored(FIRST, LANE, 1, 4), dead(stamps[1]), settled(stamps[2])];
    spool.learn(&news, at(0)).unwrap();
    subject.press();
    let spool = subject.spool();
    assert_eq!(spool.prune(&KEEP, at(0)).unwrap(), Pruned::default());
    assert_eq!(spool.prune(&DROP, at(0)).unwrap().dropped, 2);
    assert_eq!(sequences(&rows(spool, FIRST, LANE)), [2, 5]);
    let kinds: Vec<_> = spool
        .gaps(FIRST, LANE, 1, 9, 9)
        .unwrap()
        .iter()
        .map(|gap| (gap.first, gap.last, gap.kind))
        .collect();
    let expected = [
        (1, 1, GapKind::Lost),
        (3, 3, GapKind::Settled),
        (4, 4, GapKind::Lost),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(spool.fate(stamps[0].position).unwrap(), Some(Fate::Stored));
    assert_eq!(spool.tally(LANE).unwrap().stored, 2);
    assert_eq!(spool.tally(LANE).unwrap().oldest, Some(at(0)));
    // The other end loses its disk: these two wait again, and cannot be sent.
    let forgotten = News::Forgotten {
        epoch: FIRST,
        lane: LANE,
        floor: 0,
    };
    spool.learn(&[forgotten], at(0)).unwrap();
    assert_eq!(spool.fate(stamps[0].position).unwrap(), Some(Fate::Waiting));
    assert_eq!(sequences(&rows(spool, FIRST, LANE)), [2, 5]);
}

fn what_is_finished_at_the_other_end_settles_here_too_as_lost_where_it_was_dropped<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    let stamps = [(); 4].map(|()| keep(spool, confirm("A")));
    spool
        .learn(&[stored(FIRST, LANE, 1, 3), settled(stamps[1])], at(0))
        .unwrap();
    subject.press();
    let spool = subject.spool();
    spool.prune(&DROP, at(0)).unwrap();
    let finished = |from, to| News::Finished {
        epoch: FIRST,
        lane: LANE,
        from,
        to,
    };
    spool.learn(&[finished(1, 2)], at(0)).unwrap();
    let fates = stamps.map(|stamp| spool.fate(stamp.position).unwrap().unwrap());
    let [lost, applied_already, still, waiting] = fates;
    assert_eq!(lost, Fate::Settled(Outcome::Lost));
    assert_eq!(applied_already, Fate::Settled(applied()));
    assert_eq!((still, waiting), (Fate::Stored, Fate::Waiting));
    spool
        .learn(&[dead(stamps[3]), finished(2, u64::MAX)], at(0))
        .unwrap();
    assert_eq!(head(spool, FIRST, LANE).settled, 4);
    assert_eq!(
        spool.fate(stamps[3].position).unwrap(),
        Some(Fate::Settled(Outcome::Superseded { by: None }))
    );
    subject.reopen();
    let spool = subject.spool();
    keep(spool, confirm("A"));
    assert_eq!(after(&rows(spool, FIRST, LANE)[0]), [None]);
}

fn what_is_gone_here_settles_as_lost_and_nothing_else_where_other_content_may_be_finished<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    let stamps = [(); 4].map(|()| keep(spool, confirm("A")));
    spool
        .learn(&[stored(FIRST, LANE, 1, 3), dead(stamps[1])], at(0))
        .unwrap();
    subject.press();
    let spool = subject.spool();
    spool.prune(&DROP, at(0)).unwrap();
    let gone = |upto| News::Gone {
        epoch: FIRST,
        lane: LANE,
        upto,
    };
    spool.learn(&[gone(2)], at(0)).unwrap();
    let fates = |spool: &S::Spool| stamps.map(|stamp| spool.fate(stamp.position).unwrap().unwrap());
    let lost = || Fate::Settled(Outcome::Lost);
    let [first, second, third, fourth] = fates(spool);
    assert_eq!((first, third, fourth), (lost(), Fate::Stored, Fate::Waiting));
    assert!(matches!(second, Fate::Dead(_)));
    spool.learn(&[gone(u64::MAX)], at(0)).unwrap();
    let [_, second, third, fourth] = fates(spool);
    assert_eq!((third, fourth), (lost(), Fate::Waiting));
    assert!(matches!(second, Fate::Dead(_)));
}

fn a_dropped_message_can_still_settle_and_frees_its_keys<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    let stamp = keep(spool, confirm("A"));
    spool.learn(&[stored(FIRST, LANE, 1, 1)], at(0)).unwrap();
    subject.press();
    subject.spool().prune(&DROP, at(0)).unwrap();
    subject.reopen();
    let spool = subject.spool();
    spool.learn(&[settled(stamp)], at(0)).unwrap();
    assert_eq!(
        spool.fate(stamp.position).unwrap(),
        Some(Fate::Settled(applied()))
    );
    assert_eq!(
        spool.gaps(FIRST, LANE, 1, 9, 9).unwrap()[0].kind,
        GapKind::Settled
    );
    keep(spool, confirm("A"));
    assert_eq!(after(&rows(spool, FIRST, LANE)[0]), [None]);
}

fn an_epoch_that_is_settled_and_pruned_is_forgotten<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    let stamp = keep(spool, confirm("A"));
    spool.cut(SECOND, &[], at(0)).unwrap();
    spool.learn(&[settled(stamp)], at(0)).unwrap();
    spool.prune(&KEEP, at(0)).unwrap();
    assert_eq!(spool.tally(LANE).unwrap().accepted, 1);
    spool.prune(&KEEP, at(2 * DAY_MS)).unwrap();
    subject.reopen();
    let spool = subject.spool();
    assert_eq!(spool.tally(LANE).unwrap().accepted, 0);
    assert_eq!(spool.running(FIRST, LANE, 0).unwrap(), None);
    assert_eq!(head(spool, SECOND, LANE).previous, Some(FIRST));
}

fn a_moved_row_is_remembered_until_it_settled_where_it_went<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    let old = keep(spool, confirm("A"));
    spool.cut(SECOND, &[old], at(0)).unwrap();
    spool.prune(&KEEP, at(2 * DAY_MS)).unwrap();
    let gaps = spool.gaps(FIRST, LANE, 1, 9, 9).unwrap();
    assert_eq!(gaps[0].kind, GapKind::Moved);
    let new = rows(spool, SECOND, LANE)[0].stamp();
    spool.learn(&[settled(new)], at(2 * DAY_MS)).unwrap();
    spool.prune(&KEEP, at(4 * DAY_MS)).unwrap();
    assert!(spool.gaps(FIRST, LANE, 1, 9, 9).unwrap().is_empty());
}
