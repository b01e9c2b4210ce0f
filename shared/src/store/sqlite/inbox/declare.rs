//! Positions that will never come, and what an agent knows to be settled.

use crate::ident::{AgentId, Epoch, Lane};
use crate::outcome::Reason;
use crate::store::GapKind;
use crate::store::StoreError;
use crate::store::inbox::{Declared, Floor, Gap, RANGES, State, rules, why};

use super::columns::Columns;
use super::lanes::{LaneRow, agent_id, lane_id, lane_row};
use super::message::detail;
use super::walk::Over;
use super::work::{Record, Work};

impl Work<'_> {
    /// Notes a gap. What is here keeps what it has; what is not is filled without content.
    pub fn declare(&mut self, agent: &AgentId, gap: &Gap) -> Result<(), StoreError> {
        if !rules::is_gap(gap) {
            return Ok(());
        }
        let agent_id = self.agent(agent)?;
        let Some(epoch) = self.epoch(agent_id, gap.epoch, None)? else {
            return Ok(());
        };
        let mut lane = self.lane(agent_id, epoch, gap.epoch, gap.lane)?;
        let parts = lane.ranges.absent(gap.from, gap.to);
        if parts.is_empty() {
            return Ok(());
        }
        let ranges = lane.ranges.with(gap.from, gap.to);
        if ranges.above.len() > RANGES.max(lane.ranges.above.len()) {
            return Ok(());
        }
        let before = std::mem::replace(&mut lane.ranges, ranges);
        self.save_lane(&lane, &before)?;
        for (first, last) in parts {
            self.note_declared(lane.name.id, first, &gap.declared(first))?;
            self.fill(&lane, gap.kind, first, last)?;
        }
        if lane.ranges.floor > before.floor {
            let from = Floor {
                sequence: before.floor,
                running: lane.running,
            };
            let walk = self.walk(lane.name.id, from, lane.ranges.floor, Over::Stored)?;
            lane.running = walk.floor.running;
            lane.diverged = lane.diverged.or(walk.diverged);
        }
        self.save_lane(&lane, &lane.ranges)?;
        self.settled_in.insert(lane.name.id);
        self.reach(agent_id)
    }

    fn note_declared(&self, lane: i64, first: u64, declared: &Declared) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO declared VALUES (?1, ?2, ?3, ?4, ?5)",
            (
                lane,
                first as i64,
                declared.before.map(|before| before.0),
                declared.end as i64,
                declared.running.0,
            ),
        )
        .map(drop)
    }

    fn fill(&mut self, lane: &LaneRow, kind: GapKind, first: u64, last: u64) -> Result<(), StoreError> {
        let name = &lane.name;
        let range = (name.id, first as i64, last as i64);
        match kind {
            GapKind::Lost => self.lose(lane, first, last)?,
            GapKind::Settled | GapKind::Moved => {
                let moved = kind == GapKind::Moved;
                self.run(
                    "INSERT INTO gap VALUES (?1, ?2, ?3, ?4)",
                    (range.0, range.1, range.2, moved),
                )?;
                self.record(Record {
                    what: if moved { "moved" } else { "settled-before" },
                    slot: None,
                    subject: format!("{}:{}:{}:{first}-{last}", name.agent_name, name.epoch, name.lane),
                    before: "",
                    after: "stepped-over",
                    detail: String::new(),
                })?;
            }
        }
        let missed = self.missed_in(name.agent, name.epoch.0 as i64, name.lane, (first, last))?;
        for slot in missed {
            self.look_again(slot, true)?;
        }
        Ok(())
    }

    /// Keeps a dead letter without content in the place of a range.
    fn lose(&mut self, lane: &LaneRow, first: u64, last: u64) -> Result<(), StoreError> {
        self.head.slot += 1;
        let slot = self.head.slot;
        let count = last - first + 1;
        let text = format!(
            "the content of {count} {} is gone for ever: find out from the plant what it was, enter it by hand, then \
             discard this",
            if count == 1 { "message" } else { "messages" }
        );
        let state = State::Dead(Reason::new(why::LOST, text));
        let columns = Columns::of(&state)?;
        let name = &lane.name;
        self.run(
            "INSERT INTO message (slot, lane, sequence, last, agent, number, place, beside, state, gate, version, \
             attempt, amended, undoes, bytes, captured_ms, changed_ms, arrival, kind, reason, text, keys) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, 0, 0, 1, 0, 0, 0, 0, ?9, 0, '', ?10, ?11, x'')",
            rusqlite::params![
                slot,
                name.id,
                first as i64,
                last as i64,
                name.agent,
                name.lane.number(),
                rules::place(name.rank, 0),
                columns.state,
                self.now_ms,
                columns.reason,
                columns.text,
            ],
        )?;
        let msg = self.need(slot)?;
        let record = Record {
            what: "lost",
            slot: Some(slot),
            subject: self.name(&msg)?,
            before: "",
            after: "dead",
            detail: detail(&state),
        };
        self.record(record)
    }

    /// Notes up to where an agent knows its lane to be settled.
    pub fn acknowledge(
        &mut self,
        agent: &AgentId,
        epoch: Epoch,
        lane: Lane,
        settled: u64,
    ) -> Result<(), StoreError> {
        let Some(agent) = agent_id(self.tx, agent)? else {
            return Ok(());
        };
        let Some(lane) = lane_id(self.tx, agent, epoch, lane)? else {
            return Ok(());
        };
        let name = self.lane_name(lane)?;
        let known = lane_row(self.tx, name)?.settled.sequence;
        self.run(
            "UPDATE lane SET acknowledged = ?2 WHERE id = ?1",
            (lane, settled.min(known) as i64),
        )?;
        Ok(())
    }
}
