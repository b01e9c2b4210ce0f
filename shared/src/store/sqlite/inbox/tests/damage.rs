//! What a bad disk or a bad hand does to an inbox, and how it is seen.

use super::*;
use crate::store::sqlite::inbox::Fault;

/// Three ready messages, and a hand in the file.
fn touched(sql: &str) -> (SqliteInbox, Vec<Made>, TempDir) {
    let (mut inbox, home) = open();
    let mut plant = Plant::new("plant-1", 1);
    let rows: Vec<Made> = (0..3)
        .map(|n| plant.make(PARKS, &[&format!("order:{n}")]))
        .collect();
    keep(&mut inbox, &plant.agent, &rows.iter().collect::<Vec<_>>());
    refuse(&mut inbox, &rows[2]);
    inbox.database.connection.execute_batch(sql).unwrap();
    (inbox, rows, home)
}

fn faults(home: &TempDir) -> Vec<(i64, Fault)> {
    let reader = SqliteInboxReader::open(&at(home)).unwrap();
    let (mut faults, mut after) = (Vec::new(), None);
    loop {
        let checked = reader.verify(after, 2).unwrap();
        faults.extend(
            checked
                .findings
                .into_iter()
                .map(|finding| (finding.slot.0, finding.fault)),
        );
        after = checked.next;
        if after.is_none() {
            return faults;
        }
    }
}

#[test]
fn nothing_is_found_in_a_whole_inbox() {
    let (_inbox, _rows, home) = touched("");
    assert_eq!(faults(&home), []);
}

#[test]
fn damaged_content_is_told_with_its_message_and_its_neighbours_are_whole() {
    let (inbox, rows, home) = touched("UPDATE content SET bytes = x'0102' WHERE slot = 1");
    let agent = &rows[0].id.agent;
    let all = inbox
        .ready(
            agent,
            Lane::Normal,
            crate::store::inbox::ReadyFrom::Oldest(None),
            10,
        )
        .unwrap();
    let seen: Vec<(bool, bool)> = all
        .iter()
        .map(|item| (item.damaged, item.envelope.is_some()))
        .collect();
    assert_eq!(seen, [(true, false), (false, true)]);
    assert_eq!(faults(&home), [(1, Fault::Content)]);
}

#[test]
fn an_order_that_was_tampered_with_is_found() {
    let (_inbox, _rows, home) = touched("UPDATE message SET state = 1 WHERE slot = 1");
    assert_eq!(faults(&home), [(1, Fault::Ready)]);
    let (_inbox, _rows, home) = touched("DELETE FROM touch WHERE slot = 2");
    assert_eq!(faults(&home), [(2, Fault::Queue)]);
    let (_inbox, _rows, home) = touched("UPDATE message SET state = 77 WHERE slot = 2");
    assert!(matches!(&faults(&home)[..], [(2, Fault::Row(text))] if text.contains("77")));
}

#[test]
fn an_audit_that_was_tampered_with_names_the_record() {
    for (sql, record) in [
        ("UPDATE audit SET who = 'nobody' WHERE number = 2", "record 2"),
        ("DELETE FROM audit WHERE number = 1", "record 2"),
        ("DELETE FROM audit WHERE number = 3", "ends with record 2"),
        ("UPDATE audit SET at_ms = at_ms + 1 WHERE number = 3", "record 3"),
    ] {
        let (inbox, _rows, _home) = touched(sql);
        let error = inbox.audit_verify().unwrap_err();
        assert!(
            matches!(&error, StoreError::Damaged(text) if text.contains(record)),
            "{sql}: {error}"
        );
    }
}
