//! Reading the audit.

use rusqlite::{Connection, Params, Row};

use crate::store::StoreError;
use crate::store::inbox::{AuditHead, AuditRow, PAGE, Slot};

use super::work::{Head, all};

const COLUMNS: &str = "number, at_ms, who, what, slot, subject, before, after, detail, hash";

fn read(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    Ok(AuditRow {
        number: row.get::<_, i64>(0)? as u64,
        at_ms: row.get(1)?,
        who: row.get(2)?,
        what: row.get(3)?,
        slot: row.get::<_, Option<i64>>(4)?.map(Slot),
        subject: row.get(5)?,
        before: row.get(6)?,
        after: row.get(7)?,
        detail: row.get(8)?,
        hash: row.get(9)?,
    })
}

fn rows(connection: &Connection, which: &str, params: impl Params) -> Result<Vec<AuditRow>, StoreError> {
    all(
        connection,
        &format!("SELECT {COLUMNS} FROM audit WHERE {which}"),
        params,
        read,
    )
}

/// Records behind `after`.
pub(super) fn audit(connection: &Connection, after: u64, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
    let limit = limit.min(PAGE) as i64;
    rows(
        connection,
        "number > ?1 ORDER BY number LIMIT ?2",
        (after as i64, limit),
    )
}

/// What happened to a message: the record of its arrival, then its own.
pub(super) fn trace(connection: &Connection, slot: Slot) -> Result<Vec<AuditRow>, StoreError> {
    let arrival = "number = (SELECT arrival.audit FROM message JOIN arrival ON arrival.id = message.arrival \
                   WHERE message.slot = ?1)";
    let mut trace = rows(connection, arrival, [slot.0])?;
    let own = "slot = ?1 ORDER BY number LIMIT ?2";
    trace.extend(rows(connection, own, (slot.0, PAGE as i64))?);
    Ok(trace)
}

/// Walks the whole chain.
pub(super) fn verify(connection: &Connection) -> Result<AuditHead, StoreError> {
    // One snapshot: the head must be that of the records that are walked.
    let snapshot = connection.unchecked_transaction()?;
    let expected = Head::load(&snapshot)?.audit;
    let mut head = AuditHead::EMPTY;
    let mut statement = snapshot.prepare(&format!("SELECT {COLUMNS} FROM audit ORDER BY number"))?;
    let mut walked = statement.query([])?;
    while let Some(row) = walked.next()? {
        let row = read(row)?;
        if !head.is_followed_by(&row) {
            let text = format!(
                "record {} of the audit is not what was written behind record {}",
                row.number, head.number
            );
            return Err(StoreError::Damaged(text));
        }
        head = AuditHead {
            number: row.number,
            hash: row.hash,
        };
    }
    if head == expected {
        Ok(head)
    } else {
        Err(StoreError::Damaged(format!(
            "the audit ends with record {}, but {} were written",
            head.number, expected.number
        )))
    }
}
