//! What waits behind dead letters, and messages found by the ids of their sources.

use super::*;
use crate::ident::Lane;
use crate::message::Kind;
use crate::store::conformance::sample::*;
use crate::store::spool::Spool;
use crate::store::sqlite::spool::Held;

fn held(home: &Home) -> Held {
    home.reader().held().unwrap()
}

#[test]
fn what_is_stored_behind_a_dead_letter_of_its_keys_is_held_and_so_is_what_waits_for_that() {
    let home = Home::new();
    let mut spool = home.spool();
    let first = keep(&mut spool, confirm("A"));
    keep(&mut spool, confirm_lot("A", "L"));
    keep(&mut spool, by_lane(Lane::Bulk, confirm_lot("B", "L")));
    keep(&mut spool, confirm("C"));
    keep(&mut spool, confirm("A"));
    let news = [stored(FIRST, Lane::Normal, 1, 3), stored(FIRST, Lane::Bulk, 1, 1)];
    spool.learn(&news, at(0)).unwrap();
    assert_eq!(held(&home), Held::default());
    spool.learn(&[dead(first)], at(0)).unwrap();
    let found = held(&home);
    // The last of order A is not stored yet: it waits here, for the link.
    assert_eq!(found.lanes, [0, 1, 1]);
    assert_eq!((found.of(Lane::Normal), found.at_least), (1, false));
    spool.learn(&[settled(first)], at(0)).unwrap();
    assert_eq!(held(&home), Held::default());
}

#[test]
fn what_may_pass_a_dead_letter_is_not_held() {
    let home = Home::new();
    let mut spool = home.spool();
    let count = r#"{"item":"I","location":"L","quantity":{"value":"5"}}"#;
    let first = keep(&mut spool, draft(message(Kind::InventoryCount, count)));
    keep(&mut spool, draft(message(Kind::InventoryCount, count)));
    let news = [stored(FIRST, Lane::Normal, 1, 2), dead(first)];
    spool.learn(&news, at(0)).unwrap();
    assert_eq!(held(&home), Held::default());
}

#[test]
fn a_source_s_id_finds_its_messages_without_the_name_of_the_source() {
    let home = Home::new();
    let mut spool = home.spool();
    let mut other = claimed("M-1", "b", vec![confirm("B")]);
    other.claim.as_mut().unwrap().source = "another".to_owned();
    let batch = [claimed("M-1", "a", vec![confirm("A")]), other];
    spool.commit(&batch, at(0)).unwrap();
    let found = home.reader().claimed_by_any("M-1").unwrap();
    let sources: Vec<&str> = found.iter().map(|(source, _)| source.as_str()).collect();
    assert_eq!(sources, ["another", "mes"]);
    assert_eq!(home.reader().claimed_by_any("M-2").unwrap(), []);
}
