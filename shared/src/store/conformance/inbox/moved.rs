//! A message that its agent moved to another epoch: one message still, whichever copy comes first or is left.

use crate::ident::MessageId;
use crate::outcome::Reason;
use crate::store::inbox::{Change, GapKind, Inbox, State, Told};

use super::gaps::gap_of;
use super::kit::*;

pub fn a_conflict_is_superseded_when_its_row_has_moved(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let mut clone = plant.clone();
    let mine = plant.make(PARKS, &["order:b"]);
    let theirs = clone.make(PARKS, &["order:c"]);
    let behind = clone.make(PARKS, &["order:c"]);
    keep(store, &plant.agent, &[&mine]);
    keep(store, &plant.agent, &[&theirs, &behind]);
    assert_eq!(state(store, &behind), State::Waiting { ready: false });
    clone.cut(2);
    let moved = clone.move_here(&theirs);
    keep(store, &plant.agent, &[&moved]);
    assert_eq!(word(&state(store, &theirs)), "superseded");
    assert_eq!(ready(store, &plant.agent), ids(&[&mine, &moved]));
    apply(store, &moved);
    assert_eq!(state(store, &behind), State::Waiting { ready: true });
}

pub fn a_moved_row_whose_old_copy_has_taken_effect_never_does(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    keep(store, &plant.agent, &[&row]);
    apply(store, &row);
    plant.cut(2);
    let moved = plant.move_here(&row);
    keep(store, &plant.agent, &[&moved]);
    assert_eq!(word(&state(store, &moved)), "superseded");
}

pub fn a_moved_row_waits_for_its_old_copy_that_is_at_the_target(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let (one, two) = (plant.make(PARKS, &["order:a"]), plant.make(PARKS, &["order:b"]));
    keep(store, &plant.agent, &[&one, &two]);
    make(store, &one, Change::Send);
    make(store, &two, Change::Send);
    plant.cut(2);
    let (moved_one, moved_two) = (plant.move_here(&one), plant.move_here(&two));
    keep(store, &plant.agent, &[&moved_one, &moved_two]);
    assert!(ready(store, &plant.agent).is_empty());
    make(store, &one, Change::Settle(applied(1)));
    assert_eq!(word(&state(store, &moved_one)), "superseded");
    make(store, &two, Change::Return);
    assert_eq!(word(&state(store, &two)), "superseded");
    assert_eq!(ready(store, &plant.agent), ids(&[&moved_two]));
}

/// A row, and the copies of it that each of two clones moved to an epoch of its own.
fn moved_by_two_clones() -> (Plant, Plant, [Made; 3]) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    let mut clone = plant.clone();
    plant.cut(2);
    clone.cut(3);
    let (one, two) = (plant.move_here(&row), clone.move_here(&row));
    (plant, clone, [row, one, two])
}

pub fn a_row_moved_twice_by_two_clones_takes_effect_once(store: &mut impl Store) {
    let (plant, _, [_, one, two]) = moved_by_two_clones();
    keep(store, &plant.agent, &[&one]);
    keep(store, &plant.agent, &[&two]);
    assert_eq!(ready(store, &plant.agent).len(), 1);
    assert_eq!(word(&state(store, &one)), "superseded");
}

pub fn of_a_row_and_its_copies_one_takes_effect_in_whatever_order_they_arrive(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    plant.cut(2);
    let moved = plant.move_here(&row);
    plant.cut(3);
    let moved_again = plant.move_here(&moved);
    keep(store, &plant.agent, &[&moved_again]);
    keep(store, &plant.agent, &[&row]);
    keep(store, &plant.agent, &[&moved]);
    assert_eq!(
        ready(store, &plant.agent),
        ids(&[&moved]),
        "the copy that came last counts"
    );
    assert_eq!(
        (word(&state(store, &row)), word(&state(store, &moved_again))),
        ("superseded", "superseded")
    );
}

pub fn what_came_after_a_moved_row_waits_for_it_where_it_went(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..2).map(|_| plant.make(PARKS, &["order:a"])).collect();
    keep(store, &plant.agent, &[&rows[1]]);
    store
        .declare(
            &plant.agent,
            &[gap_of(&plant, &rows, 1, 1, GapKind::Moved)],
            5_000,
        )
        .unwrap();
    assert!(ready(store, &plant.agent).is_empty());
    plant.cut(2);
    let moved = plant.move_here(&rows[0]);
    keep(store, &plant.agent, &[&moved]);
    assert_eq!(ready(store, &plant.agent), ids(&[&moved]));
    apply(store, &moved);
    assert_eq!(ready(store, &plant.agent), ids(&[&rows[1]]));
}

pub fn a_moved_row_that_is_tried_again_still_waits_for_its_old_copy_at_the_target(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PASSES, &["order:a"]);
    keep(store, &plant.agent, &[&row]);
    refuse(store, &row);
    make(store, &row, discard());
    plant.cut(2);
    let moved = plant.move_here(&row);
    keep(store, &plant.agent, &[&moved]);
    make(
        store,
        &moved,
        Change::Dead(Reason::new("refused", "a rule says no")),
    );
    make(store, &moved, retry());
    assert_eq!(state(store, &moved), State::Waiting { ready: false });
    make(store, &row, Change::Settle(applied(1)));
    assert_eq!(word(&state(store, &moved)), "superseded");
}

