//! What each order does to the messages.

use millrace_relay::control::{Act, Order, Refusal, Which, holds};
use millrace_relay::flow::tenure::Term;
use millrace_relay::govern::{self, StandingHold};
use millrace_shared::store::inbox::{Filter, InboxView, StateName, Worklist};

use crate::kit::*;

fn hold(change: impl FnOnce(&mut StandingHold)) -> Order {
    let mut hold = StandingHold {
        reason: "outage".into(),
        ..StandingHold::default()
    };
    change(&mut hold);
    Order::Lay(hold)
}

#[test]
fn of_ten_held_receipts_five_are_discarded_and_the_rest_is_released_and_not_held_again() {
    let mut plant = Plant::new();
    let mut inbox = plant.inbox();
    let ids: Vec<_> = (0..10)
        .map(|n| plant.receive(&mut inbox, &format!("P{n}"), "dock-1"))
        .collect();
    let done = order(&mut inbox, hold(|hold| hold.older_than_minutes = Some(5))).unwrap();
    assert_eq!((done.holds, done.changed), (1, 10));
    let discard = Order::Change {
        which: Which {
            ids: ids[..5].to_vec(),
            ..Which::default()
        },
        act: Act::Discard {
            reason: "typed in by hand".into(),
        },
    };
    assert_eq!(order(&mut inbox, discard).unwrap().changed, 5);
    let released = order(
        &mut inbox,
        change(StateName::Held, Filter::default(), Act::Release),
    )
    .unwrap();
    assert_eq!((released.changed, released.holds), (5, 1));
    assert!(ids[..5].iter().all(|id| state(&inbox, id) == "voiding"));
    assert!(ids[5..].iter().all(|id| state(&inbox, id) == "ready"));
    let config = govern::older_than(&plant.agent, 5);
    assert!(config.catches(&item(&inbox, &ids[9])));
    assert_eq!(govern::free(&[config], &item(&inbox, &ids[9])), Ok(()));
}

#[test]
fn a_standing_hold_catches_what_arrives_later_until_it_is_lifted() {
    let mut plant = Plant::new();
    let mut inbox = plant.inbox();
    order(&mut inbox, hold(|hold| hold.station = Some("dock-1".into()))).unwrap();
    let (caught, free) = (
        plant.receive(&mut inbox, "P1", "dock-1"),
        plant.receive(&mut inbox, "P2", "dock-2"),
    );
    let standing = holds::standing(&inbox).unwrap();
    assert_eq!(standing[0].by, "anna");
    let held = govern::free(&standing, &item(&inbox, &caught)).unwrap_err();
    assert!(held.reason.text.contains("anna: outage"), "{}", held.reason.text);
    assert_eq!(govern::free(&standing, &item(&inbox, &free)), Ok(()));
    let elsewhere = Filter {
        stations: vec!["dock-2".into()],
        ..Filter::default()
    };
    order(&mut inbox, change(StateName::Held, elsewhere, Act::Release)).unwrap();
    assert_eq!(holds::standing(&inbox).unwrap().len(), 1);
    let here = Filter {
        stations: vec!["dock-1".into()],
        ..Filter::default()
    };
    assert_eq!(
        order(&mut inbox, change(StateName::Held, here, Act::Release))
            .unwrap()
            .holds,
        1
    );
    assert!(holds::standing(&inbox).unwrap().is_empty());
}

#[test]
fn a_wrong_lot_is_amended_and_tried_again_with_the_original_beside_it() {
    let mut plant = Plant::new();
    let mut inbox = plant.inbox();
    let id = plant.receive(&mut inbox, "P1", "dock-1");
    die(&mut inbox, &id, "refused");
    let amend = |field: &str, value: &str| Order::Amend {
        id: id.clone(),
        set: vec![(field.into(), value.into())],
        reason: "label of the next box".into(),
    };
    let wrong = order(&mut inbox, amend("quantity.value", "-1")).unwrap_err();
    assert!(
        matches!(&wrong, Refusal::Unsuited(text) if text.contains("negative")),
        "{wrong:?}"
    );
    assert_eq!(order(&mut inbox, amend("lot", "L2")).unwrap().changed, 1);
    let item = item(&inbox, &id);
    assert!(item.body().unwrap().contains("\"L2\""));
    assert!(item.envelope.unwrap().body.contains("\"L-P1\""));
    assert_eq!((item.entry.attempt, state(&inbox, &id)), (2, "ready"));
}

