//! The flow's changes: claimed once, recorded, found again.

use crate::ident::Lane;
use crate::message::Key;
use crate::outcome::Reason;
use crate::store::inbox::{Balance, Change, Filter, GroupBy, Request, State, StateName, Told, Verdict};

use super::dedup::gap_of;
use super::kit::*;

pub fn two_workers_cannot_both_intend_one_message(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    keep(store, &plant.agent, &[&row]);
    let seen = item(store, &row).entry.ticket;
    let send = [Request {
        ticket: seen,
        change: Change::Send,
    }];
    assert!(matches!(
        store.change(&send, "one", 1).unwrap()[0],
        Verdict::Done(_, State::Sent)
    ));
    assert_eq!(store.change(&send, "two", 1).unwrap(), [Verdict::Stale]);
}

pub fn a_message_that_waits_for_another_cannot_be_sent(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let (one, two) = (plant.make(PARKS, &["order:a"]), plant.make(PARKS, &["order:a"]));
    keep(store, &plant.agent, &[&one, &two]);
    assert!(matches!(ask(store, &two, Change::Send), Verdict::Refused(text) if text.contains("waits")));
}

pub fn a_refused_request_harms_no_neighbour(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..3)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    keep(store, &plant.agent, &rows.iter().collect::<Vec<_>>());
    let request = |row: &Made, change| Request {
        ticket: item(store, row).entry.ticket,
        change,
    };
    let requests = [
        request(&rows[0], Change::Send),
        request(&rows[1], Change::Release),
        request(&rows[2], Change::Send),
    ];
    let verdicts = store.change(&requests, "flow", 1).unwrap();
    assert!(matches!(verdicts[1], Verdict::Refused(_)));
    assert_eq!(
        [state(store, &rows[0]), state(store, &rows[2])],
        [State::Sent, State::Sent]
    );
}

pub fn intents_without_outcome_are_found_after_a_start(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..3)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    keep(store, &plant.agent, &rows.iter().collect::<Vec<_>>());
    make(store, &rows[0], discard());
    make(store, &rows[2], Change::Send);
    let sent = store.sent(None, 10).unwrap();
    assert_eq!(
        sent.iter()
            .map(|item| item.entry.state.name())
            .collect::<Vec<_>>(),
        [StateName::Voiding, StateName::Sent]
    );
    assert_eq!(sent[1].envelope.as_ref(), Some(&rows[2].envelope));
    assert_eq!(store.sent(Some(sent[0].entry.ticket.slot), 10).unwrap().len(), 1);
    make(store, &rows[0], Change::Settle(applied(1)));
    assert_eq!(word(&state(store, &rows[0])), "applied", "done wins over discard");
}

pub fn an_amended_message_keeps_its_original_beside_the_new_body(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:O"]);
    keep(store, &plant.agent, &[&row]);
    refuse(store, &row);
    let amend = |body: &str| Change::Amend {
        body: body.into(),
        reason: "the order was cancelled".into(),
    };
    assert!(matches!(ask(store, &row, amend("{}")), Verdict::Refused(_)));
    let body = r#"{"order":"P","quantity":{"value":"2"}}"#;
    assert_eq!(make(store, &row, amend(body)), State::Waiting { ready: true });
    let item = item(store, &row);
    assert_eq!((item.entry.attempt, item.entry.amended), (2, 1));
    assert_eq!(item.body(), Some(body));
    assert_eq!(item.envelope.unwrap().body, row.envelope.body);
    let record = store.trace(item.entry.ticket.slot).unwrap().pop().unwrap();
    assert_eq!((record.who.as_str(), record.what.as_str()), ("anna", "amend"));
    assert!(record.detail.contains("cancelled"));
}

pub fn an_amended_message_waits_for_the_keys_that_it_gained(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let first = plant.make(PARKS, &["order:P"]);
    let row = plant.make(PARKS, &["order:O"]);
    let later = plant.make(PARKS, &["order:P"]);
    keep(store, &plant.agent, &[&first, &row, &later]);
    refuse(store, &row);
    let change = Change::Amend {
        body: r#"{"order":"P","quantity":{"value":"2"}}"#.into(),
        reason: "other order".into(),
    };
    assert_eq!(make(store, &row, change), State::Waiting { ready: false });
    apply(store, &first);
    assert_eq!(ready(store, &plant.agent), ids(&[&row]));
    apply(store, &row);
    assert_eq!(ready(store, &plant.agent), ids(&[&later]));
}

pub fn all_that_is_held_for_one_thing_is_released_together(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..4)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    keep(store, &plant.agent, &rows.iter().collect::<Vec<_>>());
    for row in &rows[..3] {
        make(store, row, hold("unknown-code", Some("item:4711")));
    }
    make(store, &rows[3], hold("unknown-code", Some("item:9")));
    let held = Filter {
        states: vec![StateName::Held],
        subject: Some("item:4711".into()),
        ..everything()
    };
    assert_eq!(
        store.counts(&held, GroupBy::Subject).unwrap(),
        [("item:4711".to_owned(), 3)]
    );
    let done = store
        .change_where(&held, None, &Change::Release, 100, "flow", 9)
        .unwrap();
    assert_eq!((done.changed, done.next), (3, None));
    assert_eq!(ready(store, &plant.agent).len(), 3);
}

pub fn a_bulk_change_goes_on_where_it_stopped(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..7)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    keep(store, &plant.agent, &rows.iter().collect::<Vec<_>>());
    let (mut after, mut changed) = (None, 0);
    loop {
        let done = store
            .change_where(&everything(), after, &hold("age", None), 3, "anna", 9)
            .unwrap();
        changed += done.changed;
        after = done.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(changed, 7);
    assert!(ready(store, &plant.agent).is_empty());
}

pub fn every_change_is_in_an_audit_whose_chain_is_whole(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    keep(store, &plant.agent, &[&row]);
    refuse(store, &row);
    make(store, &row, retry());
    apply(store, &row);
    let trace = store.trace(slot(store, &row)).unwrap();
    let told: Vec<(&str, &str, &str)> = trace
        .iter()
        .map(|record| {
            (
                record.what.as_str(),
                record.before.as_str(),
                record.after.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("store", "", "stored"),
            ("send", "ready", "sent"),
            ("dead", "sent", "dead"),
            ("retry", "dead", "behind"),
            ("send", "ready", "sent"),
            ("settle", "sent", "settled"),
        ]
    );
    assert!(trace[5].detail.contains("mrp.production 7"));
    let head = store.audit_verify().unwrap();
    assert_eq!(head.number, 6);
    assert_eq!(store.audit(4, 10).unwrap().len(), 2);
}

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
