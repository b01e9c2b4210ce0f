//! What the link and people are told: news, sums, and what is found; and what is not kept for ever.

use crate::ident::Lane;
use crate::message::Key;
use crate::outcome::Reason;
use crate::store::inbox::{Balance, Change, Filter, GroupBy, StateName, Told};

use super::gaps::gap_of;
use super::kit::*;

pub fn news_is_repeated_and_paged_and_tells_the_newest_of_each(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..3)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    keep(store, &plant.agent, &rows.iter().collect::<Vec<_>>());
    refuse(store, &rows[0]);
    apply(store, &rows[1]);
    refuse(store, &rows[2]);
    make(store, &rows[0], retry());
    let first = store.news(&plant.agent, 0, 2).unwrap();
    let rest = store.news(&plant.agent, first[1].change, 10).unwrap();
    let told: Vec<(&crate::ident::MessageId, &Told)> = first
        .iter()
        .chain(&rest)
        .map(|note| (&note.id, &note.told))
        .collect();
    assert_eq!(told[0], (&rows[1].id, &Told::Settled(applied(7))));
    assert!(matches!(told[1], (id, Told::Dead(_)) if *id == rows[2].id));
    assert_eq!(told[2], (&rows[0].id, &Told::Reopened));
    assert_eq!(store.news(&plant.agent, 0, 10).unwrap().len(), 3, "repeated");
}

pub fn only_what_is_settled_acknowledged_and_old_is_pruned(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..4)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    keep(store, &plant.agent, &rows.iter().collect::<Vec<_>>());
    for row in [&rows[0], &rows[1], &rows[3]] {
        apply(store, row);
    }
    assert_eq!(store.prune(9_000, 100).unwrap(), 0, "not acknowledged");
    store
        .acknowledge(&plant.agent, plant.epoch, Lane::Normal, 99)
        .unwrap();
    assert_eq!(
        store.floors(&plant.agent).unwrap()[0].acknowledged,
        2,
        "never beyond the settled floor"
    );
    assert_eq!(store.prune(2_000, 100).unwrap(), 0, "not old enough");
    assert_eq!(store.prune(9_000, 1).unwrap(), 1);
    assert_eq!(store.prune(9_000, 100).unwrap(), 1);
    assert_eq!(store.find(&rows[0].id).unwrap(), None);
    assert!(store.find(&rows[3].id).unwrap().is_some());
    assert_eq!(store.floors(&plant.agent).unwrap()[0].settled.sequence, 2);
    assert_eq!(
        keep(store, &plant.agent, &[&rows[0]]).late,
        [1],
        "nothing is left to compare it with"
    );
}

pub fn the_balance_adds_up_at_every_cut(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..10)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    let all: Vec<&Made> = rows.iter().collect();
    keep(store, &plant.agent, &all[..6]);
    keep(store, &plant.agent, &all[9..]);
    store
        .declare(
            &plant.agent,
            &[gap_of(&plant, &rows, 7, 8, crate::store::inbox::GapKind::Lost)],
            1,
        )
        .unwrap();
    apply(store, &rows[0]);
    refuse(store, &rows[1]);
    make(store, &rows[2], hold("person", None));
    make(store, &rows[3], Change::Send);
    make(store, &rows[4], discard());
    apply(store, &rows[9]);
    for cut in 0..=10 {
        let balance = store
            .balance(&plant.agent, plant.epoch, Lane::Normal, cut)
            .unwrap();
        let Balance {
            settled,
            dead,
            held,
            waiting,
            sent,
            voiding,
            missing,
            ..
        } = balance;
        assert_eq!(settled + dead + held + waiting + sent + voiding + missing, cut);
        if cut == 10 {
            assert_eq!(
                [settled, dead, held, waiting, sent, voiding, missing],
                [2, 3, 1, 1, 1, 1, 1]
            );
        }
    }
    let backlog = store.backlog().unwrap().pop().unwrap();
    assert_eq!(
        (backlog.settled, backlog.dead, backlog.held, backlog.sent),
        (2, 2, 1, 2)
    );
    assert_eq!((backlog.waiting, backlog.ready), (1, 1));
    assert_eq!(backlog.oldest_captured_ms, Some(0), "the loss");
}

pub fn messages_are_found_by_what_people_know_of_them(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let mut other = Plant::new("plant-2", 1);
    let rows: Vec<Made> = (0..6)
        .map(|n| plant.make(PARKS, &[&format!("order:{}", n % 3)]))
        .collect();
    let count = other.make_in(Lane::Bulk, PASSES, &["item:a"], |envelope| {
        envelope.capture.station = Some("S9".into());
    });
    keep(store, &plant.agent, &rows.iter().collect::<Vec<_>>());
    keep(store, &other.agent, &[&count]);
    make(store, &rows[0], Change::Dead(Reason::new("unknown-code", "x")));
    make(store, &rows[1], hold("stock", None));
    let names = |filter: Filter| -> Vec<_> {
        let found = store.list(&filter, None, 100).unwrap();
        found.into_iter().filter_map(|entry| entry.id).collect()
    };
    assert_eq!(
        names(Filter {
            keys: vec![Key::from_text("order:1".into())],
            ..everything()
        }),
        ids(&[&rows[1], &rows[4]])
    );
    assert_eq!(
        names(Filter {
            stations: vec!["S9".into()],
            ..everything()
        }),
        ids(&[&count])
    );
    assert_eq!(
        names(Filter {
            lanes: vec![Lane::Bulk],
            ..everything()
        }),
        ids(&[&count])
    );
    assert_eq!(
        names(Filter {
            kinds: vec![PASSES.into()],
            ..everything()
        }),
        ids(&[&count])
    );
    assert_eq!(
        names(Filter {
            agents: vec![other.agent.clone()],
            ..everything()
        }),
        ids(&[&count])
    );
    assert_eq!(
        names(Filter {
            reasons: vec!["unknown-code".into()],
            ..everything()
        }),
        ids(&[&rows[0]])
    );
    assert_eq!(
        names(Filter {
            states: vec![StateName::Dead, StateName::Held],
            ..everything()
        }),
        ids(&[&rows[0], &rows[1]])
    );
    let window = Filter {
        captured_from_ms: Some(2_000),
        captured_before_ms: Some(4_000),
        agents: vec![plant.agent.clone()],
        ..everything()
    };
    assert_eq!(names(window), ids(&[&rows[1], &rows[2]]));
    assert_eq!(
        names(Filter {
            operators: vec!["B0".into()],
            ..everything()
        }),
        ids(&[&rows[2], &rows[5]])
    );
}

pub fn messages_are_counted_by_state_and_station(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..6)
        .map(|n| plant.make(PARKS, &[&format!("order:{}", n % 3)]))
        .collect();
    keep(store, &plant.agent, &rows.iter().collect::<Vec<_>>());
    make(store, &rows[0], Change::Dead(Reason::new("unknown-code", "x")));
    make(store, &rows[1], hold("stock", None));
    assert_eq!(
        store.counts(&everything(), GroupBy::State).unwrap(),
        [
            ("behind".to_owned(), 3),
            ("dead".to_owned(), 1),
            ("held".to_owned(), 1),
            ("ready".to_owned(), 1),
        ]
    );
    assert_eq!(
        store.counts(&everything(), GroupBy::Station).unwrap()[0],
        ("S1".to_owned(), 6)
    );
}
