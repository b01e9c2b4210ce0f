//! What waits for what: later messages of a key for the nearest earlier one that holds it, and those behind that one.
//!
//! An edge in `behind` or `missing` is a fact; a message is ready when it has none. When a message lets go of a key in
//! the middle of a queue, its successor is tied to its predecessor first. What a message misses by name stays noted until
//! it is settled: a dead letter that is tried again waits for that still. What took effect waits for nothing; what ended
//! otherwise holds its keys until all that it came after is accounted for.

use std::collections::BTreeSet;

use rusqlite::Connection;

use crate::store::StoreError;
use crate::store::inbox::rules;

use super::columns::{BEHIND, Gate, READY};
use super::message::{Msg, load};
use super::work::{Work, all};

/// A message's place in the queues of its keys, and its slot.
pub(super) type Spot = (i64, i64);

/// Those before a message that ended, or might be passed, and still hold a key of it.
pub(super) fn ended_before(connection: &Connection, msg: &Msg) -> Result<Vec<i64>, StoreError> {
    let mut ended = BTreeSet::new();
    for &key in &msg.keys {
        let sql = "SELECT message.slot FROM touch JOIN message ON message.slot = touch.slot \
                   WHERE touch.key = ?1 AND touch.gate = 0 AND (touch.place, touch.slot) < (?2, ?3) \
                   AND message.state IN (4, 6)";
        let found: Vec<i64> = all(connection, sql, (key, msg.place, msg.slot), |row| row.get(0))?;
        for slot in found {
            let before = load(connection, slot)?;
            if before.is_some_and(|before| before.is_settled() || before.may_be_passed()) {
                ended.insert(slot);
            }
        }
    }
    Ok(ended.into_iter().collect())
}

