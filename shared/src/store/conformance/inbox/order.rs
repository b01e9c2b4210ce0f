//! Nothing out of order: what waits for what, and until when.

use crate::ident::{Epoch, Lane};
use crate::store::inbox::{Change, GapKind, Lineage, ReadyFrom, State, Verdict};

use super::gaps::gap_of;
use super::kit::*;

const READY: State = State::Waiting { ready: true };
const BEHIND: State = State::Waiting { ready: false };

pub fn messages_of_one_key_become_ready_one_after_the_other(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..3).map(|_| plant.make(PARKS, &["order:a"])).collect();
    keep(store, &plant.agent, &rows.iter().collect::<Vec<_>>());
    for row in &rows {
        assert_eq!(ready(store, &plant.agent), ids(&[row]));
        apply(store, row);
    }
    assert!(ready(store, &plant.agent).is_empty());
}

pub fn messages_of_other_keys_pass(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let a = plant.make(PARKS, &["order:a"]);
    let both = plant.make(PARKS, &["order:a", "lot:1"]);
    let lot = plant.make(PARKS, &["lot:1"]);
    let other = plant.make(PARKS, &["order:b"]);
    keep(store, &plant.agent, &[&a, &both, &lot, &other]);
    assert_eq!(ready(store, &plant.agent), ids(&[&a, &other]));
    let waits = store.waits_for(slot(store, &lot)).unwrap();
    assert_eq!(
        waits
            .here
            .iter()
            .map(|entry| entry.id.clone())
            .collect::<Vec<_>>(),
        [Some(both.id.clone())]
    );
    apply(store, &a);
    assert_eq!(ready(store, &plant.agent), ids(&[&both, &other]));
}

pub fn a_hole_delays_only_the_keys_in_it(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let hole = plant.make(PARKS, &["order:a"]);
    let after = plant.make(PARKS, &["order:a"]);
    let other = plant.make(PARKS, &["order:b"]);
    keep(store, &plant.agent, &[&after, &other]);
    assert_eq!(ready(store, &plant.agent), ids(&[&other]));
    let waits = store.waits_for(slot(store, &after)).unwrap();
    assert_eq!(waits.missing, [hole.id.stamp()]);
    keep(store, &plant.agent, &[&hole]);
    assert_eq!(ready(store, &plant.agent), ids(&[&hole, &other]));
    apply(store, &hole);
    assert_eq!(state(store, &after), READY);
}

pub fn an_earlier_message_that_arrives_later_goes_before(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let early = plant.make(PARKS, &["order:a"]);
    plant.free("order:a");
    let late = plant.make(PARKS, &["order:a"]);
    keep(store, &plant.agent, &[&late]);
    assert_eq!(state(store, &late), READY);
    keep(store, &plant.agent, &[&early]);
    assert_eq!((state(store, &early), state(store, &late)), (READY, BEHIND));
}

pub fn a_message_waits_for_one_in_another_lane(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let bulk = plant.make_in(Lane::Bulk, PARKS, &["order:a"], |_| {});
    let normal = plant.make(PARKS, &["order:a"]);
    keep(store, &plant.agent, &[&normal]);
    assert_eq!(state(store, &normal), BEHIND);
    keep(store, &plant.agent, &[&bulk]);
    assert_eq!(state(store, &normal), BEHIND);
    apply(store, &bulk);
    assert_eq!(state(store, &normal), READY);
}

pub fn a_message_waits_for_one_in_an_older_epoch(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 7);
    let old = plant.make(PARKS, &["order:a"]);
    plant.cut(3);
    plant.free("order:a");
    let new = plant.make(PARKS, &["order:a"]);
    let lineage = |epoch, predecessor: Option<u64>| Lineage {
        epoch: Epoch(epoch),
        predecessor: predecessor.map(Epoch),
        heads: None,
    };
    store.announce(&plant.agent, &[lineage(3, Some(7))], 1).unwrap();
    keep(store, &plant.agent, &[&new]);
    keep(store, &plant.agent, &[&old]);
    assert_eq!((state(store, &old), state(store, &new)), (READY, BEHIND));
    assert_eq!(store.floors(&plant.agent).unwrap()[0].epoch, Epoch(7));
}

pub fn what_is_parked_behind_a_dead_letter_waits_until_a_person_decided(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..3).map(|_| plant.make(PARKS, &["order:a"])).collect();
    keep(store, &plant.agent, &rows.iter().collect::<Vec<_>>());
    refuse(store, &rows[0]);
    assert!(ready(store, &plant.agent).is_empty());
    assert_eq!(make(store, &rows[0], retry()), READY);
    refuse(store, &rows[0]);
    make(store, &rows[0], discard());
    assert!(ready(store, &plant.agent).is_empty());
    let discarded = crate::outcome::Outcome::Discarded {
        by: "anna".into(),
        reason: "entered by hand".into(),
    };
    make(store, &rows[0], Change::Settle(discarded));
    assert_eq!(ready(store, &plant.agent), ids(&[&rows[1]]));
}

pub fn what_may_pass_a_dead_letter_does_and_supersedes_it(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let (one, two) = (plant.make(PASSES, &["item:a"]), plant.make(PASSES, &["item:a"]));
    keep(store, &plant.agent, &[&one, &two]);
    refuse(store, &one);
    assert_eq!(ready(store, &plant.agent), ids(&[&two]));
    apply(store, &two);
    assert_eq!(word(&state(store, &one)), "superseded");
    assert!(matches!(ask(store, &one, retry()), Verdict::Refused(_)));
}

