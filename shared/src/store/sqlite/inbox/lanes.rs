//! Agents, epochs in their order, and what is here of each lane with the digest of it.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use crate::ident::{AgentId, Digest, Epoch, Lane};
use crate::store::StoreError;
use crate::store::inbox::ranges::Ranges;
use crate::store::inbox::rules::{FIRST_RANK, RANK_STEP};
use crate::store::inbox::{EPOCHS, Floor, Lineage};

use super::work::{LaneName, Work, all, find};

/// A lane as it stands.
#[derive(Debug, Clone)]
pub(super) struct LaneRow {
    pub name: Arc<LaneName>,
    pub ranges: Ranges,
    /// The running digest at the floor of `ranges`.
    pub running: Digest,
    pub settled: Floor,
    pub acknowledged: u64,
    pub diverged: Option<u64>,
}

/// The agent's number, where it was heard before.
pub(super) fn agent_id(connection: &Connection, agent: &AgentId) -> Result<Option<i64>, StoreError> {
    find(
        connection,
        "SELECT id FROM agent WHERE name = ?1",
        [agent.as_str()],
        |row| row.get(0),
    )
}

/// A lane's number, where anything of it was heard before.
pub(super) fn lane_id(
    connection: &Connection,
    agent: i64,
    epoch: Epoch,
    lane: Lane,
) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT lane.id FROM lane JOIN epoch ON epoch.id = lane.epoch \
               WHERE epoch.agent = ?1 AND epoch.epoch = ?2 AND lane.number = ?3";
    find(connection, sql, (agent, epoch.0 as i64, lane.number()), |row| {
        row.get(0)
    })
}

/// Whose lane this is.
pub(super) fn lane_name(connection: &Connection, id: i64) -> Result<LaneName, StoreError> {
    let sql = "SELECT agent.id, agent.name, epoch.epoch, epoch.rank, lane.number FROM lane \
               JOIN epoch ON epoch.id = lane.epoch JOIN agent ON agent.id = epoch.agent WHERE lane.id = ?1";
    let read = |row: &rusqlite::Row<'_>| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, i64>(2)?,
            row.get::<_, i64>(3)?,
            row.get::<_, u8>(4)?,
        ))
    };
    let (agent, name, epoch, rank, number) = connection.prepare_cached(sql)?.query_row([id], read)?;
    Ok(LaneName {
        id,
        agent,
        agent_name: name
            .parse()
            .map_err(|error| StoreError::Damaged(format!("{error}")))?,
        epoch: Epoch(epoch as u64),
        lane: lane_of(number)?,
        rank,
    })
}

/// A lane's row; `Misuse` where there is none.
pub(super) fn lane_row(connection: &Connection, name: Arc<LaneName>) -> Result<LaneRow, StoreError> {
    let sql =
        "SELECT floor, running, settled, settled_running, acknowledged, diverged FROM lane WHERE id = ?1";
    let mut row = connection.prepare_cached(sql)?.query_row([name.id], |row| {
        Ok(LaneRow {
            name: Arc::clone(&name),
            ranges: Ranges {
                floor: row.get::<_, i64>(0)? as u64,
                above: Vec::new(),
            },
            running: Digest(row.get(1)?),
            settled: Floor {
                sequence: row.get::<_, i64>(2)? as u64,
                running: Digest(row.get(3)?),
            },
            acknowledged: row.get::<_, i64>(4)? as u64,
            diverged: row.get::<_, Option<i64>>(5)?.map(|sequence| sequence as u64),
        })
    })?;
    let sql = "SELECT first, last FROM span WHERE lane = ?1 ORDER BY first";
    row.ranges.above = all(connection, sql, [name.id], |row| {
        Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64))
    })?;
    Ok(row)
}

pub(super) fn lane_of(number: u8) -> Result<Lane, StoreError> {
    Lane::from_number(number).ok_or_else(|| StoreError::Damaged(format!("{number} is no lane")))
}

