//! The flow's changes: claimed once, recorded, found again.

use crate::outcome::Outcome;
use crate::store::inbox::{Change, Filter, GroupBy, Request, State, StateName, Verdict};

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

pub fn what_is_replayed_goes_before_what_comes_after_it(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..3).map(|_| plant.make(PARKS, &["order:a"])).collect();
    keep(store, &plant.agent, &rows.iter().collect::<Vec<_>>());
    apply(store, &rows[0]);
    apply(store, &rows[1]);
    assert_eq!(ready(store, &plant.agent), ids(&[&rows[2]]));
    make(store, &rows[1], Change::Replay);
    make(store, &rows[0], Change::Replay);
    assert_eq!(ready(store, &plant.agent), ids(&[&rows[0]]));
    assert_eq!(item(store, &rows[0]).entry.attempt, 1);
    for row in &rows {
        assert_eq!(ready(store, &plant.agent), ids(&[row]));
        apply(store, row);
    }
    make(store, &rows[0], Change::Replay);
    make(store, &rows[0], Change::Send);
    let verdict = ask(store, &rows[1], Change::Replay);
    assert!(
        matches!(verdict, Verdict::Done(..)),
        "nothing behind it is under way"
    );
}

pub fn a_discard_is_replayed_as_one_and_nothing_else_that_is_settled_is_replayed(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    let behind = plant.make(PARKS, &["order:a"]);
    keep(store, &plant.agent, &[&row, &behind]);
    make(store, &row, discard());
    make(store, &row, Change::Settle(discarded()));
    assert!(matches!(make(store, &row, Change::Replay), State::Voiding { .. }));
    make(store, &row, Change::Settle(discarded()));
    make(store, &behind, Change::Send);
    let verdict = ask(store, &row, Change::Replay);
    assert!(matches!(verdict, Verdict::Refused(text) if text.contains("being sent")));
    let superseded = Outcome::Superseded { by: None };
    make(store, &behind, Change::Settle(superseded));
    assert!(matches!(ask(store, &behind, Change::Replay), Verdict::Refused(_)));
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
