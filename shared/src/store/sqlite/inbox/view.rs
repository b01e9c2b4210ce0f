//! Looking at messages: those that are ready, one, many, and what they wait for.

use std::collections::BTreeSet;

use rusqlite::Connection;
use rusqlite::types::Value;

use crate::ident::{AgentId, Lane, MessageId};
use crate::store::StoreError;
use crate::store::inbox::{Entry, Item, PAGE, ReadyFrom, SharedKey, Slot, WaitsFor};

use super::columns::SETTLED;
use super::entry::{COLUMNS, JOINS, entries, items};
use super::lanes::{agent_id, lane_id};
use super::message::load;
use super::order::ended_before;
use super::resolve::read_stamp;
use super::work::{all, find};

/// A note of the flow.
pub(super) fn note(connection: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    find(
        connection,
        "SELECT text FROM note WHERE name = ?1",
        [name],
        |row| row.get(0),
    )
}

/// All agents that were ever heard.
pub(super) fn agents(connection: &Connection) -> Result<Vec<AgentId>, StoreError> {
    let names: Vec<String> = all(connection, "SELECT name FROM agent ORDER BY name", [], |row| {
        row.get(0)
    })?;
    names.into_iter().map(named).collect()
}

pub(super) fn named(name: String) -> Result<AgentId, StoreError> {
    name.parse()
        .map_err(|error| StoreError::Damaged(format!("{error}")))
}

/// Ready messages of an agent and lane.
pub(super) fn ready(
    connection: &Connection,
    agent: &AgentId,
    lane: Lane,
    from: ReadyFrom,
    limit: usize,
) -> Result<Vec<Item>, StoreError> {
    let Some(agent) = agent_id(connection, agent)? else {
        return Ok(Vec::new());
    };
    let (side, order, place) = match from {
        ReadyFrom::Oldest(after) => (">", "ASC", after.unwrap_or(i64::MIN)),
        ReadyFrom::Newest(before) => ("<", "DESC", before.unwrap_or(i64::MAX)),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM message AS m INDEXED BY message_open {JOINS} \
         WHERE m.agent = ?1 AND m.number = ?2 AND m.state = 0 AND m.state < 6 AND m.place {side} ?3 \
         ORDER BY m.place {order}, m.slot {order} LIMIT ?4"
    );
    items(
        connection,
        &sql,
        (agent, lane.number(), place, limit.min(PAGE) as i64),
    )
}

/// Messages with an intent and no outcome.
pub(super) fn sent(
    connection: &Connection,
    after: Option<Slot>,
    limit: usize,
) -> Result<Vec<Item>, StoreError> {
    let mut sent = Vec::new();
    let limit = limit.min(PAGE);
    for state in [2, 5] {
        let sql = format!(
            "SELECT {COLUMNS} FROM message AS m INDEXED BY message_care {JOINS} \
             WHERE m.state = {state} AND m.state BETWEEN 2 AND 5 AND m.slot > ?1 ORDER BY m.slot LIMIT ?2"
        );
        sent.extend(items(
            connection,
            &sql,
            (after.map_or(0, |slot| slot.0), limit as i64),
        )?);
    }
    sent.sort_by_key(|item| item.entry.ticket.slot);
    sent.truncate(limit);
    Ok(sent)
}

/// The slot of a message.
pub(super) fn slot_of(connection: &Connection, id: &MessageId) -> Result<Option<Slot>, StoreError> {
    let Some(agent) = agent_id(connection, &id.agent)? else {
        return Ok(None);
    };
    let Some(lane) = lane_id(connection, agent, id.position.epoch, id.position.lane)? else {
        return Ok(None);
    };
    for beside in [0, 1] {
        let sql = format!(
            "SELECT slot, digest FROM message WHERE lane = ?1 AND sequence = ?2 AND beside = {beside}"
        );
        let rows = all(connection, &sql, (lane, id.position.sequence as i64), |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<[u8; 32]>>(1)?))
        })?;
        let same = |digest: &Option<[u8; 32]>| digest.is_some_and(|digest| digest[..8] == id.digest);
        if let Some((slot, _)) = rows.iter().find(|(_, digest)| same(digest)) {
            return Ok(Some(Slot(*slot)));
        }
    }
    Ok(None)
}

/// One message.
pub(super) fn get(connection: &Connection, slot: Slot) -> Result<Option<Item>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM message AS m {JOINS} WHERE m.slot = ?1");
    Ok(items(connection, &sql, [slot.0])?.pop())
}

/// What a message waits for.
pub(super) fn waits_for(connection: &Connection, slot: Slot) -> Result<WaitsFor, StoreError> {
    let Some(msg) = load(connection, slot.0)? else {
        return Ok(WaitsFor::default());
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM behind CROSS JOIN message AS m ON m.slot = behind.before {JOINS} \
         WHERE behind.slot = ?1 AND m.state < {SETTLED} ORDER BY m.place, m.slot LIMIT ?2"
    );
    let here = entries(connection, &sql, (slot.0, PAGE as i64))?;
    let mut missed = BTreeSet::new();
    for slot in ended_before(connection, &msg)?.into_iter().chain([slot.0]) {
        let sql = "SELECT epoch, number, sequence, digest, gone FROM missing WHERE slot = ?1 LIMIT ?2";
        missed.extend(all(connection, sql, (slot, PAGE as i64), |row| {
            let spelled = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((spelled, row.get::<_, bool>(4)?))
        })?);
    }
    let (mut missing, mut gone) = (Vec::new(), Vec::new());
    for (spelled, is_gone) in missed.into_iter().take(PAGE) {
        let named = if is_gone { &mut gone } else { &mut missing };
        named.push(read_stamp(spelled)?);
    }
    Ok(WaitsFor { here, missing, gone })
}

/// Messages by a statement that was put together from a filter.
pub(super) fn listed(
    connection: &Connection,
    wanted: &str,
    params: Vec<Value>,
) -> Result<Vec<Entry>, StoreError> {
    entries(connection, wanted, rusqlite::params_from_iter(params))
}

/// Keys that more than one agent uses.
pub(super) fn shared_keys(connection: &Connection, limit: usize) -> Result<Vec<SharedKey>, StoreError> {
    let sql = "SELECT text, min(seen_in) FROM shared_key GROUP BY text ORDER BY text LIMIT ?1";
    let keys: Vec<(String, String)> = all(connection, sql, [limit.min(PAGE) as i64], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let shared = keys.into_iter().map(|(text, seen_in)| {
        let sql = "SELECT agent.name FROM key JOIN agent ON agent.id = key.agent WHERE key.text = ?1 ORDER BY key.id";
        let names: Vec<String> = all(connection, sql, [&text], |row| row.get(0))?;
        Ok(SharedKey {
            key: crate::message::Key::from_text(text),
            agents: names.into_iter().map(named).collect::<Result<_, _>>()?,
            seen_in: seen_in
                .parse()
                .map_err(|error| StoreError::Damaged(format!("{error}")))?,
        })
    });
    shared.collect()
}