impl Work<'_> {
    /// Enters a message into the queues of these keys. Returns whether it waits for another one in any.
    pub fn touch(&mut self, msg: &Msg, keys: &[i64]) -> Result<bool, StoreError> {
        let spot = (msg.place, msg.slot);
        let waits = rules::waits(&msg.kind);
        let mut blocked = false;
        for &key in keys {
            if msg.gate == Gate::Holds {
                // Nearly always the newest of its key: one look at the end of the queue says so.
                let (before, after) = match self.last_holder(key)? {
                    Some(last) if last >= spot => {
                        (self.holder_before(key, spot)?, self.holder_after(key, spot)?)
                    }
                    last => {
                        self.memory.note_last(key, Some(spot));
                        (last, None)
                    }
                };
                if let Some((_, before)) = before.filter(|_| waits) {
                    self.edge(msg.slot, before)?;
                    blocked = true;
                }
                if let Some((_, after)) = after {
                    self.tie(after, msg.slot)?;
                }
            }
            self.run(
                "INSERT OR IGNORE INTO touch VALUES (?1, ?2, ?3, ?4)",
                (key, msg.gate as u8, msg.place, msg.slot),
            )?;
        }
        Ok(blocked)
    }

    /// Opens a message's keys to those behind it, or takes it out of the queues altogether.
    pub fn let_go(&mut self, msg: &mut Msg, gate: Gate) -> Result<(), StoreError> {
        let spot = (msg.place, msg.slot);
        let held = msg.gate == Gate::Holds;
        for &key in &msg.keys {
            self.memory.forget_last(key);
            if held {
                let (before, after) = (self.holder_before(key, spot)?, self.holder_after(key, spot)?);
                if let (Some((_, before)), Some((_, after))) = (before, after) {
                    self.tie(after, before)?;
                }
            }
            self.run(
                "UPDATE touch SET gate = ?5 WHERE key = ?1 AND gate = ?2 AND place = ?3 AND slot = ?4",
                (key, msg.gate as u8, msg.place, msg.slot, gate as u8),
            )?;
        }
        self.run("DELETE FROM behind WHERE slot = ?1", [msg.slot])?;
        if gate == Gate::Done {
            self.run("DELETE FROM missing WHERE slot = ?1", [msg.slot])?;
        }
        self.set_gate(msg, gate)?;
        self.release_behind(msg.slot)
    }

    /// Lets a passed message hold its keys again, and wait for its copy that is at the target.
    pub fn hold_again(&mut self, msg: &mut Msg) -> Result<(), StoreError> {
        for &key in &msg.keys {
            self.run(
                "DELETE FROM touch WHERE key = ?1 AND gate = ?2 AND place = ?3 AND slot = ?4",
                (key, msg.gate as u8, msg.place, msg.slot),
            )?;
        }
        self.set_gate(msg, Gate::Holds)?;
        self.run(
            "INSERT OR IGNORE INTO behind SELECT slot, original FROM twin WHERE slot = ?1",
            [msg.slot],
        )?;
        self.touch(msg, &msg.keys.clone()).map(drop)
    }

    /// Notes in the row how a message stands to its keys.
    pub fn set_gate(&mut self, msg: &mut Msg, gate: Gate) -> Result<(), StoreError> {
        msg.gate = gate;
        self.run(
            "UPDATE message SET gate = ?2 WHERE slot = ?1",
            (msg.slot, gate as u8),
        )?;
        Ok(())
    }

    /// Frees all that wait for this message from it.
    pub fn release_behind(&mut self, slot: i64) -> Result<(), StoreError> {
        let waiting = self.waiters(slot)?;
        if waiting.is_empty() {
            return Ok(());
        }
        self.run("DELETE FROM behind WHERE before = ?1", [slot])?;
        for waiter in waiting {
            self.refresh(waiter)?;
        }
        Ok(())
    }

    /// Makes `slot` wait for `before`.
    pub fn edge(&mut self, slot: i64, before: i64) -> Result<(), StoreError> {
        self.run("INSERT OR IGNORE INTO behind VALUES (?1, ?2)", (slot, before))?;
        Ok(())
    }

    /// Makes a message that is here already wait for `before`, if its kind waits at all.
    fn tie(&mut self, slot: i64, before: i64) -> Result<(), StoreError> {
        let sql = "SELECT kind FROM message WHERE slot = ?1";
        let kind: Option<String> = self.find(sql, [slot], |row| row.get(0))?;
        if kind.is_some_and(|kind| rules::waits(&kind)) {
            self.edge(slot, before)?;
            self.refresh(slot)?;
        }
        Ok(())
    }

    /// Whether the message waits for another one, here or not.
    pub fn is_blocked(&self, slot: i64) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM behind WHERE slot = ?1) \
                   OR EXISTS (SELECT 1 FROM missing WHERE slot = ?1)";
        Ok(self.tx.prepare_cached(sql)?.query_row([slot], |row| row.get(0))?)
    }

    /// Puts `ready` right where the message waits.
    pub fn refresh(&mut self, slot: i64) -> Result<(), StoreError> {
        let state = if self.is_blocked(slot)? { BEHIND } else { READY };
        self.run(
            "UPDATE message SET state = ?2 WHERE slot = ?1 AND state IN (0, 1) AND state <> ?2",
            (slot, state),
        )?;
        Ok(())
    }

    fn last_holder(&mut self, key: i64) -> Result<Option<Spot>, StoreError> {
        if let Some(last) = self.memory.last(key) {
            return Ok(last);
        }
        let sql = "SELECT place, slot FROM touch WHERE key = ?1 AND gate = 0 ORDER BY place DESC, slot DESC LIMIT 1";
        let last = self.find(sql, [key], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.memory.note_last(key, last);
        Ok(last)
    }

    fn holder_before(&self, key: i64, spot: Spot) -> Result<Option<Spot>, StoreError> {
        let sql = "SELECT place, slot FROM touch WHERE key = ?1 AND gate = 0 AND (place, slot) < (?2, ?3) \
                   ORDER BY place DESC, slot DESC LIMIT 1";
        self.find(sql, (key, spot.0, spot.1), |row| Ok((row.get(0)?, row.get(1)?)))
    }

    fn holder_after(&self, key: i64, spot: Spot) -> Result<Option<Spot>, StoreError> {
        let sql = "SELECT place, slot FROM touch WHERE key = ?1 AND gate = 0 AND (place, slot) > (?2, ?3) \
                   ORDER BY place, slot LIMIT 1";
        self.find(sql, (key, spot.0, spot.1), |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// The nearest later message of one of its keys that is at the target now.
    pub fn overtaker(&self, msg: &Msg) -> Result<Option<i64>, StoreError> {
        for &key in &msg.keys {
            let sql = "SELECT message.slot FROM touch JOIN message ON message.slot = touch.slot \
                       WHERE touch.key = ?1 AND touch.gate = 0 AND (touch.place, touch.slot) > (?2, ?3) \
                       AND message.state IN (2, 5) LIMIT 1";
            let found = self.find(sql, (key, msg.place, msg.slot), |row| row.get(0))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}
