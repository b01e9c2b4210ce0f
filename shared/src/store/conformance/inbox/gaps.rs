//! Positions that will never come: they are stepped over, what was lost is a dead letter, and no floor says more than is
//! here.

use crate::ident::Lane;
use crate::store::inbox::{Entry, Filter, Gap, GapKind, State, StateName, why};

use super::kit::*;

/// Otherwise the twin would take its own second row for stored, where the plant's stands.
pub fn a_gap_of_a_log_that_differs_makes_no_floor_agree_with_it(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let shared = plant.make(PARKS, &["order:a"]);
    let mut twin = plant.clone();
    let mine = plant.make(PARKS, &["order:b"]);
    let theirs = [(); 4].map(|()| twin.make(PARKS, &["order:c"]));
    let rows: Vec<Made> = [std::slice::from_ref(&shared), &theirs[..]].concat();
    // The twin's second row is on its way when what is behind it is here already.
    keep(store, &plant.agent, &[&shared]);
    keep(store, &plant.agent, &[&theirs[1]]);
    let gap = gap_of(&twin, &rows, 4, 4, GapKind::Lost);
    store.declare(&plant.agent, &[gap], 5_000).unwrap();
    keep(store, &plant.agent, &[&theirs[3]]);
    keep(store, &plant.agent, &[&mine]);
    let floors = &store.floors(&plant.agent).unwrap()[0];
    assert_eq!((floors.stored.sequence, floors.diverged), (5, Some(3)));
    assert_ne!(floors.stored.running, rows[4].running);
}

pub fn lost_positions_become_one_dead_letter_and_the_floor_passes_them(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..6)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    keep(store, &plant.agent, &[&rows[0]]);
    keep(store, &plant.agent, &[&rows[3], &rows[4], &rows[5]]);
    let gap = gap_of(&plant, &rows, 2, 3, GapKind::Lost);
    store.declare(&plant.agent, &[gap], 5_000).unwrap();
    store.declare(&plant.agent, &[gap], 5_000).unwrap();
    let floors = store.floors(&plant.agent).unwrap();
    assert_eq!(
        (floors[0].stored.sequence, floors[0].stored.running),
        (6, rows[5].running)
    );
    assert_eq!(floors[0].diverged, None);
    let dead = list_dead(store);
    assert_eq!(dead.len(), 1);
    assert_eq!(
        (dead[0].position.sequence, dead[0].last, word(&dead[0].state)),
        (2, 3, why::LOST)
    );
    assert_eq!(dead[0].id, None);
}

pub fn a_declared_loss_of_what_is_here_is_ignored(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..4)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    keep(store, &plant.agent, &[&rows[1]]);
    store
        .declare(&plant.agent, &[gap_of(&plant, &rows, 1, 3, GapKind::Lost)], 5_000)
        .unwrap();
    assert_eq!(state(store, &rows[1]), State::Waiting { ready: true });
    let dead: Vec<(u64, u64)> = list_dead(store)
        .iter()
        .map(|entry| (entry.position.sequence, entry.last))
        .collect();
    assert_eq!(dead, [(1, 1), (3, 3)]);
    assert_eq!(
        store.floors(&plant.agent).unwrap()[0].stored.running,
        rows[2].running
    );
}

pub fn content_for_a_lost_position_is_kept_as_late(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..2)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    store
        .declare(&plant.agent, &[gap_of(&plant, &rows, 1, 2, GapKind::Lost)], 5_000)
        .unwrap();
    let kept = keep(store, &plant.agent, &[&rows[0]]);
    assert_eq!(kept.late, [1]);
    assert_eq!(word(&state(store, &rows[0])), why::LATE);
    assert_eq!(keep(store, &plant.agent, &[&rows[0]]).known, 1);
    make(store, &rows[0], retry());
    assert_eq!(ready(store, &plant.agent), ids(&[&rows[0]]));
}

pub fn positions_that_settled_before_this_store_are_stepped_over(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..6).map(|_| plant.make(PARKS, &["order:a"])).collect();
    keep(store, &plant.agent, &[&rows[4], &rows[5]]);
    assert!(ready(store, &plant.agent).is_empty());
    store
        .declare(
            &plant.agent,
            &[gap_of(&plant, &rows, 1, 4, GapKind::Settled)],
            5_000,
        )
        .unwrap();
    say_hello(store, &plant);
    assert_eq!(ready(store, &plant.agent), ids(&[&rows[4]]));
    let floors = &store.floors(&plant.agent).unwrap()[0];
    assert_eq!((floors.stored.sequence, floors.settled.sequence), (6, 4));
    assert_eq!(
        (floors.stored.running, floors.settled.running),
        (rows[5].running, rows[3].running)
    );
    assert!(list_dead(store).is_empty());
}

/// A gap with the running digest that the plant knows.
pub fn gap_of(plant: &Plant, rows: &[Made], from: usize, to: usize, kind: GapKind) -> Gap {
    Gap {
        epoch: plant.epoch,
        lane: Lane::Normal,
        from: from as u64,
        to: to as u64,
        before: Some(rows[from - 1].before),
        running: rows[to - 1].running,
        kind,
    }
}

pub fn list_dead(store: &impl Store) -> Vec<Entry> {
    let dead = Filter {
        states: vec![StateName::Dead],
        ..everything()
    };
    store.list(&dead, None, 1000).unwrap()
}