pub fn messages_of_one_place_are_ready_in_the_order_of_their_arrival(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let mut clone = plant.clone();
    let long = plant.make(PARKS, &["order:a", "order:with-a-long-name"]);
    let short = clone.make(PARKS, &["order:b"]);
    keep(store, &plant.agent, &[&long]);
    keep(store, &plant.agent, &[&short]);
    make(store, &short, retry());
    assert_eq!(ready(store, &plant.agent), ids(&[&long, &short]));
}

pub fn what_was_amended_of_a_message_and_then_of_its_copy_is_kept_in_order(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    let amend = |quantity: u32| Change::Amend {
        body: format!(r#"{{"order":"O","quantity":{{"value":"{quantity}"}}}}"#),
        reason: "miscounted".into(),
    };
    let no = || Change::Dead(Reason::new("refused", "a rule says no"));
    keep(store, &plant.agent, &[&row]);
    refuse(store, &row);
    make(store, &row, amend(2));
    make(store, &row, Change::Send);
    plant.cut(2);
    let moved = plant.move_here(&row);
    keep(store, &plant.agent, &[&moved]);
    for quantity in [3, 4] {
        make(store, &moved, no());
        make(store, &moved, amend(quantity));
    }
    make(store, &row, Change::Return);
    assert_eq!(word(&state(store, &row)), "superseded");
    let moved = item(store, &moved);
    assert_eq!(moved.entry.amended, 3);
    assert!(moved.body().unwrap().contains("\"4\""), "{:?}", moved.body());
}

/// The names of what the agent is told is settled, and how far its first lane is.
fn settled_for(store: &impl Inbox, plant: &Plant) -> (Vec<MessageId>, u64) {
    let news = store.news(&plant.agent, 0, 10).unwrap();
    let settled = news
        .into_iter()
        .filter(|note| matches!(note.told, Told::Settled(_)));
    let floors = store.floors(&plant.agent).unwrap();
    (settled.map(|note| note.id).collect(), floors[0].settled.sequence)
}

pub fn a_row_is_settled_for_its_agent_only_when_the_copy_that_supersedes_it_is(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let (row, behind) = (plant.make(PARKS, &["order:a"]), plant.make(PARKS, &["order:b"]));
    keep(store, &plant.agent, &[&row, &behind]);
    apply(store, &behind);
    plant.cut(2);
    let moved = plant.move_here(&row);
    keep(store, &plant.agent, &[&moved]);
    assert_eq!(word(&state(store, &row)), "superseded");
    assert_eq!(settled_for(store, &plant), (ids(&[&behind]), 0));
    refuse(store, &moved);
    assert_eq!(settled_for(store, &plant), (ids(&[&behind]), 0));
    make(store, &moved, retry());
    apply(store, &moved);
    assert_eq!(settled_for(store, &plant), (ids(&[&behind, &moved, &row]), 2));
    let times = [&row, &moved].map(|made| item(store, made).entry.changed_ms);
    assert_eq!(times[0], times[1]);
}

pub fn a_row_that_was_moved_twice_is_settled_for_its_agents_when_its_newest_copy_is(store: &mut impl Store) {
    let (plant, mut clone, [row, one, two]) = moved_by_two_clones();
    clone.cut(4);
    let again = clone.move_here(&one);
    for made in [&row, &one, &two, &again] {
        keep(store, &plant.agent, &[made]);
    }
    assert_eq!(settled_for(store, &plant), (vec![], 0));
    let counts = ready(store, &plant.agent);
    let last = [&row, &one, &two, &again]
        .into_iter()
        .find(|made| counts == ids(&[made]))
        .unwrap();
    apply(store, last);
    let (told, floor) = settled_for(store, &plant);
    assert_eq!((told.len(), floor), (4, 1));
}

pub fn a_conflict_that_was_moved_is_not_pruned_before_its_copy_has_ended(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let mut clone = plant.clone();
    let (mine, theirs) = (plant.make(PARKS, &["order:b"]), clone.make(PARKS, &["order:c"]));
    keep(store, &plant.agent, &[&mine]);
    keep(store, &plant.agent, &[&theirs]);
    clone.cut(2);
    let moved = clone.move_here(&theirs);
    keep(store, &plant.agent, &[&moved]);
    apply(store, &mine);
    acknowledge_all(store, &plant);
    assert_eq!(store.prune(10_000, 10).unwrap(), 1, "what stood at the position");
    assert_eq!(settled_for(store, &plant).0, vec![]);
    apply(store, &moved);
    assert_eq!(settled_for(store, &plant).0, ids(&[&moved, &theirs]));
    assert_eq!(
        store.prune(10_000, 10).unwrap(),
        1,
        "the conflict; the copy is not acknowledged yet"
    );
}
