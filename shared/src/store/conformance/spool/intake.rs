//! Taking intakes in: positions, links, claims, neighbours.

use super::sample::*;
use super::{Subject, head, on_both};
use crate::envelope::Envelope;
use crate::ident::{Digest, Lane};
use crate::limit;
use crate::message::Quantity;
use crate::store::spool::{DialogueChange, Intake, Spool, SpoolReader, Verdict};

on_both!(
    a_lane_counts_from_one_and_goes_on_counting_after_a_restart,
    running_digests_chain_each_lane_from_its_origin,
    a_kind_goes_by_its_lane_unless_told_otherwise,
    ordinals_count_captures_over_all_lanes,
    a_message_comes_after_the_latest_unsettled_one_of_each_of_its_keys,
    links_hold_between_lanes_within_an_intake_and_after_a_restart,
    a_claim_is_answered_as_the_first_time,
    two_intakes_of_one_batch_with_the_same_claim_are_told_apart_by_their_content,
    an_intake_that_cannot_be_kept_is_refused_and_its_neighbours_are_not,
    a_refused_intake_keeps_nothing_of_itself,
    a_dialogue_is_read_back_after_a_restart_until_it_ends,
    rows_are_bounded_by_count_and_bytes_but_one_is_always_given,
    a_full_store_refuses_but_still_recognises_what_it_has,
    what_stands_behind_a_full_intake_in_a_batch_is_full_too,
    positions_that_were_never_given_have_no_fate,
);

fn a_lane_counts_from_one_and_goes_on_counting_after_a_restart<S: Subject>() {
    let mut subject = S::new();
    for expected in 1..=3 {
        let stamp = keep(subject.spool(), confirm("A"));
        assert_eq!(stamp.position, position(FIRST, Lane::Normal, expected));
        subject.reopen();
    }
    let head = head(subject.spool(), FIRST, Lane::Normal);
    assert_eq!((head.first, head.next, head.stored, head.settled), (1, 4, 0, 0));
}

fn running_digests_chain_each_lane_from_its_origin<S: Subject>() {
    let mut subject = S::new();
    for order in ["A", "B", "C"] {
        keep(subject.spool(), confirm(order));
    }
    subject.reopen();
    let spool = subject.spool();
    let mut running = Digest::origin(FIRST, Lane::Normal);
    assert_eq!(spool.running(FIRST, Lane::Normal, 0).unwrap(), Some(running));
    for row in rows(spool, FIRST, Lane::Normal) {
        assert_eq!(row.before, running);
        assert_eq!(row.digest, Digest::of(&row.bytes));
        running = row.running();
        let sequence = row.position.sequence;
        assert_eq!(
            spool.running(FIRST, Lane::Normal, sequence).unwrap(),
            Some(running)
        );
    }
    assert_eq!(head(spool, FIRST, Lane::Normal).running, running);
    assert_eq!(spool.running(FIRST, Lane::Normal, 4).unwrap(), None);
    assert_eq!(spool.running(SECOND, Lane::Normal, 0).unwrap(), None);
}

fn a_kind_goes_by_its_lane_unless_told_otherwise<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    assert_eq!(keep(spool, confirm("A")).position.lane, Lane::Normal);
    for lane in Lane::ALL {
        assert_eq!(keep(spool, by_lane(lane, confirm("A"))).position.lane, lane);
    }
}

fn ordinals_count_captures_over_all_lanes<S: Subject>() {
    let mut subject = S::new();
    let lanes = [Lane::Bulk, Lane::Normal, Lane::Critical, Lane::Normal];
    for (lane, expected) in lanes.into_iter().zip(1..) {
        keep(subject.spool(), by_lane(lane, confirm("A")));
        subject.reopen();
        let row = rows(subject.spool(), FIRST, lane).pop().unwrap();
        assert_eq!(Envelope::open(&row.bytes).unwrap().ordinal, expected);
    }
}

fn a_message_comes_after_the_latest_unsettled_one_of_each_of_its_keys<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    let lot = keep(spool, confirm_lot("A", "L"));
    let order = keep(spool, confirm("A"));
    keep(spool, confirm_lot("A", "L"));
    let rows = rows(spool, FIRST, Lane::Normal);
    assert_eq!(after(&rows[0]), [None, None]);
    assert_eq!(after(&rows[1]), [Some(lot)]);
    // Keys are sorted: lot before order.
    assert_eq!(after(&rows[2]), [Some(lot), Some(order)]);
}

