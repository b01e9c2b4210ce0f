//! The inbox on disk: every promise, and what only a disk can be asked.

mod crash;
mod damage;

use std::path::PathBuf;

use tempfile::TempDir;

use super::{Limits, SqliteInbox, SqliteInboxReader};
use crate::ident::Lane;
use crate::store::GapKind;
use crate::store::StoreError;
use crate::store::conformance::inbox::gaps::gap_of;
use crate::store::conformance::inbox::kit::*;
use crate::store::inbox::{Change, Inbox, InboxView, Refusal, State, Taken, Worklist};

fn open() -> (SqliteInbox, TempDir) {
    let home = tempfile::tempdir().unwrap();
    let inbox = SqliteInbox::open(&at(&home), Limits::default(), 1, 1).unwrap();
    (inbox, home)
}

fn at(home: &TempDir) -> PathBuf {
    home.path().join("inbox.db")
}

crate::store::conformance::inbox::all_promises!(super::open);

#[test]
fn each_opening_has_the_next_number_and_its_own_mark_and_keeps_store_and_term() {
    let (mut inbox, home) = open();
    assert_eq!((inbox.opening().store, inbox.opening().number), (1, 1));
    assert_eq!(inbox.raise_term(5).unwrap().term, 5);
    assert_eq!(inbox.raise_term(3).unwrap().term, 5);
    drop(inbox);
    let inbox = SqliteInbox::open(&at(&home), Limits::default(), 99, 42).unwrap();
    let opening = inbox.opening();
    assert_eq!(
        (opening.store, opening.number, opening.mark, opening.term),
        (1, 2, 42, 5)
    );
}

#[test]
fn everything_is_as_it_was_after_a_restart() {
    let (mut inbox, home) = open();
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..4).map(|_| plant.make(PARKS, &["order:a"])).collect();
    keep(&mut inbox, &plant.agent, &rows.iter().collect::<Vec<_>>());
    apply(&mut inbox, &rows[0]);
    make(&mut inbox, &rows[1], Change::Send);
    drop(inbox);
    let mut inbox = SqliteInbox::open(&at(&home), Limits::default(), 9, 9).unwrap();
    assert_eq!(inbox.sent(None, 10).unwrap().len(), 1);
    assert_eq!(keep(&mut inbox, &plant.agent, &[&rows[2], &rows[3]]).known, 2);
    make(&mut inbox, &rows[1], Change::Settle(applied(2)));
    assert_eq!(ready(&inbox, &plant.agent), ids(&[&rows[2]]));
}

#[test]
fn what_arrived_and_settled_lately_is_counted_by_its_second_and_forgotten_after_half_a_minute() {
    let (mut inbox, home) = open();
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..3)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    // All arrive at 1 s and are changed at 2 s.
    keep(&mut inbox, &plant.agent, &rows.iter().collect::<Vec<_>>());
    apply(&mut inbox, &rows[0]);
    refuse(&mut inbox, &rows[1]);
    let reader = SqliteInboxReader::open(&at(&home)).unwrap();
    let pace = |now_ms| {
        let paces = reader.paces(now_ms).unwrap();
        let pace = paces.get(&(plant.agent.clone(), Lane::Normal)).cloned();
        pace.map(|pace| (pace.arrived[..5].to_vec(), pace.settled[..5].to_vec()))
    };
    assert_eq!(pace(4_500), Some((vec![0, 0, 0, 3, 0], vec![0, 0, 1, 0, 0])));
    assert_eq!(pace(32_500), None);
}

#[test]
fn a_reader_sees_what_is_committed_beside_the_writer() {
    let (mut inbox, home) = open();
    let reader = SqliteInboxReader::open(&at(&home)).unwrap();
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    assert!(reader.agents().unwrap().is_empty());
    keep(&mut inbox, &plant.agent, &[&row]);
    assert_eq!(ready(&reader, &plant.agent), ids(&[&row]));
    assert_eq!(reader.backlog().unwrap()[0].waiting, 1);
}

#[test]
fn an_agent_that_used_up_its_room_is_refused_until_something_settles_and_others_are_not() {
    let home = tempfile::tempdir().unwrap();
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..3)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    let size = rows[0].sealed.bytes.len() as u64;
    let limits = Limits {
        lane_bytes: size * 2 + size / 2,
    };
    let mut inbox = SqliteInbox::open(&at(&home), limits, 1, 1).unwrap();
    keep(&mut inbox, &plant.agent, &[&rows[0]]);
    keep(&mut inbox, &plant.agent, &[&rows[1]]);
    let third = [plant.frame(&[&rows[2]])];
    assert_eq!(inbox.take(&third).unwrap(), [Taken::Refused(Refusal::Full)]);
    assert!(inbox.room(&plant.agent, Lane::Normal).unwrap() < size);
    assert_eq!(
        keep(&mut inbox, &plant.agent, &[&rows[1]]).known,
        1,
        "what is known needs no room"
    );
    let mut other = Plant::new("plant-2", 1);
    let row = other.make(PARKS, &["order:z"]);
    keep(&mut inbox, &other.agent, &[&row]);
    let bulk = plant.make_in(Lane::Bulk, PARKS, &["order:z"], |_| {});
    keep(&mut inbox, &plant.agent, &[&bulk]);
    apply(&mut inbox, &rows[0]);
    assert!(matches!(inbox.take(&third).unwrap()[0], Taken::Kept(_)));
}