impl Work<'_> {
    /// The agent's number; a new agent gets one.
    pub fn agent(&mut self, agent: &AgentId) -> Result<i64, StoreError> {
        if let Some(id) = agent_id(self.tx, agent)? {
            return Ok(id);
        }
        self.run("INSERT INTO agent (name) VALUES (?1)", [agent.as_str()])?;
        Ok(self.tx.last_insert_rowid())
    }

    /// Notes epochs with their predecessors, in this order. Those beyond the bound are left out.
    pub fn announce(&mut self, agent: i64, epochs: &[Lineage]) -> Result<(), StoreError> {
        for lineage in epochs {
            if let Some(predecessor) = lineage.predecessor {
                match (self.rank(agent, predecessor)?, self.rank(agent, lineage.epoch)?) {
                    (None, Some(rank)) => self.insert_before(agent, predecessor, rank)?,
                    (None, None) => drop(self.epoch(agent, predecessor, None)?),
                    (Some(_), _) => {}
                }
            }
            self.epoch(agent, lineage.epoch, lineage.predecessor)?;
        }
        Ok(())
    }

    /// The epoch's number; a new one comes after all that are known. None where the agent has too many.
    pub fn epoch(
        &mut self,
        agent: i64,
        epoch: Epoch,
        predecessor: Option<Epoch>,
    ) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT id FROM epoch WHERE agent = ?1 AND epoch = ?2";
        let known = self.find(sql, (agent, epoch.0 as i64), |row| row.get(0))?;
        if known.is_some() {
            return Ok(known);
        }
        let sql = "SELECT count(*), max(rank) FROM epoch WHERE agent = ?1";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?));
        let (count, last) = self.tx.prepare_cached(sql)?.query_row([agent], read)?;
        if count >= EPOCHS as i64 {
            return Ok(None);
        }
        let rank = last.map_or(FIRST_RANK, |last| last + RANK_STEP);
        self.insert_epoch(agent, epoch, predecessor, rank).map(Some)
    }

    /// The rank of an epoch among its agent's, where it is known.
    pub fn rank(&self, agent: i64, epoch: Epoch) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT rank FROM epoch WHERE agent = ?1 AND epoch = ?2";
        self.find(sql, (agent, epoch.0 as i64), |row| row.get(0))
    }

    /// Puts an epoch half-way between the one of this rank and the one before that. Where no rank is left it goes to the
    /// end: links still keep the order of what names what it comes after.
    fn insert_before(&mut self, agent: i64, epoch: Epoch, rank: i64) -> Result<(), StoreError> {
        let sql = "SELECT max(rank) FROM epoch WHERE agent = ?1 AND rank < ?2";
        let below: Option<i64> = self
            .tx
            .prepare_cached(sql)?
            .query_row((agent, rank), |row| row.get(0))?;
        let below = below.unwrap_or(rank - 2 * RANK_STEP);
        let middle = below + (rank - below) / 2;
        if middle > below && middle > 0 {
            self.insert_epoch(agent, epoch, None, middle)?;
        } else {
            self.epoch(agent, epoch, None)?;
        }
        Ok(())
    }

    fn insert_epoch(
        &mut self,
        agent: i64,
        epoch: Epoch,
        predecessor: Option<Epoch>,
        rank: i64,
    ) -> Result<i64, StoreError> {
        let predecessor = predecessor.map(|epoch| epoch.0 as i64);
        self.run(
            "INSERT INTO epoch (agent, epoch, predecessor, rank) VALUES (?1, ?2, ?3, ?4)",
            (agent, epoch.0 as i64, predecessor, rank),
        )?;
        Ok(self.tx.last_insert_rowid())
    }

    /// A lane of an epoch; a new one begins empty.
    pub fn lane(
        &mut self,
        agent: i64,
        epoch_id: i64,
        epoch: Epoch,
        lane: Lane,
    ) -> Result<LaneRow, StoreError> {
        let id = match lane_id(self.tx, agent, epoch, lane)? {
            Some(id) => id,
            None => {
                let origin = Digest::origin(epoch, lane).0;
                self.run(
                    "INSERT INTO lane (epoch, number, floor, running, settled, settled_running, acknowledged) \
                     VALUES (?1, ?2, 0, ?3, 0, ?3, 0)",
                    (epoch_id, lane.number(), origin),
                )?;
                self.tx.last_insert_rowid()
            }
        };
        let name = self.lane_name(id)?;
        lane_row(self.tx, name)
    }

    /// A lane's number, where anything of it was heard before; remembered.
    pub fn known_lane(&mut self, agent: i64, epoch: Epoch, lane: Lane) -> Result<Option<i64>, StoreError> {
        let known = self.memory.lane_ids.get(&(agent, epoch, lane));
        if known.is_some() {
            return Ok(known.copied());
        }
        let found = lane_id(self.tx, agent, epoch, lane)?;
        if let Some(id) = found {
            self.memory.lane_ids.insert((agent, epoch, lane), id);
        }
        Ok(found)
    }

    /// Whose lane this is, remembered.
    pub fn lane_name(&mut self, id: i64) -> Result<Arc<LaneName>, StoreError> {
        if let Some(name) = self.memory.lanes.get(&id) {
            return Ok(Arc::clone(name));
        }
        let name = Arc::new(lane_name(self.tx, id)?);
        self.memory.lanes.insert(id, Arc::clone(&name));
        Ok(name)
    }

    /// Writes the ranges, the floor's digest and the note of divergence.
    pub fn save_lane(&self, lane: &LaneRow, before: &Ranges) -> Result<(), StoreError> {
        self.run(
            "UPDATE lane SET floor = ?2, running = ?3, diverged = ?4 WHERE id = ?1",
            (
                lane.name.id,
                lane.ranges.floor as i64,
                lane.running.0,
                lane.diverged.map(|sequence| sequence as i64),
            ),
        )?;
        if lane.ranges.above != before.above {
            self.run("DELETE FROM span WHERE lane = ?1", [lane.name.id])?;
            for (first, last) in &lane.ranges.above {
                self.run(
                    "INSERT INTO span VALUES (?1, ?2, ?3)",
                    (lane.name.id, *first as i64, *last as i64),
                )?;
            }
        }
        Ok(())
    }

    /// What a sender says is the running digest up to and including a sequence. False where something else was said
    /// before.
    pub fn anchor(&self, lane: i64, sequence: u64, running: Digest) -> Result<bool, StoreError> {
        let known = anchor(self.tx, lane, sequence)?;
        if known.is_none() {
            self.run(
                "INSERT INTO anchor VALUES (?1, ?2, ?3)",
                (lane, sequence as i64, running.0),
            )?;
        }
        Ok(known.is_none_or(|known| known == running))
    }
}

/// What was said to be the running digest at a sequence.
pub(super) fn anchor(
    connection: &Connection,
    lane: i64,
    sequence: u64,
) -> Result<Option<Digest>, StoreError> {
    let sql = "SELECT running FROM anchor WHERE lane = ?1 AND sequence = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let row = statement
        .query_row((lane, sequence as i64), |row| row.get(0))
        .optional()?;
    Ok(row.map(Digest))
}