fn links_hold_between_lanes_within_an_intake_and_after_a_restart<S: Subject>() {
    let mut subject = S::new();
    let bulk = keep(subject.spool(), by_lane(Lane::Bulk, confirm("A")));
    subject.reopen();
    let pair = intake(vec![confirm("A"), by_lane(Lane::Critical, confirm("A"))]);
    let verdicts = subject.spool().commit(&[pair], at(0)).unwrap();
    let Verdict::Kept(ids) = &verdicts[0] else {
        panic!("{verdicts:?}");
    };
    assert_eq!(
        after(&rows(subject.spool(), FIRST, Lane::Normal)[0]),
        [Some(bulk)]
    );
    let critical = rows(subject.spool(), FIRST, Lane::Critical);
    assert_eq!(after(&critical[0]), [Some(stamp(&ids[0]))]);
}

fn a_claim_is_answered_as_the_first_time<S: Subject>() {
    let mut subject = S::new();
    let piece = claimed("4711", "body", vec![confirm("A"), confirm("B")]);
    let first = subject
        .spool()
        .commit(std::slice::from_ref(&piece), at(0))
        .unwrap();
    let Verdict::Kept(ids) = &first[0] else {
        panic!("{first:?}");
    };
    subject.reopen();
    let spool = subject.spool();
    assert_eq!(
        spool.commit(&[piece], at(1)).unwrap(),
        [Verdict::Known(ids.clone())]
    );
    let other = claimed("4711", "another body", vec![confirm("A")]);
    assert_eq!(
        spool.commit(&[other], at(1)).unwrap(),
        [Verdict::Conflict(ids.clone())]
    );
    assert_eq!(spool.claimed("mes", "4711").unwrap(), Some(ids.clone()));
    assert_eq!(spool.claimed("mes", "4712").unwrap(), None);
    assert_eq!(spool.claimed("line-1", "4711").unwrap(), None);
    assert_eq!(rows(spool, FIRST, Lane::Normal).len(), 2);
}

fn two_intakes_of_one_batch_with_the_same_claim_are_told_apart_by_their_content<S: Subject>() {
    let mut subject = S::new();
    let batch = ["body", "body", "other"].map(|content| claimed("1", content, vec![confirm("A")]));
    let verdicts = subject.spool().commit(&batch, at(0)).unwrap();
    let [Verdict::Kept(a), Verdict::Known(b), Verdict::Conflict(c)] = &verdicts[..] else {
        panic!("{verdicts:?}");
    };
    assert!(a == b && a == c);
    assert_eq!(rows(subject.spool(), FIRST, Lane::Normal).len(), 1);
}

fn an_intake_that_cannot_be_kept_is_refused_and_its_neighbours_are_not<S: Subject>() {
    let mut subject = S::new();
    let mut large = confirm("B");
    large.capture.raw = vec![0; limit::ENVELOPE_BYTES];
    let batch = [confirm("A"), large, confirm("C")].map(|draft| intake(vec![draft]));
    let verdicts = subject.spool().commit(&batch, at(0)).unwrap();
    let [Verdict::Kept(a), Verdict::Refused(why), Verdict::Kept(c)] = &verdicts[..] else {
        panic!("{verdicts:?}");
    };
    assert!(why.contains("bytes"), "{why}");
    assert_eq!((a[0].position.sequence, c[0].position.sequence), (1, 2));
    assert_eq!(sequences(&rows(subject.spool(), FIRST, Lane::Normal)), [1, 2]);
}

