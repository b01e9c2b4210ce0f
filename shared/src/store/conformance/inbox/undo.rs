//! Undo: a message that takes another one back.

use crate::outcome::{Outcome, Reason};
use crate::store::inbox::{Change, State, why};

use super::kit::*;

pub fn an_undo_of_an_unapplied_message_annuls_both(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    for state_before in ["ready", "held", "dead"] {
        let row = plant.make(PARKS, &["order:a"]);
        keep(store, &plant.agent, &[&row]);
        match state_before {
            "held" => drop(make(store, &row, hold("person", None))),
            "dead" => drop(refuse(store, &row)),
            _ => {}
        }
        let undo = plant.undo(&row);
        keep(store, &plant.agent, &[&undo]);
        let annulled = |with: &Made| {
            State::Settled(Outcome::Annulled {
                with: with.id.clone(),
            })
        };
        assert_eq!(state(store, &row), annulled(&undo), "{state_before}");
        assert_eq!(state(store, &undo), annulled(&row), "{state_before}");
    }
    assert_eq!(store.floors(&plant.agent).unwrap()[0].settled.sequence, 6);
}

pub fn an_undo_in_the_frame_of_its_original_annuls_both(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    let undo = plant.undo(&row);
    keep(store, &plant.agent, &[&row, &undo]);
    assert_eq!(
        (word(&state(store, &row)), word(&state(store, &undo))),
        ("annulled", "annulled")
    );
}

pub fn an_undo_that_arrives_first_waits_for_its_original(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    let undo = plant.undo(&row);
    keep(store, &plant.agent, &[&undo]);
    assert_eq!(state(store, &undo), State::Waiting { ready: false });
    keep(store, &plant.agent, &[&row]);
    assert_eq!(
        (word(&state(store, &row)), word(&state(store, &undo))),
        ("annulled", "annulled")
    );
}

pub fn an_undo_finds_its_original_in_the_middle_of_a_frame(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..3).map(|_| plant.make(PARKS, &["order:a"])).collect();
    let undo = plant.undo(&rows[1]);
    keep(store, &plant.agent, &[&undo]);
    keep(store, &plant.agent, &rows.iter().collect::<Vec<_>>());
    assert_eq!(
        (word(&state(store, &rows[1])), word(&state(store, &undo))),
        ("annulled", "annulled")
    );
}

pub fn an_undo_of_a_sent_message_waits_for_the_outcome(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let ends: [(Change, &str, &str); 4] = [
        (Change::Settle(applied(3)), "applied", why::UNDO_APPLIED),
        (Change::Dead(Reason::new("refused", "no")), "annulled", "annulled"),
        (Change::Return, "annulled", "annulled"),
        (hold("stock", None), "annulled", "annulled"),
    ];
    for (n, (end, original, undone)) in ends.into_iter().enumerate() {
        let row = plant.make(PARKS, &[&format!("order:{n}")]);
        keep(store, &plant.agent, &[&row]);
        make(store, &row, Change::Send);
        let undo = plant.undo(&row);
        keep(store, &plant.agent, &[&undo]);
        assert_eq!(state(store, &undo), State::Waiting { ready: false });
        make(store, &row, end.clone());
        assert_eq!(
            (word(&state(store, &row)), word(&state(store, &undo))),
            (original, undone),
            "{end:?}"
        );
    }
}

pub fn an_undo_of_an_applied_message_is_held_and_names_the_record(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    keep(store, &plant.agent, &[&row]);
    apply(store, &row);
    let undo = plant.undo(&row);
    keep(store, &plant.agent, &[&undo]);
    let State::Held(hold) = state(store, &undo) else {
        panic!("not held")
    };
    assert_eq!(hold.reason.code, why::UNDO_APPLIED);
    assert!(hold.reason.text.contains("WH/MO/7"), "{hold:?}");
    // A person lets the opposite movement happen.
    assert_eq!(
        make(store, &undo, Change::Release),
        State::Waiting { ready: true }
    );
}

pub fn an_undo_that_a_person_let_go_on_is_not_held_again(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    let between = plant.make(PARKS, &["order:a"]);
    let undo = plant.undo(&row);
    keep(store, &plant.agent, &[&row]);
    apply(store, &row);
    keep(store, &plant.agent, &[&undo]);
    assert_eq!(
        make(store, &undo, Change::Release),
        State::Waiting { ready: false }
    );
    keep(store, &plant.agent, &[&between]);
    apply(store, &between);
    assert_eq!(state(store, &undo), State::Waiting { ready: true });
}

pub fn an_undo_of_a_discarded_message_has_nothing_to_undo(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    keep(store, &plant.agent, &[&row]);
    make(store, &row, discard());
    let undo = plant.undo(&row);
    keep(store, &plant.agent, &[&undo]);
    assert_eq!(state(store, &undo), State::Waiting { ready: false });
    make(
        store,
        &row,
        Change::Settle(Outcome::Discarded {
            by: "anna".into(),
            reason: "entered by hand".into(),
        }),
    );
    assert_eq!(word(&state(store, &undo)), "annulled");
}