#[test]
fn what_fills_the_room_of_an_agent_does_not_keep_out_what_it_waits_for() {
    let home = tempfile::tempdir().unwrap();
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..3).map(|_| plant.make(PARKS, &["order:a"])).collect();
    let limits = Limits {
        lane_bytes: rows[2].sealed.bytes.len() as u64 * 2,
    };
    let mut inbox = SqliteInbox::open(&at(&home), limits, 1, 1).unwrap();
    keep(&mut inbox, &plant.agent, &[&rows[1], &rows[2]]);
    let unwanted = plant.make(PARKS, &["order:b"]);
    let frame = [plant.frame(&[&unwanted])];
    assert_eq!(inbox.take(&frame).unwrap(), [Taken::Refused(Refusal::Full)]);
    keep(&mut inbox, &plant.agent, &[&rows[0]]);
    assert_eq!(ready(&inbox, &plant.agent), ids(&[&rows[0]]));
}

#[test]
fn what_was_claimed_before_a_start_says_nothing_after_it() {
    let home = tempfile::tempdir().unwrap();
    let mut plant = Plant::new("plant-1", 1);
    let first = plant.make_in(Lane::Bulk, PARKS, &["order:b"], |_| {});
    let settled = [plant.make(PARKS, &["order:a"])];
    let last = plant.make(PARKS, &["order:a"]);
    let open = |mark| SqliteInbox::open(&at(&home), Limits::default(), 1, mark).unwrap();
    let mut inbox = open(1);
    let gap = gap_of(&plant, &settled, 1, 1, GapKind::Settled);
    inbox.declare(&plant.agent, &[gap], 1).unwrap();
    keep(&mut inbox, &plant.agent, &[&last]);
    say_hello(&mut inbox, &plant);
    drop(inbox);
    let mut inbox = open(2);
    keep(&mut inbox, &plant.agent, &[&first]);
    assert_eq!(ready(&inbox, &plant.agent), []);
    say_hello(&mut inbox, &plant);
    assert_eq!(ready(&inbox, &plant.agent), ids(&[&last]));
}

#[test]
fn a_full_disk_takes_nothing_of_a_call_and_the_call_may_be_made_again() {
    let (mut inbox, _home) = open();
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..400)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    let rows: Vec<&Made> = rows.iter().collect();
    keep(&mut inbox, &plant.agent, &rows[..10]);
    let before = inbox.floors(&plant.agent).unwrap();
    let pages: i64 = inbox
        .database
        .connection
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    limit_pages(&inbox, pages + 4);
    let frame = [plant.frame(&rows[10..])];
    let error = inbox.take(&frame).unwrap_err();
    assert!(
        matches!(error, StoreError::Full(_)) && error.is_transient(),
        "{error}"
    );
    assert_eq!(inbox.floors(&plant.agent).unwrap(), before);
    assert_eq!(ready(&inbox, &plant.agent).len(), 10);
    limit_pages(&inbox, 1_000_000);
    assert!(matches!(&inbox.take(&frame).unwrap()[0], Taken::Kept(kept) if kept.fresh == 390));
    inbox.audit_verify().unwrap();
}

fn limit_pages(inbox: &SqliteInbox, pages: i64) {
    inbox
        .database
        .connection
        .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
        .unwrap();
}

#[test]
fn the_inbox_may_live_on_a_thread_of_its_own() {
    fn movable<T: Send>() {}
    movable::<SqliteInbox>();
    movable::<SqliteInboxReader>();
}

#[test]
fn a_group_is_intended_in_one_transaction() {
    let (mut inbox, home) = open();
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..50)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    keep(&mut inbox, &plant.agent, &rows.iter().collect::<Vec<_>>());
    let reader = SqliteInboxReader::open(&at(&home)).unwrap();
    let group = reader
        .ready(
            &plant.agent,
            Lane::Normal,
            crate::store::inbox::ReadyFrom::Oldest(None),
            50,
        )
        .unwrap();
    let requests: Vec<_> = group
        .iter()
        .map(|item| crate::store::inbox::Request {
            ticket: item.entry.ticket,
            change: Change::Send,
        })
        .collect();
    inbox.change(&requests, "flow", 1).unwrap();
    assert_eq!(reader.sent(None, 100).unwrap().len(), 50);
    assert!(
        reader
            .sent(None, 100)
            .unwrap()
            .iter()
            .all(|item| item.entry.state == State::Sent)
    );
}
