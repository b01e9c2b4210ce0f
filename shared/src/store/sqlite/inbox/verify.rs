//! Checking every message of the inbox: its content against its digest, and what it waits for against the queues of its
//! keys. Reads a stretch at a time, beside the writer for as long as it takes, and changes nothing.

use rusqlite::Connection;

use crate::ident::Digest;
use crate::store::StoreError;
use crate::store::inbox::{PAGE, Slot, rules};

use super::columns::{BEHIND, Gate, READY};
use super::message::{Msg, load};
use super::work::{all, find};

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which message.
    pub slot: Slot,
    /// What.
    pub fault: Fault,
}

/// What can be wrong with a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its row cannot be read.
    #[error("the row is damaged: {0}")]
    Row(String),
    /// The content is not the one that its digest was taken of. The agent may still have it.
    #[error("the content does not have the row's digest")]
    Content,
    /// It stands otherwise in the queue of a key than in its row.
    #[error("it is not in the queue of one of its keys as its row says")]
    Queue,
    /// It does not wait for the message before it in the queue of a key.
    #[error("it does not wait for the message before it in the queue of one of its keys")]
    Order,
    /// It is called ready and waits, or the other way round, or waits for what holds nothing any more.
    #[error("what it waits for does not agree with its state")]
    Ready,
}

/// A stretch that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// How many messages.
    pub messages: usize,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Where to go on; none where all were checked.
    pub next: Option<Slot>,
}

/// Checks the messages behind `after`, at most `limit`.
pub(super) fn stretch(
    connection: &Connection,
    after: Option<Slot>,
    limit: usize,
) -> Result<Checked, StoreError> {
    let limit = limit.clamp(1, PAGE);
    let sql = "SELECT slot FROM message WHERE slot > ?1 ORDER BY slot LIMIT ?2";
    let slots: Vec<i64> = all(
        connection,
        sql,
        (after.map_or(0, |slot| slot.0), limit as i64),
        |row| row.get(0),
    )?;
    let mut checked = Checked {
        messages: slots.len(),
        next: slots
            .last()
            .filter(|_| slots.len() == limit)
            .map(|slot| Slot(*slot)),
        ..Checked::default()
    };
    for slot in slots {
        let faults = match load(connection, slot) {
            Ok(Some(msg)) => faults(connection, &msg)?,
            Ok(None) => Vec::new(),
            Err(StoreError::Damaged(text)) => vec![Fault::Row(text)],
            Err(error) => return Err(error),
        };
        let slot = Slot(slot);
        checked
            .findings
            .extend(faults.into_iter().map(|fault| Finding { slot, fault }));
    }
    Ok(checked)
}

fn faults(connection: &Connection, msg: &Msg) -> Result<Vec<Fault>, StoreError> {
    let mut faults = Vec::new();
    if !msg.is_lost() {
        let sql = "SELECT bytes FROM content WHERE slot = ?1";
        let bytes: Option<Vec<u8>> = find(connection, sql, [msg.slot], |row| row.get(0))?;
        if bytes.map(|bytes| Digest::of(&bytes)) != msg.digest {
            faults.push(Fault::Content);
        }
    }
    let waits = rules::waits(&msg.kind);
    for &key in &msg.keys {
        let sql = "SELECT 1 FROM touch WHERE key = ?1 AND gate = ?2 AND place = ?3 AND slot = ?4";
        let spot = (key, msg.gate as u8, msg.place, msg.slot);
        if find(connection, sql, spot, |_| Ok(()))?.is_none() {
            faults.push(Fault::Queue);
        }
        let sql = "SELECT slot FROM touch WHERE key = ?1 AND gate = 0 AND (place, slot) < (?3, ?4) AND ?2 = 0 \
                   AND NOT EXISTS (SELECT 1 FROM behind WHERE behind.slot = ?4 AND behind.before = touch.slot) \
                   AND slot = (SELECT slot FROM touch WHERE key = ?1 AND gate = 0 AND (place, slot) < (?3, ?4) \
                   ORDER BY place DESC, slot DESC LIMIT 1)";
        if waits && find(connection, sql, spot, |_| Ok(()))?.is_some() {
            faults.push(Fault::Order);
        }
    }
    let sql = "SELECT state, (SELECT count(*) FROM behind WHERE behind.slot = ?1) \
               + (SELECT count(*) FROM missing WHERE missing.slot = ?1), \
               (SELECT count(*) FROM behind JOIN message AS other ON other.slot = behind.before \
               WHERE behind.slot = ?1 AND other.gate <> ?2 AND other.state NOT IN (2, 5)) FROM message WHERE slot = ?1";
    let read =
        |row: &rusqlite::Row<'_>| Ok((row.get::<_, u8>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
    if let Some((state, edges, stale)) = find(connection, sql, (msg.slot, Gate::Holds as u8), read)? {
        let wrong = match state {
            READY => edges > 0,
            BEHIND => edges == 0,
            _ => false,
        };
        if wrong || stale > 0 {
            faults.push(Fault::Ready);
        }
    }
    Ok(faults)
}