#[test]
fn a_bulk_order_stops_at_its_limit_and_says_that_there_is_more() {
    let mut plant = Plant::new();
    let mut inbox = plant.inbox();
    for n in 0..3 {
        let id = plant.receive(&mut inbox, &format!("P{n}"), "dock-1");
        die(&mut inbox, &id, "lot-missing");
    }
    let retry = Act::Retry {
        reason: "lots are there now".into(),
    };
    let Order::Change { mut which, act } = change(StateName::Dead, Filter::default(), retry) else {
        unreachable!()
    };
    which.limit = 2;
    let first = order(
        &mut inbox,
        Order::Change {
            which: which.clone(),
            act: act.clone(),
        },
    )
    .unwrap();
    assert_eq!((first.changed, first.more), (2, true));
    let second = order(&mut inbox, Order::Change { which, act }).unwrap();
    assert_eq!((second.changed, second.more), (1, false));
}

#[test]
fn what_does_not_suit_is_told_message_by_message_and_a_stranger_is_not_found() {
    let mut plant = Plant::new();
    let mut inbox = plant.inbox();
    let (dead, ready) = (
        plant.receive(&mut inbox, "P1", "dock-1"),
        plant.receive(&mut inbox, "P2", "dock-1"),
    );
    die(&mut inbox, &dead, "lot-missing");
    let retry = |ids: Vec<_>| Order::Change {
        which: Which {
            ids,
            ..Which::default()
        },
        act: Act::Retry {
            reason: "again".into(),
        },
    };
    let done = order(&mut inbox, retry(vec![dead, ready.clone()])).unwrap();
    assert_eq!((done.changed, done.refused), (1, 1));
    assert_eq!(done.refusals[0].0, ready.to_string());
    let mut stranger = ready;
    stranger.position.sequence = 99;
    assert!(matches!(
        order(&mut inbox, retry(vec![stranger])),
        Err(Refusal::NotFound(_))
    ));
}

#[test]
fn a_domain_is_resumed_with_whatever_its_target_has_now() {
    let plant = Plant::new();
    let mut inbox = plant.inbox();
    let resume = || Order::Resume {
        domain: "plant-a".into(),
    };
    assert!(matches!(order(&mut inbox, resume()), Err(Refusal::NotFound(_))));
    let term = Term {
        fence: 9,
        ..Term::default()
    };
    inbox
        .set_note(&Term::note("plant-a"), Some(&term.text()), None)
        .unwrap();
    order(&mut inbox, resume()).unwrap();
    let resumed = Term::load(&inbox, "plant-a").unwrap().unwrap();
    assert_eq!((resumed.fence, resumed.seen, resumed.resumed), (9, None, 1));
    assert_eq!(resumed.replay, None);
    let audit = inbox.audit(0, 10).unwrap();
    assert_eq!((&*audit[0].who, &*audit[0].what), ("anna", "resume"));
    let replay = Order::Replay {
        domain: "plant-a".into(),
    };
    order(&mut inbox, replay).unwrap();
    order(&mut inbox, resume()).unwrap();
    let resumed = Term::load(&inbox, "plant-a").unwrap().unwrap();
    assert_eq!(resumed.resumed, 3);
    let replay = resumed.replay.map(|replay| (replay.by, replay.after));
    assert_eq!(
        replay,
        Some(("anna".into(), None)),
        "a replay that was ordered is done"
    );
}
