//! Nothing out of order, either where nobody knows any more what something came after.

use crate::ident::Lane;
use crate::store::GapKind;
use crate::store::inbox::{Change, State, Verdict, why};

use super::gaps::{gap_of, list_dead};
use super::kit::*;

const READY: State = State::Waiting { ready: true };
const BEHIND: State = State::Waiting { ready: false };

/// What held the last one back all the while.
fn the_first_comes_and_goes_before_the_last(
    store: &mut impl Store,
    plant: &Plant,
    first: &Made,
    last: &Made,
) {
    keep(store, &plant.agent, &[first]);
    assert_eq!((state(store, first), state(store, last)), (READY, BEHIND));
    apply(store, first);
    assert_eq!(state(store, last), READY);
}

pub fn what_comes_after_an_annulled_pair_waits_for_what_that_came_after(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let first = plant.make_in(Lane::Bulk, PARKS, &["order:a"], |_| {});
    let wrong = plant.make(PARKS, &["order:a"]);
    let undo = plant.undo(&wrong);
    let last = plant.make(PARKS, &["order:a"]);
    keep(store, &plant.agent, &[&wrong, &undo, &last]);
    assert_eq!(word(&state(store, &wrong)), "annulled");
    assert_eq!(word(&state(store, &undo)), "annulled");
    assert_eq!(state(store, &last), BEHIND);
    the_first_comes_and_goes_before_the_last(store, &plant, &first, &last);
}

pub fn what_comes_after_a_discarded_one_waits_for_what_that_came_after(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let first = plant.make_in(Lane::Bulk, PARKS, &["order:a"], |_| {});
    let by_hand = plant.make(PARKS, &["order:a"]);
    let last = plant.make(PARKS, &["order:a"]);
    keep(store, &plant.agent, &[&by_hand, &last]);
    make(store, &by_hand, discard());
    make(store, &by_hand, Change::Settle(discarded()));
    assert_eq!(state(store, &last), BEHIND);
    acknowledge_all(store, &plant);
    assert_eq!(
        store.prune(i64::MAX, 10).unwrap(),
        0,
        "it is what the last one waits behind"
    );
    keep(store, &plant.agent, &[&first]);
    apply(store, &first);
    assert_eq!(state(store, &last), READY);
}

pub fn what_may_pass_a_dead_letter_waits_for_what_that_came_after(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let first = plant.make_in(Lane::Bulk, PASSES, &["item:a"], |_| {});
    let refused = plant.make(PASSES, &["item:a"]);
    let last = plant.make(PASSES, &["item:a"]);
    keep(store, &plant.agent, &[&refused, &last]);
    make(
        store,
        &refused,
        Change::Dead(crate::outcome::Reason::new("locked", "no")),
    );
    assert_eq!(state(store, &last), BEHIND);
    the_first_comes_and_goes_before_the_last(store, &plant, &first, &last);
    apply(store, &last);
    assert_eq!(word(&state(store, &refused)), "superseded");
}

pub fn what_names_a_loss_waits_until_all_that_was_captured_before_it_is_here(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let first = plant.make_in(Lane::Bulk, PARKS, &["order:a"], |_| {});
    let lost = [plant.make(PARKS, &["order:a"])];
    let last = plant.make(PARKS, &["order:a"]);
    keep(store, &plant.agent, &[&last]);
    let gap = gap_of(&plant, &lost, 1, 1, GapKind::Lost);
    store.declare(&plant.agent, &[gap], 1).unwrap();
    say_hello(store, &plant);
    let letter = list_dead(store).pop().unwrap();
    let request = crate::store::inbox::Request {
        ticket: letter.ticket,
        change: discard(),
    };
    store.change(&[request], "anna", 2).unwrap();
    assert_eq!(state(store, &last), BEHIND);
    the_first_comes_and_goes_before_the_last(store, &plant, &first, &last);
}

pub fn what_names_something_settled_elsewhere_waits_until_all_that_was_captured_before_it_is_here(
    store: &mut impl Store,
) {
    let mut plant = Plant::new("plant-1", 1);
    let first = plant.make_in(Lane::Bulk, PARKS, &["order:a"], |_| {});
    let settled = [plant.make(PARKS, &["order:a"])];
    let last = plant.make(PARKS, &["order:a"]);
    let gap = gap_of(&plant, &settled, 1, 1, GapKind::Settled);
    store.declare(&plant.agent, &[gap], 1).unwrap();
    keep(store, &plant.agent, &[&last]);
    assert_eq!(state(store, &last), BEHIND, "nothing was said of other lanes yet");
    let waits = store.waits_for(slot(store, &last)).unwrap();
    assert_eq!((waits.missing, waits.gone), (vec![], vec![settled[0].id.stamp()]));
    say_hello(store, &plant);
    assert_eq!(state(store, &last), BEHIND);
    keep(store, &plant.agent, &[&first]);
    apply(store, &first);
    assert_eq!(state(store, &last), READY);
}