fn a_refused_intake_keeps_nothing_of_itself<S: Subject>() {
    let mut subject = S::new();
    let mut absurd = confirm("A");
    if let crate::message::Message::ProductionConfirm(body) = &mut absurd.message {
        body.quantity = Quantity {
            value: (-1).into(),
            ..body.quantity.clone()
        };
    }
    let mut piece = claimed("1", "body", vec![confirm("A"), absurd]);
    piece.dialogue = Some(dialogue(Some(b"half")));
    let spool = subject.spool();
    let verdicts = spool.commit(&[piece], at(0)).unwrap();
    assert!(
        matches!(&verdicts[0], Verdict::Refused(why) if why.contains("quantity")),
        "{verdicts:?}"
    );
    assert!(rows(spool, FIRST, Lane::Normal).is_empty());
    assert_eq!(spool.claimed("mes", "1").unwrap(), None);
    assert_eq!(spool.dialogue("press", "1").unwrap(), None);
    // The next one gets the first position and ordinal, and comes after nothing.
    assert_eq!(keep(spool, confirm("A")).position.sequence, 1);
    assert_eq!(after(&rows(spool, FIRST, Lane::Normal)[0]), [None]);
}

fn dialogue(state: Option<&[u8]>) -> DialogueChange {
    DialogueChange {
        station: "press".to_owned(),
        connection: "1".to_owned(),
        state: state.map(<[u8]>::to_vec),
    }
}

fn a_dialogue_is_read_back_after_a_restart_until_it_ends<S: Subject>() {
    let mut subject = S::new();
    for state in [Some(&b"order"[..]), Some(b"order, lot"), None] {
        let change = Intake {
            dialogue: Some(dialogue(state)),
            ..Intake::default()
        };
        let verdicts = subject.spool().commit(&[change], at(0)).unwrap();
        assert_eq!(verdicts, [Verdict::Kept(Vec::new())]);
        subject.reopen();
        let found = subject.spool().dialogue("press", "1").unwrap();
        assert_eq!(found.as_deref(), state);
        assert_eq!(subject.spool().dialogue("press", "2").unwrap(), None);
    }
}

fn rows_are_bounded_by_count_and_bytes_but_one_is_always_given<S: Subject>() {
    let mut subject = S::new();
    let spool = subject.spool();
    for _ in 0..5 {
        keep(spool, confirm("A"));
    }
    let size = rows(spool, FIRST, Lane::Normal)[0].bytes.len();
    let some = |from, count, bytes| sequences(&spool.rows(FIRST, Lane::Normal, from, count, bytes).unwrap());
    assert_eq!(some(2, 2, 1_000_000), [2, 3]);
    assert_eq!(some(1, 10, 1), [1]);
    // The first comes after nothing, so it is a little smaller than the others.
    assert_eq!(some(2, 10, 2 * (size + 40)), [2, 3]);
    assert!(some(6, 10, 1_000_000).is_empty());
    assert!(spool.rows(SECOND, Lane::Normal, 1, 10, 1000).unwrap().is_empty());
}

fn a_full_store_refuses_but_still_recognises_what_it_has<S: Subject>() {
    let mut subject = S::new();
    let piece = claimed("1", "body", vec![confirm("A")]);
    subject
        .spool()
        .commit(std::slice::from_ref(&piece), at(0))
        .unwrap();
    subject.fill();
    let batch = [intake(vec![confirm("B")]), piece];
    let verdicts = subject.spool().commit(&batch, at(0)).unwrap();
    assert!(
        matches!(&verdicts[..], [Verdict::Full(_), Verdict::Known(_)]),
        "{verdicts:?}"
    );
    assert_eq!(sequences(&rows(subject.spool(), FIRST, Lane::Normal)), [1]);
}

fn what_stands_behind_a_full_intake_in_a_batch_is_full_too<S: Subject>() {
    let mut subject = S::new();
    subject.fill();
    let batch = ["A", "B"].map(|order| intake(vec![confirm(order)]));
    let verdicts = subject.spool().commit(&batch, at(0)).unwrap();
    assert!(
        verdicts.iter().all(|verdict| matches!(verdict, Verdict::Full(_))),
        "{verdicts:?}"
    );
}

fn positions_that_were_never_given_have_no_fate<S: Subject>() {
    let mut subject = S::new();
    keep(subject.spool(), confirm("A"));
    for (epoch, sequence) in [(FIRST, 0), (FIRST, 2), (FIRST, u64::MAX), (SECOND, 1)] {
        let fate = subject
            .spool()
            .fate(position(epoch, Lane::Normal, sequence))
            .unwrap();
        assert_eq!(fate, None);
    }
}
