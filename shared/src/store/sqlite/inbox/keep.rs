//! Keeping one row: what it is, where it stands, what it waits for.

use std::sync::Arc;

use crate::envelope::Envelope;
use crate::ident::{Digest, MessageId, Position, Stamp};
use crate::message::{Behind, Key};
use crate::outcome::Reason;
use crate::store::StoreError;
use crate::store::inbox::{State, rules};

use super::columns::{Columns, Gate, Undoes};
use super::message::{Msg, detail, pack};
use super::work::{LaneName, Record, Work};

/// A row that is to be kept.
pub(super) struct NewRow<'r> {
    pub lane: Arc<LaneName>,
    pub sequence: u64,
    pub digest: Digest,
    pub bytes: &'r [u8],
    pub arrival: i64,
    /// Why it does not fill its position but stands beside what does: `conflict` or `late`.
    pub beside: Option<Reason>,
    /// Whether anybody misses a message of this frame's positions.
    pub is_missed: bool,
    /// Whether a message of this frame's positions was moved and came under its new name first.
    pub has_moved: bool,
}

impl NewRow<'_> {
    fn stamp(&self) -> Stamp {
        Stamp {
            position: Position {
                epoch: self.lane.epoch,
                lane: self.lane.lane,
                sequence: self.sequence,
            },
            digest: self.digest.short(),
        }
    }

    fn id(&self) -> MessageId {
        MessageId::new(self.lane.agent_name.clone(), self.stamp().position, &self.digest)
    }
}

