//! What the next message of a key comes after: the messages that are not settled, by key, in order of capture.

use rusqlite::{Connection, OptionalExtension, params};

use super::epochs::Age;
use super::place::{Life, life_of, sequence_of, signed};
use crate::ident::{Lane, Position, Stamp};
use crate::message::Key;
use crate::store::StoreError;

/// When a message was captured, in the order of this spool: the life in which it was, and its ordinal there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Captured {
    /// The life.
    pub life: Life,
    /// The ordinal in it.
    pub ordinal: u64,
}

/// The latest message of this key that is not settled.
pub(super) fn latest(connection: &Connection, key: &Key, ages: &[Age]) -> Result<Option<Stamp>, StoreError> {
    let sql =
        "SELECT lane, place, digest FROM open_key WHERE key = ? ORDER BY life DESC, ordinal DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement
        .query_row([key.as_str()], |row| {
            Ok((
                row.get::<_, u8>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, [u8; 8]>(2)?,
            ))
        })
        .optional()?;
    let Some((lane, place, digest)) = found else {
        return Ok(None);
    };
    let damaged = || StoreError::Damaged(format!("the key {key} leads nowhere"));
    let age = ages
        .iter()
        .find(|age| age.life == life_of(place))
        .ok_or_else(damaged)?;
    let position = Position {
        epoch: age.epoch,
        lane: Lane::from_number(lane).ok_or_else(damaged)?,
        sequence: sequence_of(place),
    };
    Ok(Some(Stamp { position, digest }))
}

/// Notes a message at this place under its keys, or its new place where it was moved.
pub(super) fn put<'k>(
    connection: &Connection,
    keys: impl Iterator<Item = &'k Key>,
    captured: Captured,
    (lane, place): (Lane, i64),
    digest: [u8; 8],
) -> Result<(), StoreError> {
    let sql =
        "INSERT OR REPLACE INTO open_key (key, life, ordinal, lane, place, digest) VALUES (?, ?, ?, ?, ?, ?)";
    let mut statement = connection.prepare_cached(sql)?;
    for key in keys {
        let (life, ordinal) = (captured.life, signed(captured.ordinal));
        statement.execute(params![key.as_str(), life, ordinal, lane.number(), place, digest])?;
    }
    Ok(())
}

/// Forgets a message that settled.
pub(super) fn remove<'k>(
    connection: &Connection,
    keys: impl Iterator<Item = &'k Key>,
    captured: Captured,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM open_key WHERE key = ? AND life = ? AND ordinal = ?";
    let mut statement = connection.prepare_cached(sql)?;
    for key in keys {
        statement.execute(params![key.as_str(), captured.life, signed(captured.ordinal)])?;
    }
    Ok(())
}

/// Forgets a message whose keys can no longer be read. Looks at every key: only for what was damaged.
pub(super) fn remove_at(connection: &Connection, lane: Lane, place: i64) -> Result<(), StoreError> {
    let sql = "DELETE FROM open_key WHERE lane = ? AND place = ?";
    connection.execute(sql, params![lane.number(), place])?;
    Ok(())
}
