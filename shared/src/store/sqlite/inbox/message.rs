//! One message as the writer works on it: read, named, put into another state.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::envelope::Envelope;
use crate::ident::{Digest, MessageId, Position};
use crate::message::Behind;
use crate::outcome::Outcome;
use crate::store::StoreError;
use crate::store::inbox::{State, rules};

use super::columns::{Columns, Gate, Undoes};
use super::work::{Record, Work};

/// A message as the writer works on it.
#[derive(Debug, Clone)]
pub(super) struct Msg {
    pub slot: i64,
    pub lane: i64,
    pub sequence: u64,
    pub last: Option<i64>,
    pub agent: i64,
    pub place: i64,
    pub beside: bool,
    pub gate: Gate,
    pub version: u32,
    pub attempt: u32,
    pub amended: u32,
    pub undoes: Undoes,
    pub kind: String,
    pub keys: Vec<i64>,
    pub digest: Option<Digest>,
    pub state: State,
    pub bytes: u64,
}

impl Msg {
    /// Whether its content is gone.
    pub fn is_lost(&self) -> bool {
        self.last.is_some()
    }

    /// Whether its keys are unknown, so that only who names its position waits for it.
    pub fn is_keyless(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether it is a dead letter that later ones of its keys need not wait for.
    pub fn may_be_passed(&self) -> bool {
        let passes = !self.is_keyless() && rules::behind(&self.kind) == Behind::Pass;
        passes && matches!(self.state, State::Dead(_))
    }

    /// Whether it may be at the target now.
    pub fn in_flight(&self) -> bool {
        matches!(self.state, State::Sent | State::Voiding { .. })
    }

    /// Whether it is final.
    pub fn is_settled(&self) -> bool {
        matches!(self.state, State::Settled(_))
    }
}

const COLUMNS: &str = "slot, lane, sequence, last, agent, place, beside, gate, version, attempt, amended, undoes, \
                       kind, keys, digest, state, reason, text, subject, outcome, bytes";

/// A row as read, before its state is put together.
fn read(row: &Row<'_>) -> rusqlite::Result<(Msg, Columns)> {
    let columns = Columns {
        state: row.get(15)?,
        reason: row.get(16)?,
        text: row.get(17)?,
        subject: row.get(18)?,
        outcome: row.get(19)?,
    };
    let msg = Msg {
        slot: row.get(0)?,
        lane: row.get(1)?,
        sequence: row.get::<_, i64>(2)? as u64,
        last: row.get(3)?,
        agent: row.get(4)?,
        place: row.get(5)?,
        beside: row.get(6)?,
        gate: Gate::read(row.get(7)?),
        version: row.get(8)?,
        attempt: row.get(9)?,
        amended: row.get(10)?,
        undoes: Undoes::read(row.get(11)?),
        kind: row.get(12)?,
        keys: unpack(row.get_ref(13)?.as_blob()?),
        digest: row.get::<_, Option<[u8; 32]>>(14)?.map(Digest),
        state: State::Sent,
        bytes: row.get::<_, i64>(20)?.unsigned_abs(),
    };
    Ok((msg, columns))
}

/// Key ids as they stand in a row.
pub(super) fn pack(keys: &[i64]) -> Vec<u8> {
    keys.iter().flat_map(|key| key.to_le_bytes()).collect()
}

fn unpack(bytes: &[u8]) -> Vec<i64> {
    bytes
        .as_chunks::<8>()
        .0
        .iter()
        .map(|chunk| i64::from_le_bytes(*chunk))
        .collect()
}

/// The message in this slot, where it is still kept.
pub(super) fn load(connection: &Connection, slot: i64) -> Result<Option<Msg>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM message WHERE slot = ?1");
    let found = connection
        .prepare_cached(&sql)?
        .query_row([slot], read)
        .optional()?;
    let Some((msg, columns)) = found else {
        return Ok(None);
    };
    Ok(Some(Msg {
        state: columns.state()?,
        ..msg
    }))
}

