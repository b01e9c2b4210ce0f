//! How fast lanes fill and empty: what arrived and what settled in each of the last seconds.
//!
//! Read from the newest end, so it costs what happened lately, whatever is kept. Somebody who asks once is told the same
//! as somebody who watches.

use std::collections::BTreeMap;

use rusqlite::{Connection, Params};

use crate::ident::{AgentId, Lane};
use crate::store::StoreError;

use super::SqliteInboxReader;
use super::lanes::lane_of;
use super::read::Connected;
use super::view::{agents, named};

/// How many seconds are looked at.
pub const SECONDS: usize = 30;

/// Messages of a lane in each of the last seconds, the last second first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pace {
    /// That arrived.
    pub arrived: [u64; SECONDS],
    /// That settled.
    pub settled: [u64; SECONDS],
}

/// What happened in each lane lately; none where nothing did.
pub type Paces = BTreeMap<(AgentId, Lane), Pace>;

impl SqliteInboxReader {
    /// What happened in the seconds before `now_ms`, by our wall clock.
    pub fn paces(&self, now_ms: i64) -> Result<Paces, StoreError> {
        let connection = self.connection();
        let mut paces = Paces::new();
        let arrived = "SELECT agent.name, message.number, arrival.received_ms, 1 FROM message \
                       CROSS JOIN arrival ON arrival.id = message.arrival CROSS JOIN agent ON agent.id = message.agent \
                       ORDER BY message.slot DESC";
        lately(connection, arrived, [], now_ms, |at, second| {
            paces.entry(at).or_default().arrived[second] += 1;
        })?;
        let settled = "SELECT ?1, number, changed_ms, state = 6 FROM message INDEXED BY message_news \
                       WHERE agent = (SELECT id FROM agent WHERE name = ?1) AND change IS NOT NULL \
                       ORDER BY change DESC";
        for agent in agents(connection)? {
            lately(connection, settled, [agent.as_str()], now_ms, |at, second| {
                paces.entry(at).or_default().settled[second] += 1;
            })?;
        }
        Ok(paces)
    }
}

/// Counts rows of agent, lane, time and whether they count, newest first, until they are too old.
fn lately(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    now_ms: i64,
    mut count: impl FnMut((AgentId, Lane), usize),
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        let ago_ms: i64 = now_ms.saturating_sub(row.get(2)?);
        // Below nothing where the clock was set back meanwhile.
        let second = usize::try_from(ago_ms.max(0) / 1000).unwrap_or(usize::MAX);
        if second >= SECONDS {
            break;
        }
        if ago_ms >= 0 && row.get(3)? {
            count((named(row.get(0)?)?, lane_of(row.get(1)?)?), second);
        }
    }
    Ok(())
}
