//! Nothing twice, nothing hidden: what is known is recognised, what differs is kept beside.

use crate::ident::Lane;
use crate::store::inbox::{Arrival, RANGES, Refusal, State, StateName, Taken, Told, why};

use super::kit::*;

pub fn what_is_known_is_recognised_and_adds_nothing(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..5)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    let all: Vec<&Made> = rows.iter().collect();
    assert_eq!(keep(store, &plant.agent, &all).fresh, 5);
    let again = keep(store, &plant.agent, &all);
    assert_eq!((again.fresh, again.known), (0, 5));
    let overlap = keep(store, &plant.agent, &all[2..4]);
    assert_eq!((overlap.fresh, overlap.known), (0, 2));
    assert_eq!(ready(store, &plant.agent).len(), 5);
}

pub fn rows_out_of_order_are_kept_and_the_floor_follows_with_its_digest(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..9)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    keep(store, &plant.agent, &[&rows[0], &rows[1]]);
    keep(store, &plant.agent, &[&rows[4], &rows[5]]);
    keep(store, &plant.agent, &[&rows[8]]);
    let floors = store.floors(&plant.agent).unwrap();
    assert_eq!(
        (floors[0].stored.sequence, floors[0].stored.running),
        (2, rows[1].running)
    );
    assert_eq!(floors[0].ranges, [(5, 6), (9, 9)]);
    keep(store, &plant.agent, &[&rows[2], &rows[3]]);
    let floors = store.floors(&plant.agent).unwrap();
    assert_eq!(
        (floors[0].stored.sequence, floors[0].stored.running),
        (6, rows[5].running)
    );
    assert_eq!(floors[0].ranges, [(9, 9)]);
    assert_eq!(floors[0].diverged, None);
}

pub fn other_content_at_a_position_is_kept_beside_as_a_conflict(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let first = plant.make(PARKS, &["order:a"]);
    let mut clone = plant.clone();
    let mine = plant.make(PARKS, &["order:b"]);
    let theirs = clone.make(PARKS, &["order:c"]);
    keep(store, &plant.agent, &[&first, &mine]);
    let kept = keep(store, &plant.agent, &[&first, &theirs]);
    assert_eq!((kept.known, kept.conflicts.as_slice()), (1, [2].as_slice()));
    let dead = item(store, &theirs);
    assert_eq!(word(&dead.entry.state), why::CONFLICT);
    assert_eq!(
        (dead.entry.beside, dead.sealed.as_slice()),
        (true, theirs.sealed.bytes.as_slice())
    );
    assert_eq!(state(store, &mine), State::Waiting { ready: true });
    // Sent again it is a conflict still, or its agent would never move it; and it is news for who has it.
    let again = keep(store, &plant.agent, &[&theirs]);
    assert_eq!((again.known, again.conflicts.as_slice()), (0, [2].as_slice()));
    let news = store.news(&plant.agent, 0, 10).unwrap();
    assert_eq!(news.len(), 1);
    assert_eq!(news[0].id, theirs.id);
    assert!(matches!(&news[0].told, Told::Dead(reason) if reason.code == why::CONFLICT));
}

pub fn bytes_that_are_no_envelope_are_kept_as_a_dead_letter_and_harm_no_neighbour(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..3)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    let mut frame = plant.frame(&rows.iter().collect::<Vec<_>>());
    frame.rows[1] = b"no envelope at all".to_vec();
    let Some(Taken::Kept(kept)) = store.take(&[frame]).unwrap().pop() else {
        panic!("refused")
    };
    assert_eq!((kept.fresh, kept.undecodable.as_slice()), (3, [2].as_slice()));
    assert_eq!(ready(store, &plant.agent).len(), 2);
    let dead = crate::store::inbox::Filter {
        states: vec![StateName::Dead],
        ..everything()
    };
    let dead = store.list(&dead, None, 10).unwrap();
    assert_eq!(word(&dead[0].state), why::UNDECODABLE);
    let whole = store.get(dead[0].ticket.slot).unwrap().unwrap();
    assert_eq!(
        (whole.sealed.as_slice(), whole.envelope),
        (b"no envelope at all".as_slice(), None)
    );
}