impl Work<'_> {
    /// The message in this slot, where it is still kept.
    pub fn message(&self, slot: i64) -> Result<Option<Msg>, StoreError> {
        load(self.tx, slot)
    }

    /// The message in this slot, which must be here.
    pub fn need(&self, slot: i64) -> Result<Msg, StoreError> {
        let absent = || StoreError::Damaged(format!("message {slot} is referred to but not here"));
        self.message(slot)?.ok_or_else(absent)
    }

    /// What is in a message; none where nothing can be decoded.
    pub fn envelope(&self, slot: i64) -> Result<Option<Envelope>, StoreError> {
        Ok(rules::decode(&self.content(slot)?).ok())
    }

    /// A message's bytes as they arrived; empty for `lost`.
    pub fn content(&self, slot: i64) -> Result<Vec<u8>, StoreError> {
        let found = self.find("SELECT bytes FROM content WHERE slot = ?1", [slot], |row| {
            row.get(0)
        })?;
        Ok(found.unwrap_or_default())
    }

    /// A message's name; none for `lost`.
    pub fn id(&mut self, msg: &Msg) -> Result<Option<MessageId>, StoreError> {
        if msg.is_lost() {
            return Ok(None);
        }
        let lane = self.lane_name(msg.lane)?;
        let position = Position {
            epoch: lane.epoch,
            lane: lane.lane,
            sequence: msg.sequence,
        };
        Ok(msg
            .digest
            .map(|digest| MessageId::new(lane.agent_name.clone(), position, &digest)))
    }

    /// How a message is called in the audit.
    pub fn name(&mut self, msg: &Msg) -> Result<String, StoreError> {
        if let Some(id) = self.id(msg)? {
            return Ok(id.to_string());
        }
        let lane = self.lane_name(msg.lane)?;
        let last = msg.last.unwrap_or(msg.sequence as i64);
        Ok(format!(
            "{}:{}:{}:{}-{last}",
            lane.agent_name, lane.epoch, lane.lane, msg.sequence
        ))
    }

    /// Puts a message into another state: the row, its version, its news and its record. What follows from it for others
    /// is not done here.
    pub fn put(&mut self, msg: &mut Msg, state: State, what: &str, detail: String) -> Result<(), StoreError> {
        let before = std::mem::replace(&mut msg.state, state);
        msg.version += 1;
        let columns = Columns::of(&msg.state)?;
        let untold =
            matches!(msg.state, State::Settled(Outcome::Superseded { .. })) && self.is_untold(msg.slot)?;
        let told = matches!(msg.state, State::Dead(_) | State::Settled(_))
            || matches!((&before, &msg.state), (State::Dead(_), State::Waiting { .. }));
        let change = (told && !untold).then(|| self.next_change());
        self.run(
            "UPDATE message SET state = ?2, version = ?3, attempt = ?4, changed_ms = ?5, \
             change = CASE WHEN ?11 THEN NULL ELSE ifnull(?6, change) END, reason = ?7, text = ?8, \
             subject = ?9, outcome = ?10 WHERE slot = ?1",
            (
                msg.slot,
                columns.state,
                msg.version,
                msg.attempt,
                self.now_ms,
                change,
                columns.reason,
                columns.text,
                columns.subject,
                columns.outcome,
                untold,
            ),
        )?;
        let record = Record {
            what,
            slot: Some(msg.slot),
            subject: self.name(msg)?,
            before: before.name().word(),
            after: msg.state.name().word(),
            detail,
        };
        self.record(record)
    }
}

/// An outcome or reason in the words of the audit.
pub(super) fn detail(state: &State) -> String {
    match state {
        State::Dead(reason) => reason.to_string(),
        State::Held(hold) => match &hold.subject {
            Some(subject) => format!("{} ({subject})", hold.reason),
            None => hold.reason.to_string(),
        },
        State::Voiding { reason, .. } => reason.clone(),
        State::Settled(outcome) => told(outcome),
        State::Waiting { .. } | State::Sent => String::new(),
    }
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Applied(record) => format!("applied: {} {} ({})", record.model, record.id, record.name),
        Outcome::Annulled { with } => format!("annulled with {with}"),
        Outcome::Superseded { by: Some(by) } => format!("superseded by {by}"),
        Outcome::Superseded { by: None } => "superseded".into(),
        Outcome::Discarded { by, reason } => format!("discarded by {by}: {reason}"),
        Outcome::Lost => "lost".into(),
    }
}
