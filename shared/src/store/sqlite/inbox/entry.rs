//! Messages as others see them: read from the table, named, put together with their content.

use rusqlite::{Connection, Params, Row};

use crate::ident::{AgentId, Digest, Epoch, MessageId, Position};
use crate::store::StoreError;
use crate::store::inbox::{Clock, Entry, Item, Slot, Ticket, rules};

use super::columns::Columns;
use super::lanes::lane_of;
use super::work::find;

/// What is selected for an entry. `m` is the message; [`JOINS`] bring the rest.
pub(super) const COLUMNS: &str = "m.slot, m.version, agent.name, epoch.epoch, m.number, m.sequence, m.last, m.digest, \
    m.beside, m.place, m.kind, m.station, m.operator, m.captured_ms, ifnull(arrival.received_ms, m.changed_ms), \
    arrival.offset_ms, arrival.error_ms, m.changed_ms, m.state, m.reason, m.text, m.subject, m.outcome, m.attempt, \
    m.amended, m.bytes, \
    (SELECT group_concat(reason, ' ' ORDER BY reason) FROM approval WHERE approval.slot = m.slot), \
    arrival.boot, arrival.began_ms";

/// Leads from a message to its names. Cross joins keep the message first, so that its index decides the order.
pub(super) const JOINS: &str = "CROSS JOIN lane ON lane.id = m.lane CROSS JOIN epoch ON epoch.id = lane.epoch \
    CROSS JOIN agent ON agent.id = m.agent LEFT JOIN arrival ON arrival.id = m.arrival";

/// The entries that a statement over [`COLUMNS`] answers.
pub(super) fn entries(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<Entry>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(entry(row)?);
    }
    Ok(entries)
}

fn entry(row: &Row<'_>) -> Result<Entry, StoreError> {
    let name: String = row.get(2)?;
    let agent: AgentId = name
        .parse()
        .map_err(|error| StoreError::Damaged(format!("{error}")))?;
    let sequence = row.get::<_, i64>(5)? as u64;
    let position = Position {
        epoch: Epoch(row.get::<_, i64>(3)? as u64),
        lane: lane_of(row.get(4)?)?,
        sequence,
    };
    let last: Option<i64> = row.get(6)?;
    // The digest of `lost` would be that of nothing.
    let digest = row.get::<_, Option<[u8; 32]>>(7)?.map(Digest);
    let state = Columns {
        state: row.get(18)?,
        reason: row.get(19)?,
        text: row.get(20)?,
        subject: row.get(21)?,
        outcome: row.get(22)?,
    };
    Ok(Entry {
        ticket: Ticket {
            slot: Slot(row.get(0)?),
            version: row.get(1)?,
        },
        id: digest.map(|digest| MessageId::new(agent.clone(), position, &digest)),
        agent,
        position,
        last: last.map_or(sequence, |last| last as u64),
        beside: row.get(8)?,
        place: row.get(9)?,
        kind: row.get(10)?,
        station: row.get(11)?,
        operator: row.get(12)?,
        captured_ms: row.get(13)?,
        received_ms: row.get(14)?,
        clock: clock(row)?,
        changed_ms: row.get(17)?,
        state: state.state()?,
        attempt: row.get(23)?,
        amended: row.get(24)?,
        approved: words(row.get(26)?),
        bytes: row.get(25)?,
    })
}

/// What was known of the agent's clock; none where the agent had not said hello yet, or nothing arrived.
fn clock(row: &Row<'_>) -> Result<Option<Clock>, StoreError> {
    let Some((offset_ms, error_ms)) = row.get::<_, Option<i64>>(15)?.zip(row.get(16)?) else {
        return Ok(None);
    };
    Ok(Some(Clock {
        offset_ms,
        error_ms,
        boot: row.get::<_, i64>(27)? as u64,
        began_ms: row.get(28)?,
    }))
}

fn words(text: Option<String>) -> Vec<String> {
    text.iter()
        .flat_map(|text| text.split(' '))
        .map(str::to_owned)
        .collect()
}

/// The items that a statement over [`COLUMNS`] answers.
pub(super) fn items(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<Item>, StoreError> {
    entries(connection, sql, params)?
        .into_iter()
        .map(|entry| item(connection, entry))
        .collect()
}

/// An entry with its content. What is not what was written is told with the item: its neighbours are whole.
fn item(connection: &Connection, entry: Entry) -> Result<Item, StoreError> {
    let slot = entry.ticket.slot.0;
    let sql = "SELECT bytes FROM content WHERE slot = ?1";
    let sealed: Vec<u8> = find(connection, sql, [slot], |row| row.get(0))?.unwrap_or_default();
    let amended = if entry.amended == 0 {
        None
    } else {
        let sql = "SELECT body FROM amendment WHERE slot = ?1 ORDER BY number DESC LIMIT 1";
        find(connection, sql, [slot], |row| row.get(0))?
    };
    let whole = entry
        .id
        .as_ref()
        .is_none_or(|id| Digest::of(&sealed).short() == id.digest);
    Ok(Item {
        envelope: if whole { rules::decode(&sealed).ok() } else { None },
        damaged: !whole,
        entry,
        sealed,
        amended,
    })
}
