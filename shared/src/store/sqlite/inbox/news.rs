//! What the link tells agents: floors, and what became of each message.

use rusqlite::Connection;

use crate::ident::{AgentId, Digest, Epoch, MessageId, Position};
use crate::store::StoreError;
use crate::store::inbox::Floor;
use crate::store::inbox::{LaneFloors, Note, PAGE, State, Told};

use super::columns::Columns;
use super::lanes::{agent_id, lane_name, lane_of, lane_row};
use super::work::all;

/// What is here of each lane of an agent, oldest epoch first.
pub(super) fn floors(connection: &Connection, agent: &AgentId) -> Result<Vec<LaneFloors>, StoreError> {
    let Some(agent) = agent_id(connection, agent)? else {
        return Ok(Vec::new());
    };
    let sql = "SELECT lane.id FROM lane JOIN epoch ON epoch.id = lane.epoch WHERE epoch.agent = ?1 \
               ORDER BY epoch.rank, lane.number";
    let lanes: Vec<i64> = all(connection, sql, [agent], |row| row.get(0))?;
    let floors = lanes.into_iter().map(|lane| {
        let row = lane_row(connection, lane_name(connection, lane)?.into())?;
        Ok(LaneFloors {
            epoch: row.name.epoch,
            lane: row.name.lane,
            stored: Floor {
                sequence: row.ranges.floor,
                running: row.running,
            },
            ranges: row.ranges.above,
            settled: row.settled,
            acknowledged: row.acknowledged,
            diverged: row.diverged,
        })
    });
    floors.collect()
}

/// Changes behind `after` that the agent should hear of.
pub(super) fn news(
    connection: &Connection,
    agent: &AgentId,
    after: u64,
    max: usize,
) -> Result<Vec<Note>, StoreError> {
    let Some(number) = agent_id(connection, agent)? else {
        return Ok(Vec::new());
    };
    let sql = "SELECT message.change, epoch.epoch, lane.number, message.sequence, message.digest, message.state, \
               message.reason, message.text, message.subject, message.outcome FROM message \
               JOIN lane ON lane.id = message.lane JOIN epoch ON epoch.id = lane.epoch \
               WHERE message.agent = ?1 AND message.change > ?2 AND message.digest IS NOT NULL ORDER BY message.change LIMIT ?3";
    let max = max.min(PAGE) as i64;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let rows = all(connection, sql, (number, after, max), |row| {
        let columns = Columns {
            state: row.get(5)?,
            reason: row.get(6)?,
            text: row.get(7)?,
            subject: row.get(8)?,
            outcome: row.get(9)?,
        };
        let at = (row.get::<_, i64>(1)?, row.get::<_, u8>(2)?, row.get::<_, i64>(3)?);
        Ok((row.get::<_, i64>(0)?, at, Digest(row.get(4)?), columns))
    })?;
    let notes = rows
        .into_iter()
        .map(|(change, (epoch, lane, sequence), digest, columns)| {
            let position = Position {
                epoch: Epoch(epoch as u64),
                lane: lane_of(lane)?,
                sequence: sequence as u64,
            };
            Ok(Note {
                change: change as u64,
                id: MessageId::new(agent.clone(), position, &digest),
                told: match columns.state()? {
                    State::Dead(reason) => Told::Dead(reason),
                    State::Settled(outcome) => Told::Settled(outcome),
                    _ => Told::Reopened,
                },
            })
        });
    notes.collect()
}
