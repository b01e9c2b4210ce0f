//! Figures about lanes, derived when they are asked for.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::ident::{AgentId, Epoch, Lane};
use crate::store::StoreError;
use crate::store::inbox::{Balance, LaneBacklog};

use super::columns::{BEHIND, DEAD, HELD, READY, SENT, VOIDING};
use super::lanes::{agent_id, lane_id, lane_name, lane_of, lane_row};
use super::view::named;
use super::work::{all, find};

/// An agent's number and a lane's.
type At = (i64, u8);

/// What each agent has in each lane.
pub(super) fn backlog(connection: &Connection) -> Result<Vec<LaneBacklog>, StoreError> {
    let mut lanes = here(connection)?;
    let sql = "SELECT agent, number, state, count(*), sum(bytes), min(place) FROM message INDEXED BY message_open \
               WHERE state < 6 GROUP BY agent, number, state";
    let groups = all(connection, sql, [], |row| {
        let at: At = (row.get(0)?, row.get(1)?);
        let counted: (u8, i64, i64, i64) = (row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?);
        Ok((at, counted))
    })?;
    let mut open: BTreeMap<At, i64> = BTreeMap::new();
    let mut oldest: BTreeMap<At, (i64, u8)> = BTreeMap::new();
    for (at, (state, count, bytes, place)) in groups {
        let Some(lane) = lanes.get_mut(&at) else { continue };
        let count = count as u64;
        match state {
            READY => (lane.ready, lane.waiting) = (count, lane.waiting + count),
            BEHIND => lane.waiting += count,
            SENT | VOIDING => lane.sent += count,
            HELD => lane.held = count,
            _ => lane.dead = count,
        }
        lane.bytes += bytes as u64;
        *open.entry(at).or_default() += count as i64;
        let first = oldest.entry(at).or_insert((place, state));
        *first = (*first).min((place, state));
    }
    for (at, extra) in beside_and_lost(connection)? {
        *open.entry(at).or_default() -= extra;
    }
    for (at, positions) in open {
        if let Some(lane) = lanes.get_mut(&at) {
            lane.settled = lane.settled.saturating_add_signed(-positions);
        }
    }
    for (at, (place, state)) in oldest {
        if let Some(lane) = lanes.get_mut(&at) {
            (lane.oldest_received_ms, lane.oldest_captured_ms) = times(connection, at, state, place)?;
        }
    }
    let mut backlog: Vec<LaneBacklog> = lanes.into_values().collect();
    backlog.sort_by(|a, b| (&a.agent, a.lane).cmp(&(&b.agent, b.lane)));
    Ok(backlog)
}

/// Every lane with all positions that are here counted as settled; what is open is taken off that later.
fn here(connection: &Connection) -> Result<BTreeMap<At, LaneBacklog>, StoreError> {
    let sql = "SELECT agent.id, lane.number, agent.name, \
               sum(floor + ifnull((SELECT sum(last - first + 1) FROM span WHERE span.lane = lane.id), 0)) \
               FROM lane JOIN epoch ON epoch.id = lane.epoch JOIN agent ON agent.id = epoch.agent GROUP BY 1, 2";
    let rows = all(connection, sql, [], |row| {
        let at: At = (row.get(0)?, row.get(1)?);
        Ok((at, row.get::<_, String>(2)?, row.get::<_, i64>(3)?))
    })?;
    let lanes = rows.into_iter().map(|(at, name, here)| {
        let lane = LaneBacklog {
            agent: named(name)?,
            lane: lane_of(at.1)?,
            waiting: 0,
            ready: 0,
            sent: 0,
            held: 0,
            dead: 0,
            settled: here as u64,
            bytes: 0,
            oldest_received_ms: None,
            oldest_captured_ms: None,
        };
        Ok((at, lane))
    });
    lanes.collect()
}