pub fn a_claim_that_is_not_met_is_not_replaced_by_a_farther_one(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let first = plant.make_in(Lane::Bulk, PARKS, &["order:b"], |_| {});
    let settled = [plant.make(PARKS, &["order:a"])];
    let last = plant.make(PARKS, &["order:a"]);
    let gap = gap_of(&plant, &settled, 1, 1, GapKind::Settled);
    store.declare(&plant.agent, &[gap], 1).unwrap();
    keep(store, &plant.agent, &[&last]);
    say_hello(store, &plant);
    plant.make_in(Lane::Bulk, PARKS, &["order:c"], |_| {});
    say_hello(store, &plant);
    keep(store, &plant.agent, &[&first]);
    assert_eq!(
        state(store, &last),
        READY,
        "under steady load the newest claim is never met"
    );
}

pub fn a_claim_of_a_log_that_is_another_one_is_not_believed(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let mut clone = plant.clone();
    let theirs = clone.make_in(Lane::Bulk, PARKS, &["order:z"], |_| {});
    plant.make_in(Lane::Bulk, PARKS, &["order:a"], |_| {});
    let settled = [plant.make(PARKS, &["order:a"])];
    let last = plant.make(PARKS, &["order:a"]);
    let gap = gap_of(&plant, &settled, 1, 1, GapKind::Settled);
    store.declare(&plant.agent, &[gap], 1).unwrap();
    keep(store, &plant.agent, &[&last]);
    keep(store, &clone.agent, &[&theirs]);
    say_hello(store, &plant);
    assert_eq!(state(store, &last), BEHIND, "as many are here, but not the same");
}

pub fn what_came_after_an_epoch_that_is_over_goes_on(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 7);
    plant.make(PARKS, &["order:a"]);
    let over = plant.lineage(None);
    plant.cut(8);
    let last = plant.make(PARKS, &["order:a"]);
    keep(store, &plant.agent, &[&last]);
    assert_eq!(state(store, &last), BEHIND, "nobody said that it is over");
    let now = plant.lineage(Some(7));
    store.announce(&plant.agent, &[over, now], 3).unwrap();
    assert_eq!(state(store, &last), BEHIND, "it is still open");
    store.announce(&plant.agent, &[now], 4).unwrap();
    assert_eq!(state(store, &last), READY);
}

pub fn what_a_hello_decides_bears_its_time(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 7);
    let settled_long_ago = plant.make(PARKS, &["order:a"]);
    plant.cut(8);
    let undo = plant.undo(&settled_long_ago);
    keep(store, &plant.agent, &[&undo]);
    assert_eq!(state(store, &undo), BEHIND, "what it undoes may still come");
    store
        .announce(&plant.agent, &[plant.lineage(Some(7))], 70_000)
        .unwrap();
    assert_eq!(word(&state(store, &undo)), why::UNDO_APPLIED);
    assert_eq!(item(store, &undo).entry.changed_ms, 70_000);
}

pub fn a_person_lets_go_on_what_waits_for_what_will_never_come(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let never = plant.make(PARKS, &["order:a", "lot:1"]);
    let wrong = plant.make(PARKS, &["order:a"]);
    let undo = plant.undo(&wrong);
    let last = plant.make(PARKS, &["order:a"]);
    let of_lot = plant.make(PARKS, &["lot:1"]);
    keep(store, &plant.agent, &[&wrong, &undo, &last, &of_lot]);
    assert_eq!((state(store, &last), state(store, &of_lot)), (BEHIND, BEHIND));
    assert_eq!(make(store, &last, Change::Approve), READY);
    assert_eq!(state(store, &of_lot), READY, "nobody waits for it any more");
    keep(store, &plant.agent, &[&never]);
    assert_eq!(
        (state(store, &never), state(store, &last)),
        (READY, BEHIND),
        "unless it does come"
    );
}

pub fn what_waits_only_for_what_is_here_is_not_let_go_on(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let (one, two) = (plant.make(PARKS, &["order:a"]), plant.make(PARKS, &["order:a"]));
    keep(store, &plant.agent, &[&one, &two]);
    assert!(matches!(ask(store, &two, Change::Approve), Verdict::Refused(text) if text.contains("is here")));
}