pub fn a_passed_dead_letter_that_is_tried_again_goes_first(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..3).map(|_| plant.make(PASSES, &["item:a"])).collect();
    keep(store, &plant.agent, &rows.iter().collect::<Vec<_>>());
    refuse(store, &rows[0]);
    assert_eq!(state(store, &rows[1]), READY);
    assert_eq!(make(store, &rows[0], retry()), READY);
    assert_eq!(ready(store, &plant.agent), ids(&[&rows[0]]));
}

pub fn a_passed_dead_letter_is_not_tried_again_while_a_later_one_is_at_the_target(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let (one, two) = (plant.make(PASSES, &["item:a"]), plant.make(PASSES, &["item:a"]));
    keep(store, &plant.agent, &[&one, &two]);
    refuse(store, &one);
    make(store, &two, Change::Send);
    assert!(matches!(ask(store, &one, retry()), Verdict::Refused(_)));
    make(store, &two, Change::Return);
    assert_eq!(make(store, &one, retry()), READY);
}

pub fn those_behind_a_message_that_leaves_the_queue_wait_for_the_one_before_it(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..3).map(|_| plant.make(PARKS, &["order:a"])).collect();
    keep(store, &plant.agent, &rows.iter().collect::<Vec<_>>());
    make(store, &rows[0], hold("person", None));
    make(store, &rows[1], discard());
    make(
        store,
        &rows[1],
        Change::Settle(crate::outcome::Outcome::Discarded {
            by: "anna".into(),
            reason: "twice".into(),
        }),
    );
    assert_eq!(state(store, &rows[2]), BEHIND);
    make(store, &rows[0], Change::Release);
    apply(store, &rows[0]);
    assert_eq!(state(store, &rows[2]), READY);
}

pub fn what_came_after_a_lost_position_waits_until_a_person_decided(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..2).map(|_| plant.make(PARKS, &["order:a"])).collect();
    let other = plant.make(PARKS, &["order:b"]);
    keep(store, &plant.agent, &[&rows[1], &other]);
    store
        .declare(&plant.agent, &[gap_of(&plant, &rows, 1, 1, GapKind::Lost)], 1)
        .unwrap();
    assert_eq!(ready(store, &plant.agent), ids(&[&other]));
    let lost = super::gaps::list_dead(store).pop().unwrap();
    let request = |change| {
        [crate::store::inbox::Request {
            ticket: lost.ticket,
            change,
        }]
    };
    let verdicts = store.change(&request(retry()), "anna", 2).unwrap();
    assert!(matches!(&verdicts[0], Verdict::Refused(text) if text.contains("by hand")));
    let verdicts = store.change(&request(discard()), "anna", 2).unwrap();
    assert!(matches!(&verdicts[0], Verdict::Done(_, state) if word(state) == "lost"));
    say_hello(store, &plant);
    assert_eq!(ready(store, &plant.agent), ids(&[&rows[1], &other]));
    assert_eq!(store.floors(&plant.agent).unwrap()[0].settled.sequence, 1);
}

pub fn what_names_an_undecodable_message_waits_for_it(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let mut broken = plant.make(PARKS, &["order:a"]);
    broken.sealed.bytes = b"x".to_vec();
    broken.sealed.digest = crate::ident::Digest::of(b"x");
    broken.id = crate::ident::MessageId::new(plant.agent.clone(), broken.id.position, &broken.sealed.digest);
    let stamp = broken.id.stamp();
    let mut behind = plant.make_in(Lane::Normal, PARKS, &["order:a"], |envelope| {
        envelope.keys[0].after = Some(stamp);
    });
    behind.before = broken.before.then(broken.sealed.digest);
    keep(store, &plant.agent, &[&broken]);
    keep(store, &plant.agent, &[&behind]);
    assert_eq!(state(store, &behind), BEHIND);
    assert!(matches!(ask(store, &broken, retry()), Verdict::Refused(_)));
    make(store, &broken, discard());
    make(
        store,
        &broken,
        Change::Settle(crate::outcome::Outcome::Discarded {
            by: "anna".into(),
            reason: "nobody can read it".into(),
        }),
    );
    assert_eq!(state(store, &behind), BEHIND, "nobody knows what that came after");
    let known = store.floors(&plant.agent).unwrap()[0].stored;
    let mut lineage = plant.lineage(None);
    lineage.heads.as_mut().unwrap()[usize::from(Lane::Normal.number())] = known;
    store.announce(&plant.agent, &[lineage], 1).unwrap();
    assert_eq!(state(store, &behind), READY);
}

pub fn live_work_is_found_from_the_newest_end(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..10)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    keep(store, &plant.agent, &rows.iter().collect::<Vec<_>>());
    let mut seen = Vec::new();
    let mut from = ReadyFrom::Newest(None);
    loop {
        let page = store.ready(&plant.agent, Lane::Normal, from, 4).unwrap();
        let Some(last) = page.last() else { break };
        from = ReadyFrom::Newest(Some(last.entry.place));
        seen.extend(page.into_iter().map(|item| item.entry.id.unwrap()));
    }
    let newest_first: Vec<_> = rows.iter().rev().map(|row| row.id.clone()).collect();
    assert_eq!(seen, newest_first);
}