pub fn an_undo_of_an_undo_or_of_another_agents_message_is_a_dead_letter(store: &mut impl Store) {
    let (mut plant, mut other) = (Plant::new("plant-1", 1), Plant::new("plant-2", 1));
    let row = plant.make(PARKS, &["order:a"]);
    let undo = plant.undo(&row);
    let undo_of_undo = plant.undo(&undo);
    keep(store, &plant.agent, &[&row, &undo, &undo_of_undo]);
    assert_eq!(word(&state(store, &undo_of_undo)), why::UNDO_UNKNOWN);
    let foreign = other.undo(&row);
    keep(store, &other.agent, &[&foreign]);
    assert_eq!(word(&state(store, &foreign)), why::UNDO_UNKNOWN);
}

pub fn an_undo_finds_its_original_where_it_was_moved(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    let undo = plant.undo(&row);
    plant.cut(2);
    let moved = plant.move_here(&row);
    keep(store, &plant.agent, &[&undo]);
    keep(store, &plant.agent, &[&moved]);
    assert_eq!(
        (word(&state(store, &moved)), word(&state(store, &undo))),
        ("annulled", "annulled")
    );
}

pub fn an_undo_of_what_settled_before_this_store_is_held_until_a_person_lets_it_go_on(
    store: &mut impl Store,
) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    let undo = plant.undo(&row);
    keep(store, &plant.agent, &[&undo]);
    let gap = super::gaps::gap_of(
        &plant,
        std::slice::from_ref(&row),
        1,
        1,
        crate::store::GapKind::Settled,
    );
    store.declare(&plant.agent, &[gap], 5).unwrap();
    assert_eq!(word(&state(store, &undo)), why::UNDO_APPLIED);
    say_hello(store, &plant);
    make(store, &undo, Change::Dead(Reason::new("refused", "no")));
    assert_eq!(make(store, &undo, retry()), State::Waiting { ready: true });
}

pub fn what_waits_behind_an_annulled_pair_is_released(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    let behind = plant.make(PARKS, &["order:a"]);
    let undo = plant.undo(&row);
    keep(store, &plant.agent, &[&row, &behind]);
    refuse(store, &row);
    assert_eq!(state(store, &behind), State::Waiting { ready: false });
    keep(store, &plant.agent, &[&undo]);
    assert_eq!(ready(store, &plant.agent), ids(&[&behind]));
}

pub fn a_dead_undo_that_is_tried_again_still_waits_for_its_original(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let mut clone = plant.clone();
    let (mine, theirs) = (plant.make(PARKS, &["order:b"]), clone.make(PARKS, &["order:a"]));
    let between = clone.make(PARKS, &["order:c"]);
    let undo = clone.undo(&theirs);
    keep(store, &plant.agent, &[&mine]);
    apply(store, &mine);
    keep(store, &clone.agent, &[&undo]);
    make(
        store,
        &undo,
        Change::Dead(Reason::new("refused", "a rule says no")),
    );
    keep(store, &clone.agent, &[&between]);
    make(store, &between, discard());
    make(store, &between, Change::Settle(discarded()));
    acknowledge_all(store, &plant);
    assert_eq!(store.prune(i64::MAX, 100).unwrap(), 1);
    assert_eq!(
        word(&state(store, &mine)),
        "applied",
        "it is the other one that was pruned"
    );
    assert_eq!(make(store, &undo, retry()), State::Waiting { ready: false });
    keep(store, &clone.agent, &[&theirs]);
    assert_eq!(
        (word(&state(store, &theirs)), word(&state(store, &undo))),
        ("annulled", "annulled")
    );
}

pub fn an_undo_annuls_a_conflict_that_a_later_message_has_passed(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let mut clone = plant.clone();
    let (mine, count) = (plant.make(PARKS, &["order:b"]), clone.make(PASSES, &["order:a"]));
    clone.free("order:a");
    let (later, undo) = (clone.make(PASSES, &["order:a"]), clone.undo(&count));
    keep(store, &plant.agent, &[&mine]);
    keep(store, &clone.agent, &[&later, &undo]);
    apply(store, &later);
    assert_eq!(keep(store, &clone.agent, &[&count]).conflicts, [1]);
    assert_eq!(
        (word(&state(store, &count)), word(&state(store, &undo))),
        ("annulled", "annulled")
    );
}

pub fn a_moved_undo_that_names_a_loss_it_was_part_of_is_annulled_once(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let mut rows = vec![plant.make(PARKS, &["order:a"]), plant.make(PARKS, &["order:a"])];
    rows.push(plant.undo(&rows[0]));
    let gap = super::gaps::gap_of(&plant, &rows, 2, 3, crate::store::GapKind::Lost);
    store.declare(&plant.agent, &[gap], 5).unwrap();
    keep(store, &plant.agent, &[&rows[0]]);
    plant.cut(2);
    let moved = plant.move_here(&rows[2]);
    keep(store, &plant.agent, &[&moved]);
    assert_eq!(
        (word(&state(store, &rows[0])), word(&state(store, &moved))),
        ("annulled", "annulled")
    );
    let trace = store.trace(slot(store, &moved)).unwrap();
    assert_eq!(trace.iter().filter(|record| record.what == "annul").count(), 1);
}
