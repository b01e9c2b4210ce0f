//! One transaction at work: its counters, its author, and the small tools that every step needs.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Params, Row};

use crate::ident::{AgentId, Epoch, Lane};
use crate::store::StoreError;
use crate::store::inbox::audit::hash;
use crate::store::inbox::{AuditHead, AuditRow, Opening, Slot};

use super::order::Spot;

/// Most key names that a writer remembers; then it begins anew.
const KEYS_REMEMBERED: usize = 100_000;

/// The numbers that the store gives out, and its name. One row, read and written in every transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub opening: Opening,
    pub slot: i64,
    pub change: i64,
    pub arrival: i64,
    pub audit: AuditHead,
}

impl Head {
    pub fn load(connection: &Connection) -> Result<Self, StoreError> {
        let sql = "SELECT store, opening, mark, term, slot, change, arrival, audit, audit_hash FROM meta";
        let read = |row: &Row<'_>| -> rusqlite::Result<Self> {
            Ok(Self {
                opening: Opening {
                    store: row.get::<_, i64>(0)? as u64,
                    number: row.get::<_, i64>(1)? as u64,
                    mark: row.get::<_, i64>(2)? as u64,
                    term: row.get::<_, i64>(3)? as u64,
                },
                slot: row.get(4)?,
                change: row.get(5)?,
                arrival: row.get(6)?,
                audit: AuditHead {
                    number: row.get::<_, i64>(7)? as u64,
                    hash: row.get(8)?,
                },
            })
        };
        Ok(connection.prepare_cached(sql)?.query_row([], read)?)
    }

    pub fn save(&self, connection: &Connection) -> Result<(), StoreError> {
        let sql = "UPDATE meta SET opening = ?1, mark = ?2, term = ?3, slot = ?4, change = ?5, arrival = ?6, \
                   audit = ?7, audit_hash = ?8";
        let opening = &self.opening;
        connection.prepare_cached(sql)?.execute((
            opening.number as i64,
            opening.mark as i64,
            opening.term as i64,
            self.slot,
            self.change,
            self.arrival,
            self.audit.number as i64,
            self.audit.hash,
        ))?;
        Ok(())
    }
}

/// Whose lane it is; never changes.
#[derive(Debug, Clone)]
pub(super) struct LaneName {
    pub id: i64,
    pub agent: i64,
    pub agent_name: AgentId,
    pub epoch: Epoch,
    pub lane: Lane,
    pub rank: i64,
}

/// Names that were looked up before. Only what is committed stays here: after an error it is emptied.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub lanes: HashMap<i64, Arc<LaneName>>,
    pub lane_ids: HashMap<(i64, Epoch, Lane), i64>,
    /// Bytes of what is not settled, by agent and lane.
    pub used: HashMap<(i64, Lane), u64>,
    keys: HashMap<i64, HashMap<String, i64>>,
    keys_count: usize,
    /// By key, the last message in its queue.
    last: HashMap<i64, Option<Spot>>,
}

impl Memory {
    pub fn key(&self, agent: i64, text: &str) -> Option<i64> {
        self.keys.get(&agent)?.get(text).copied()
    }

    pub fn note_key(&mut self, agent: i64, text: String, id: i64) {
        if self.keys_count >= KEYS_REMEMBERED {
            self.forget_keys();
        }
        self.keys_count += 1;
        self.keys.entry(agent).or_default().insert(text, id);
    }

    pub fn forget_keys(&mut self) {
        self.keys.clear();
        self.keys_count = 0;
        self.last.clear();
    }

    /// The last message in the queue of a key, where that is remembered.
    pub fn last(&self, key: i64) -> Option<Option<Spot>> {
        self.last.get(&key).copied()
    }

    pub fn note_last(&mut self, key: i64, last: Option<Spot>) {
        if self.last.len() >= KEYS_REMEMBERED {
            self.last.clear();
        }
        self.last.insert(key, last);
    }

    pub fn forget_last(&mut self, key: i64) {
        self.last.remove(&key);
    }
}

/// A transaction at work.
pub(super) struct Work<'a> {
    pub tx: &'a Connection,
    pub head: &'a mut Head,
    pub memory: &'a mut Memory,
    /// Who is written into the audit.
    pub who: &'a str,
    pub now_ms: i64,
    /// Lanes in which something settled: their settled floors are moved at the end.
    pub settled_in: BTreeSet<i64>,
    /// A lane and the sequences of it that the frame at work will still bring.
    pub coming: (i64, RangeInclusive<u64>),
}

impl Work<'_> {
    /// Runs a statement and returns how many rows it changed.
    pub fn run(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        Ok(self.tx.prepare_cached(sql)?.execute(params)?)
    }

    /// The first row of the answer, where there is one.
    pub fn find<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        find(self.tx, sql, params, read)
    }

    /// All rows of the answer.
    pub fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        all(self.tx, sql, params, read)
    }

    /// The next change number.
    pub fn next_change(&mut self) -> i64 {
        self.head.change += 1;
        self.head.change
    }

    /// Writes a record behind the last.
    pub fn record(&mut self, record: Record<'_>) -> Result<(), StoreError> {
        let mut row = AuditRow {
            number: self.head.audit.number + 1,
            at_ms: self.now_ms,
            who: self.who.to_owned(),
            what: record.what.to_owned(),
            slot: record.slot.map(Slot),
            subject: record.subject,
            before: record.before.to_owned(),
            after: record.after.to_owned(),
            detail: record.detail,
            hash: [0; 32],
        };
        row.hash = hash(&self.head.audit.hash, &row);
        self.run(
            "INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            (
                row.number as i64,
                row.at_ms,
                &row.who,
                &row.what,
                record.slot,
                &row.subject,
                &row.before,
                &row.after,
                &row.detail,
                row.hash,
            ),
        )?;
        self.head.audit = AuditHead {
            number: row.number,
            hash: row.hash,
        };
        Ok(())
    }
}

/// What a record of the audit says, beside who and when.
pub(super) struct Record<'a> {
    pub what: &'a str,
    pub slot: Option<i64>,
    pub subject: String,
    pub before: &'a str,
    pub after: &'a str,
    pub detail: String,
}

/// The first row of the answer, where there is one.
pub(super) fn find<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, StoreError> {
    Ok(connection
        .prepare_cached(sql)?
        .query_row(params, read)
        .optional()?)
}

/// All rows of the answer.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params, read)?;
    rows.map(|row| row.map_err(StoreError::from)).collect()
}