/// By how much open messages and open positions differ: what stands beside takes none, what is lost takes many.
fn beside_and_lost(connection: &Connection) -> Result<Vec<(At, i64)>, StoreError> {
    let read = |row: &rusqlite::Row<'_>| Ok(((row.get(0)?, row.get(1)?), row.get(2)?));
    let sql = "SELECT agent, number, count(*) FROM message INDEXED BY message_beside \
               WHERE beside = 1 AND state < 6 GROUP BY agent, number";
    let mut extra = all(connection, sql, [], read)?;
    let sql = "SELECT agent, number, -sum(last - sequence) FROM message INDEXED BY message_lost \
               WHERE last IS NOT NULL AND state < 6 GROUP BY agent, number";
    extra.extend(all(connection, sql, [], read)?);
    Ok(extra)
}

fn times(
    connection: &Connection,
    at: At,
    state: u8,
    place: i64,
) -> Result<(Option<i64>, Option<i64>), StoreError> {
    let sql = "SELECT ifnull(received_ms, changed_ms), captured_ms FROM message INDEXED BY message_open \
               LEFT JOIN arrival ON arrival.id = message.arrival \
               WHERE agent = ?1 AND number = ?2 AND state = ?3 AND state < 6 AND place = ?4 LIMIT 1";
    let found = find(connection, sql, (at.0, at.1, state, place), |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(found.map_or((None, None), |(received, captured)| {
        (Some(received), Some(captured))
    }))
}

/// Bytes of what is not settled, of an agent in a lane.
pub(super) fn open_bytes(connection: &Connection, agent: i64, lane: Lane) -> Result<u64, StoreError> {
    let sql = "SELECT ifnull(sum(bytes), 0) FROM message INDEXED BY message_open \
               WHERE agent = ?1 AND number = ?2 AND state < 6";
    let sum: i64 = connection
        .prepare_cached(sql)?
        .query_row((agent, lane.number()), |row| row.get(0))?;
    Ok(sum as u64)
}

/// The relay's half of a lane's balance.
pub(super) fn balance(
    connection: &Connection,
    agent: &AgentId,
    epoch: Epoch,
    lane: Lane,
    cut: u64,
) -> Result<Balance, StoreError> {
    let all_missing = Balance {
        missing: cut,
        ..Balance::default()
    };
    let Some(agent) = agent_id(connection, agent)? else {
        return Ok(all_missing);
    };
    let Some(id) = lane_id(connection, agent, epoch, lane)? else {
        return Ok(all_missing);
    };
    let number = lane.number();
    let lane = lane_row(connection, lane_name(connection, id)?.into())?;
    let missing: u64 = if cut == 0 {
        0
    } else {
        lane.ranges
            .absent(1, cut)
            .into_iter()
            .map(|(first, last)| last - first + 1)
            .sum()
    };
    let mut balance = Balance {
        missing,
        ..Balance::default()
    };
    // Not only above the settled floor: a replay opens again what lies below.
    let sql = "SELECT state, sum(min(ifnull(last, sequence), ?2) - sequence + 1) FROM message INDEXED BY message_open \
               WHERE agent = ?3 AND number = ?4 AND lane = ?1 AND beside = 0 AND sequence <= ?2 AND state < 6 \
               GROUP BY state";
    let bounds = (id, i64::try_from(cut).unwrap_or(i64::MAX));
    let at = (bounds.0, bounds.1, agent, number);
    let open: Vec<(u8, i64)> = all(connection, sql, at, |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (state, positions) in open {
        let part = match state {
            READY | BEHIND => &mut balance.waiting,
            SENT => &mut balance.sent,
            HELD => &mut balance.held,
            DEAD => &mut balance.dead,
            _ => &mut balance.voiding,
        };
        *part += positions as u64;
    }
    let open = balance.waiting + balance.sent + balance.held + balance.dead + balance.voiding;
    balance.settled = cut.saturating_sub(missing).saturating_sub(open);
    let sql = "SELECT count(*) FROM message INDEXED BY message_beside \
               WHERE lane = ?1 AND beside = 1 AND sequence <= ?2 AND state < 6";
    let beside: i64 = connection
        .prepare_cached(sql)?
        .query_row((bounds.0, bounds.1), |row| row.get(0))?;
    balance.beside = beside as u64;
    Ok(balance)
}
