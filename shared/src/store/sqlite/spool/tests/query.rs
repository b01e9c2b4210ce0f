//! Lists for people.

use super::*;
use crate::ident::{Lane, Stamp};
use crate::message::{Kind, Message};
use crate::store::GapKind;
use crate::store::conformance::sample::*;
use crate::store::spool::{Fate, Intake, Scan, Spool};
use crate::store::sqlite::spool::{Content, Entry, Filter, Order, State};

/// Four messages over three lanes, then a cut that moves one, then one more.
fn sample() -> (Home, Vec<Stamp>) {
    let home = Home::new();
    let mut spool = home.spool();
    let count = r#"{"item":"I","location":"L","quantity":{"value":"5"}}"#;
    let mut counted = draft(message(Kind::InventoryCount, count));
    counted.capture.source = "mes".to_owned();
    counted.capture.moment = at(5000);
    let drafts = [
        confirm("A"),
        by_lane(Lane::Bulk, confirm("B")),
        counted,
        by_lane(Lane::Critical, confirm("A")),
    ];
    let mut stamps: Vec<_> = drafts.map(|draft| keep(&mut spool, draft)).into();
    spool
        .learn(
            &[
                settled(stamps[0]),
                dead(stamps[1]),
                stored(FIRST, Lane::Normal, 2, 2),
            ],
            at(0),
        )
        .unwrap();
    spool.cut(SECOND, &[stamps[3]], at(0)).unwrap();
    stamps.push(rows(&spool, SECOND, Lane::Critical)[0].stamp());
    stamps.push(keep(&mut spool, confirm("C")));
    (home, stamps)
}

fn list(home: &Home, order: Order, filter: &Filter) -> Vec<Stamp> {
    let reader = home.reader();
    let mut cursor = reader.begin(order).unwrap();
    let mut found = Vec::new();
    loop {
        let page = reader.list(filter, &cursor, 2).unwrap();
        assert!(page.entries.len() <= 2);
        found.extend(page.entries.iter().map(stamp_of));
        cursor = page.cursor;
        if !page.more {
            return found;
        }
    }
}

fn stamp_of(entry: &Entry) -> Stamp {
    Stamp {
        position: entry.position,
        digest: entry.digest.unwrap().short(),
    }
}

#[test]
fn a_list_goes_in_order_of_capture_over_lanes_epochs_and_pages_both_ways() {
    let (home, stamps) = sample();
    let everything = Filter::default();
    assert_eq!(list(&home, Order::OldestFirst, &everything), stamps);
    let mut reversed = stamps;
    reversed.reverse();
    assert_eq!(list(&home, Order::NewestFirst, &everything), reversed);
}

#[test]
fn each_filter_lets_through_what_it_says() {
    let (home, stamps) = sample();
    let of = |filter: Filter| list(&home, Order::OldestFirst, &filter);
    let pick = |indexes: &[usize]| indexes.iter().map(|index| stamps[*index]).collect::<Vec<_>>();
    let state = |state| Filter {
        state: Some(state),
        ..Filter::default()
    };
    assert_eq!(of(state(State::Waiting)), pick(&[4, 5]));
    assert_eq!(of(state(State::Stored)), pick(&[2]));
    assert_eq!(of(state(State::Dead)), pick(&[1]));
    assert_eq!(of(state(State::Settled)), pick(&[0, 3]));
    let lane = Filter {
        lane: Some(Lane::Critical),
        ..Filter::default()
    };
    assert_eq!(of(lane), pick(&[3, 4]));
    let key = confirm("A").message.keys().remove(0);
    let key = Filter {
        key: Some(key),
        ..Filter::default()
    };
    assert_eq!(of(key), pick(&[0, 4]));
    let kind = Filter {
        kind: Some("inventory.count".to_owned()),
        ..Filter::default()
    };
    assert_eq!(of(kind), pick(&[2]));
    let source = Filter {
        source: Some("mes".to_owned()),
        ..Filter::default()
    };
    assert_eq!(of(source), pick(&[2]));
    let since = Filter {
        since_ms: Some(at(5000).wall_ms),
        ..Filter::default()
    };
    assert_eq!(of(since), pick(&[2]));
    let until = Filter {
        until_ms: Some(at(5000).wall_ms),
        lane: Some(Lane::Normal),
        ..Filter::default()
    };
    assert_eq!(of(until), pick(&[0, 5]));
}

#[test]
fn an_entry_tells_content_and_fate() {
    let (home, stamps) = sample();
    let reader = home.reader();
    let get = |index: usize| reader.get(stamps[index].position).unwrap().unwrap();
    let Content::Whole(envelope) = get(2).content else {
        panic!("not whole");
    };
    assert!(matches!(envelope.message(), Ok(Message::InventoryCount(_))));
    assert_eq!(get(3).content, Content::Gone(GapKind::Moved));
    assert_eq!(get(0).fate, Some(Fate::Settled(applied())));
    assert_eq!(reader.get(position(THIRD, Lane::Bulk, 1)).unwrap(), None);
    assert_eq!(reader.get(position(FIRST, Lane::Bulk, 9)).unwrap(), None);
}

#[test]
fn a_list_from_the_end_finds_what_comes_later_over_a_cut_too() {
    let (home, _) = sample();
    let reader = home.reader();
    let cursor = reader.end().unwrap();
    let page = reader.list(&Filter::default(), &cursor, 10).unwrap();
    assert!(page.entries.is_empty() && !page.more);
    let mut spool = home.spool();
    let mut later = vec![keep(&mut spool, by_lane(Lane::Bulk, confirm("A")))];
    spool.cut(THIRD, &[], at(0)).unwrap();
    later.push(keep(&mut spool, confirm("B")));
    let page = reader.list(&Filter::default(), &page.cursor, 10).unwrap();
    assert_eq!(page.entries.iter().map(stamp_of).collect::<Vec<_>>(), later);
}

#[test]
fn the_journal_gives_scans_back_in_order() {
    let home = Home::new();
    let mut spool = home.spool();
    let scan = |text: &str| Scan {
        station: "press".to_owned(),
        connection: "1".to_owned(),
        moment: at(7),
        raw: text.as_bytes().to_vec(),
    };
    for text in ["order", "item", "confirm"] {
        let piece = Intake {
            scan: Some(scan(text)),
            ..Intake::default()
        };
        spool.commit(&[piece], at(0)).unwrap();
    }
    let scans = home.reader().scans(2, 10).unwrap();
    assert_eq!(scans, [(2, scan("item")), (3, scan("confirm"))]);
}