pub fn a_frame_that_breaks_a_bound_is_refused_and_its_neighbours_are_kept(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    let good = plant.frame(&[&row]);
    let broken = [
        Arrival {
            first: 0,
            ..good.clone()
        },
        Arrival {
            rows: Vec::new(),
            ..good.clone()
        },
        Arrival {
            rows: vec![vec![0; 300 * 1024]],
            ..good.clone()
        },
        Arrival {
            first: u64::MAX,
            ..good.clone()
        },
    ];
    let all: Vec<Arrival> = broken.into_iter().chain([good]).collect();
    let taken = store.take(&all).unwrap();
    assert_eq!(taken[..4], [const { Taken::Refused(Refusal::Malformed) }; 4]);
    assert!(matches!(&taken[4], Taken::Kept(kept) if kept.fresh == 1));
}

pub fn one_range_too_many_is_refused_but_what_fills_a_hole_never_is(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let count = 2 * RANGES + 4;
    let rows: Vec<Made> = (0..count)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    for index in (1..=2 * RANGES).step_by(2) {
        keep(store, &plant.agent, &[&rows[index]]);
    }
    let beyond = plant.frame(&[&rows[2 * RANGES + 1]]);
    assert_eq!(
        store.take(std::slice::from_ref(&beyond)).unwrap(),
        [Taken::Refused(Refusal::Ranges)]
    );
    assert_eq!(keep(store, &plant.agent, &[&rows[2]]).fresh, 1);
    assert!(matches!(store.take(&[beyond]).unwrap()[0], Taken::Kept(_)));
}

pub fn a_sender_whose_log_is_another_one_is_seen(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let mut clone = plant.clone();
    let mine = plant.make(PARKS, &["order:a"]);
    clone.make(PARKS, &["order:b"]);
    let theirs = clone.make(PARKS, &["order:c"]);
    keep(store, &plant.agent, &[&mine]);
    assert!(keep(store, &plant.agent, &[&theirs]).diverged);
    assert_eq!(store.floors(&plant.agent).unwrap()[0].diverged, Some(2));
}

pub fn a_log_that_differs_below_a_hole_is_seen_when_the_hole_is_filled(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let mut clone = plant.clone();
    let mine = plant.make(PARKS, &["order:a"]);
    clone.make(PARKS, &["order:b"]);
    let theirs = clone.make(PARKS, &["order:c"]);
    assert!(!keep(store, &plant.agent, &[&theirs]).diverged);
    keep(store, &plant.agent, &[&mine]);
    assert_eq!(store.floors(&plant.agent).unwrap()[0].diverged, Some(2));
}

pub fn lanes_and_agents_do_not_mix(store: &mut impl Store) {
    let (mut one, mut two) = (Plant::new("plant-1", 1), Plant::new("plant-2", 1));
    let a = one.make_in(Lane::Critical, PARKS, &["order:a"], |_| {});
    let b = one.make(PARKS, &["order:b"]);
    let c = two.make(PARKS, &["order:c"]);
    keep(store, &one.agent, &[&a]);
    keep(store, &one.agent, &[&b]);
    keep(store, &two.agent, &[&c]);
    assert_eq!(store.floors(&one.agent).unwrap().len(), 2);
    assert_eq!(ready(store, &one.agent), ids(&[&b]));
    assert_eq!(ready(store, &two.agent), ids(&[&c]));
    assert_eq!(
        store.agents().unwrap(),
        vec![one.agent.clone(), two.agent.clone()]
    );
}

pub fn a_key_that_a_second_agent_uses_is_reported_and_blocks_nothing(store: &mut impl Store) {
    let (mut one, mut two) = (Plant::new("plant-1", 1), Plant::new("plant-2", 1));
    let (a, b) = (one.make(PARKS, &["order:a"]), two.make(PARKS, &["order:a"]));
    keep(store, &one.agent, &[&a]);
    assert!(store.shared_keys(10).unwrap().is_empty());
    keep(store, &two.agent, &[&b]);
    let shared = store.shared_keys(10).unwrap();
    assert_eq!(shared.len(), 1);
    assert_eq!((shared[0].key.as_str(), &shared[0].seen_in), ("order:a", &b.id));
    assert_eq!(shared[0].agents, vec![one.agent.clone(), two.agent.clone()]);
    assert_eq!(ready(store, &two.agent), ids(&[&b]));
}
