//! After what is settled was removed: what is left, and what comes again, fares as if it were still there.

use crate::outcome::Reason;
use crate::store::inbox::{Change, GapKind, State, why};

use super::gaps::gap_of;
use super::kit::*;

pub fn a_moved_row_of_which_the_original_was_pruned_takes_effect_only_if_a_person_says_so(
    store: &mut impl Store,
) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..2).map(|_| plant.make(PARKS, &["order:a"])).collect();
    keep(store, &plant.agent, &[&rows[0]]);
    apply(store, &rows[0]);
    prune_all(store, &plant);
    plant.cut(2);
    let moved = [plant.move_here(&rows[0]), plant.move_here(&rows[1])];
    keep(store, &plant.agent, &[&moved[0], &moved[1]]);
    assert_eq!(word(&state(store, &moved[0])), why::LATE);
    assert_eq!(
        state(store, &moved[1]),
        State::Waiting { ready: false },
        "it is parked"
    );
    make(store, &moved[0], retry());
    assert_eq!(ready(store, &plant.agent), ids(&[&moved[0]]));
}

pub fn a_moved_row_of_which_the_pruned_original_came_again_takes_effect_only_if_a_person_says_so(
    store: &mut impl Store,
) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    keep(store, &plant.agent, &[&row]);
    apply(store, &row);
    prune_all(store, &plant);
    assert_eq!(keep(store, &plant.agent, &[&row]).late, [1]);
    plant.cut(2);
    let moved = plant.move_here(&row);
    keep(store, &plant.agent, &[&moved]);
    assert_eq!(word(&state(store, &row)), "superseded");
    assert_eq!(word(&state(store, &moved)), why::LATE);
    make(store, &moved, retry());
    assert_eq!(ready(store, &plant.agent), ids(&[&moved]));
}

pub fn a_second_copy_of_what_moved_and_was_pruned_takes_effect_only_if_a_person_says_so(
    store: &mut impl Store,
) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    let mut clone = plant.clone();
    plant.cut(2);
    let moved = plant.move_here(&row);
    keep(store, &plant.agent, &[&moved]);
    apply(store, &moved);
    prune_all(store, &plant);
    clone.cut(3);
    let again = clone.move_here(&row);
    keep(store, &clone.agent, &[&again]);
    assert_eq!(word(&state(store, &again)), why::LATE);
}

pub fn what_came_late_to_a_moved_position_is_known_as_settled_after_it_was_pruned(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..2).map(|_| plant.make(PARKS, &["order:a"])).collect();
    let gap = gap_of(&plant, &rows, 1, 1, GapKind::Moved);
    store.declare(&plant.agent, &[gap], 5_000).unwrap();
    assert_eq!(keep(store, &plant.agent, &[&rows[0], &rows[1]]).late, [1]);
    make(store, &rows[0], discard());
    make(store, &rows[0], Change::Settle(discarded()));
    assert_eq!(ready(store, &plant.agent), ids(&[&rows[1]]));
    say_hello(store, &plant);
    prune_all(store, &plant);
    assert_eq!(store.find(&rows[0].id).unwrap(), None);
    assert_eq!(
        ready(store, &plant.agent),
        ids(&[&rows[1]]),
        "nothing holds it back again"
    );
    refuse(store, &rows[1]);
    make(store, &rows[1], retry());
    assert_eq!(
        ready(store, &plant.agent),
        ids(&[&rows[1]]),
        "nor when it is tried again"
    );
    plant.cut(2);
    let moved = plant.move_here(&rows[0]);
    keep(store, &plant.agent, &[&moved]);
    assert_eq!(word(&state(store, &moved)), why::LATE);
    keep(store, &plant.agent, &[&rows[0]]);
    assert_eq!(word(&state(store, &rows[0])), "superseded");
}

pub fn what_stands_where_other_content_is_awaited_is_not_pruned(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let mut clone = plant.clone();
    let mine = plant.make(PARKS, &["order:b"]);
    let theirs = clone.make(PARKS, &["order:a"]);
    let behind = clone.make(PARKS, &["order:a"]);
    keep(store, &plant.agent, &[&mine]);
    keep(store, &plant.agent, &[&behind]);
    apply(store, &mine);
    acknowledge_all(store, &plant);
    assert_eq!(store.prune(i64::MAX, 100).unwrap(), 0);
    assert_eq!(state(store, &behind), State::Waiting { ready: false });
    assert_eq!(keep(store, &plant.agent, &[&theirs]).conflicts, [1]);
    assert_eq!(store.prune(i64::MAX, 100).unwrap(), 1);
    assert_eq!(state(store, &behind), State::Waiting { ready: false });
}

pub fn a_passed_dead_letter_that_is_tried_again_still_waits_for_what_it_names(store: &mut impl Store) {
    for (number, came_dead) in [(1, false), (2, true)] {
        let mut plant = Plant::new(&format!("plant-{number}"), 1);
        let mut clone = plant.clone();
        let mine = [plant.make(PARKS, &["order:b"]), plant.make(PARKS, &["order:b"])];
        let theirs = clone.make(PARKS, &["order:a"]);
        let count = clone.make(PASSES, &["order:a"]);
        keep(store, &plant.agent, &[&mine[0]]);
        apply(store, &mine[0]);
        if came_dead {
            keep(store, &plant.agent, &[&mine[1]]);
            assert_eq!(keep(store, &clone.agent, &[&count]).conflicts, [2]);
        } else {
            keep(store, &clone.agent, &[&count]);
            make(
                store,
                &count,
                Change::Dead(Reason::new("refused", "a rule says no")),
            );
        }
        acknowledge_all(store, &plant);
        store.prune(i64::MAX, 100).unwrap();
        assert_eq!(word(&state(store, &mine[0])), "applied", "it is kept");
        assert_eq!(make(store, &count, retry()), State::Waiting { ready: false });
        assert_eq!(keep(store, &clone.agent, &[&theirs]).conflicts, [1]);
        assert_eq!(state(store, &count), State::Waiting { ready: false });
        make(store, &theirs, retry());
        apply(store, &theirs);
        assert_eq!(state(store, &count), State::Waiting { ready: true });
    }
}

pub fn what_waits_for_one_at_the_target_may_be_discarded_and_pruned_meanwhile(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    keep(store, &plant.agent, &[&row]);
    make(store, &row, Change::Send);
    plant.cut(2);
    let waiting = [plant.move_here(&row), plant.undo(&row)];
    keep(store, &plant.agent, &[&waiting[0], &waiting[1]]);
    for waits in &waiting {
        make(store, waits, discard());
        make(store, waits, Change::Settle(discarded()));
    }
    acknowledge_all(store, &plant);
    assert_eq!(store.prune(i64::MAX, 100).unwrap(), 2);
    make(store, &row, Change::Settle(applied(1)));
    assert_eq!(word(&state(store, &row)), "applied");
}

/// Has the agent acknowledge all that is settled, and removes it.
fn prune_all(store: &mut impl Store, plant: &Plant) {
    acknowledge_all(store, plant);
    assert_eq!(store.prune(i64::MAX, 100).unwrap(), 1);
}