impl Work<'_> {
    /// Keeps a row. Returns whether its bytes are an envelope.
    pub fn keep(&mut self, row: &NewRow<'_>) -> Result<bool, StoreError> {
        let decoded = rules::decode(row.bytes);
        let dead = match (&row.beside, &decoded) {
            (Some(reason), _) => Some(reason.clone()),
            (None, Err(reason)) => Some(reason.clone()),
            (None, Ok(_)) => None,
        };
        let envelope = decoded.ok();
        let keys = match &envelope {
            Some(envelope) => self.keys(row, envelope)?,
            None => Vec::new(),
        };
        let place = self.place_of(row, envelope.as_ref())?;
        self.head.slot += 1;
        let mut msg = new_message(self.head.slot, row, envelope.as_ref(), keys, place, dead);
        let waits = envelope.is_some() && rules::waits(&msg.kind);
        let mut blocked = match envelope.as_ref().filter(|_| waits) {
            Some(envelope) => self.wait_for_links(&msg, envelope)?,
            None => false,
        };
        if blocked {
            msg.gate = Gate::Holds;
        }
        blocked |= self.touch(&msg, &msg.keys)?;
        if matches!(msg.state, State::Waiting { .. }) {
            msg.state = State::Waiting { ready: !blocked };
        }
        self.insert(&msg, row, envelope.as_ref())?;
        if let Some(envelope) = envelope.as_ref() {
            let moved = if row.has_moved {
                self.moved_to(msg.agent, &row.stamp())?
            } else {
                None
            };
            match (moved, &envelope.moved_from) {
                (Some(later), origin) => self.give_way(&mut msg, later, origin.as_ref())?,
                (None, Some(origin)) => self.take_over(&mut msg, origin)?,
                (None, None) => {}
            }
            self.settle_undo(&mut msg, envelope, true)?;
        }
        if row.is_missed {
            for slot in self.missed(msg.agent, &row.stamp())? {
                self.look_again(slot, true)?;
            }
        }
        if msg.gate == Gate::Passed {
            // As it is by now: an undo that waited for it may have annulled it.
            self.supersede_if_overtaken(&mut self.need(msg.slot)?)?;
        }
        Ok(envelope.is_some())
    }

    /// Where a row stands in the order of capture: as in the epoch that it was captured in.
    fn place_of(&mut self, row: &NewRow<'_>, envelope: Option<&Envelope>) -> Result<i64, StoreError> {
        let Some(envelope) = envelope else {
            return Ok(rules::place(row.lane.rank, 0));
        };
        let Some(origin) = &envelope.moved_from else {
            return Ok(rules::place(row.lane.rank, envelope.ordinal));
        };
        if let Some(original) = self.copy_of(row.lane.agent, origin)? {
            return Ok(original.place);
        }
        let rank = self.rank(row.lane.agent, origin.position.epoch)?;
        Ok(rules::place(rank.unwrap_or(row.lane.rank - 1), envelope.ordinal))
    }

    /// The numbers of a message's keys, sorted; new keys get one.
    fn keys(&mut self, row: &NewRow<'_>, envelope: &Envelope) -> Result<Vec<i64>, StoreError> {
        let id = || row.id().to_string();
        let mut keys = Vec::with_capacity(envelope.keys.len());
        for link in &envelope.keys {
            keys.push(self.key(row.lane.agent, &link.key, &id)?);
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }

    /// The number of an agent's key. A key that another agent uses too is noted.
    pub fn key(&mut self, agent: i64, key: &Key, seen_in: &dyn Fn() -> String) -> Result<i64, StoreError> {
        let text = key.as_str();
        if let Some(id) = self.memory.key(agent, text) {
            return Ok(id);
        }
        let users: Vec<(i64, i64)> =
            self.all("SELECT agent, id FROM key WHERE text = ?1", [text], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let known = users.iter().find(|(user, _)| *user == agent).map(|(_, id)| *id);
        let id = match known {
            Some(id) => id,
            None => {
                self.run("INSERT INTO key (text, agent) VALUES (?1, ?2)", (text, agent))?;
                let id = self.tx.last_insert_rowid();
                self.memory.note_last(id, None);
                if !users.is_empty() {
                    self.run(
                        "INSERT OR IGNORE INTO shared_key VALUES (?1, ?2, ?3)",
                        (text, agent, seen_in()),
                    )?;
                }
                id
            }
        };
        self.memory.note_key(agent, text.to_owned(), id);
        Ok(id)
    }

    fn insert(&mut self, msg: &Msg, row: &NewRow<'_>, envelope: Option<&Envelope>) -> Result<(), StoreError> {
        let columns = Columns::of(&msg.state)?;
        let dead = matches!(msg.state, State::Dead(_));
        let change = dead.then(|| self.next_change());
        let capture = envelope.map(|envelope| &envelope.capture);
        let mut statement = self.tx.prepare_cached(
            "INSERT INTO message (slot, lane, sequence, agent, number, place, beside, state, gate, version, attempt, \
             amended, undoes, bytes, captured_ms, changed_ms, arrival, change, kind, station, operator, reason, text, \
             keys, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 1, 0, ?10, ?11, ?12, ?13, ?14, ?15, ?16, \
             ?17, ?18, ?19, ?20, ?21, ?22)",
        )?;
        statement.execute(rusqlite::params![
            msg.slot,
            msg.lane,
            msg.sequence as i64,
            msg.agent,
            row.lane.lane.number(),
            msg.place,
            msg.beside,
            columns.state,
            msg.gate as u8,
            msg.undoes as u8,
            row.bytes.len() as i64,
            capture.map_or(0, |capture| capture.moment.wall_ms),
            self.now_ms,
            row.arrival,
            change,
            msg.kind,
            capture.and_then(|capture| capture.station.as_deref()),
            capture.and_then(|capture| capture.operator.as_deref()),
            columns.reason,
            columns.text,
            pack(&msg.keys),
            row.digest.0,
        ])?;
        drop(statement);
        self.run("INSERT INTO content VALUES (?1, ?2)", (msg.slot, row.bytes))?;
        if let Some(used) = self.memory.used.get_mut(&(msg.agent, row.lane.lane)) {
            *used += row.bytes.len() as u64;
        }
        if dead {
            let record = Record {
                what: "dead",
                slot: Some(msg.slot),
                subject: row.id().to_string(),
                before: "",
                after: "dead",
                detail: detail(&msg.state),
            };
            self.record(record)?;
        }
        Ok(())
    }
}

fn new_message(
    slot: i64,
    row: &NewRow<'_>,
    envelope: Option<&Envelope>,
    keys: Vec<i64>,
    place: i64,
    dead: Option<Reason>,
) -> Msg {
    let kind = envelope.map_or("", |envelope| &envelope.kind);
    let passed = dead.is_some() && envelope.is_some() && rules::behind(kind) == Behind::Pass;
    Msg {
        slot,
        lane: row.lane.id,
        sequence: row.sequence,
        last: None,
        agent: row.lane.agent,
        place,
        beside: row.beside.is_some(),
        gate: if passed { Gate::Passed } else { Gate::Holds },
        version: 0,
        attempt: 1,
        amended: 0,
        undoes: envelope.map_or(Undoes::Nothing, Undoes::of),
        kind: kind.to_owned(),
        keys,
        digest: Some(row.digest),
        state: dead.map_or(State::Waiting { ready: false }, State::Dead),
        bytes: row.bytes.len() as u64,
    }
}
