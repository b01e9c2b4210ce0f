//! What a person and the flow write down beside the messages.

use crate::store::inbox::{AuditHead, Change, Remark};

use super::kit::*;

pub fn what_a_person_released_is_known_by_the_reasons_that_held_it(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    keep(store, &plant.agent, &[&row]);
    for (code, release) in [
        ("stale-count", Change::Approve),
        ("in-use", Change::Release),
        ("review", Change::Approve),
        ("review", Change::Approve),
    ] {
        make(store, &row, hold(code, None));
        assert_eq!(word(&make(store, &row, release)), "ready");
    }
    assert_eq!(item(store, &row).entry.approved, ["review", "stale-count"]);
}

pub fn what_was_approved_of_a_message_holds_where_it_was_moved(store: &mut impl Store) {
    let mut plant = Plant::new("plant-1", 1);
    let row = plant.make(PARKS, &["order:a"]);
    keep(store, &plant.agent, &[&row]);
    make(store, &row, hold("review", None));
    make(store, &row, Change::Approve);
    plant.cut(2);
    let moved = plant.move_here(&row);
    keep(store, &plant.agent, &[&moved]);
    assert_eq!(item(store, &moved).entry.approved, ["review"]);
}

pub fn a_note_is_kept_replaced_and_taken_away_and_the_audit_knows_of_it(store: &mut impl Store) {
    assert_eq!(store.note("holds").unwrap(), None);
    store.set_note("holds", Some("[1]"), None).unwrap();
    assert_eq!(store.audit_verify().unwrap(), AuditHead::EMPTY);
    let remark = Remark {
        who: "anna",
        what: "hold",
        detail: "outage",
        now_ms: 7,
    };
    store.set_note("holds", Some("[2]"), Some(remark)).unwrap();
    assert_eq!(store.note("holds").unwrap().as_deref(), Some("[2]"));
    let row = &store.audit(0, 10).unwrap()[0];
    assert_eq!(
        (&*row.who, &*row.what, &*row.subject, &*row.detail, row.at_ms),
        ("anna", "hold", "holds", "outage", 7)
    );
    assert_eq!(store.audit_verify().unwrap().number, 1);
    store.set_note("holds", None, None).unwrap();
    assert_eq!(store.note("holds").unwrap(), None);
}
