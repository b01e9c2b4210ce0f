//! What the next message of a key comes after: the latest captured one of the key that is not settled.
//!
//! One row a key names it and counts how many are open. Messages of a key nearly always settle in the order in which
//! they came, so the row goes when the count is down to none. When the latest settles before others (somebody discarded
//! it, a count was passed), the latest of those is looked for: along the links that each envelope has to the one before
//! it, or, where a content on that way is gone, among all that is open.

use rusqlite::{Connection, OptionalExtension, params};

use super::epochs::{self, Age};
use super::learn;
use super::log::{Gone, Kept, Log};
use super::place::{Life, life_of, place, sequence_of, signed};
use super::sets::Kind;
use super::stub::Stub;
use crate::ident::{Lane, Position, Stamp};
use crate::message::Key;
use crate::outcome::Outcome;
use crate::store::StoreError;

/// When a message was captured, in the order of this spool: the life in which it was, and its ordinal there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Captured {
    /// The life.
    pub life: Life,
    /// The ordinal in it.
    pub ordinal: u64,
}

/// A message that is open: when it was captured, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    /// When it was captured.
    pub captured: Captured,
    /// Its lane.
    pub lane: Lane,
    /// Its place in the lane's table.
    pub place: i64,
    /// The beginning of its digest.
    pub digest: [u8; 8],
}

/// The name of the latest message of this key that is not settled.
pub(super) fn latest(connection: &Connection, key: &Key, ages: &[Age]) -> Result<Option<Stamp>, StoreError> {
    let sql = "SELECT lane, place, digest, life FROM tail WHERE key = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement
        .query_row([key.as_str()], |row| {
            Ok((
                row.get::<_, u8>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, [u8; 8]>(2)?,
                row.get::<_, Life>(3)?,
            ))
        })
        .optional()?;
    let Some((lane, place, digest, captured_in)) = found else {
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
    let stamp = Stamp { position, digest };
    if captured_in == age.life {
        return Ok(Some(stamp));
    }
    // It was moved: its name is the one that it was given at capture.
    let name = match Log::of(connection, position.lane, *age).get(position.sequence) {
        Ok(row) => row.and_then(|row| row.stub()?.moved_from),
        Err(StoreError::DamagedRow { .. }) => None,
        Err(error) => return Err(error),
    };
    Ok(Some(name.unwrap_or(stamp)))
}

/// Notes a message that was captured just now under its keys.
pub(super) fn put(connection: &Connection, keys: &[Key], open: Open) -> Result<(), StoreError> {
    let sql = "INSERT INTO tail (key, life, ordinal, lane, place, digest, open) VALUES (?, ?, ?, ?, ?, ?, 1) \
               ON CONFLICT (key) DO UPDATE SET open = open + 1, life = excluded.life, ordinal = excluded.ordinal, \
               lane = excluded.lane, place = excluded.place, digest = excluded.digest";
    let mut statement = connection.prepare_cached(sql)?;
    let (life, ordinal) = (open.captured.life, signed(open.captured.ordinal));
    for key in keys {
        let row = params![
            key.as_str(),
            life,
            ordinal,
            open.lane.number(),
            open.place,
            open.digest
        ];
        statement.execute(row)?;
    }
    Ok(())
}

/// Notes that a message has another place now.
pub(super) fn moved<'k>(
    connection: &Connection,
    keys: impl Iterator<Item = &'k Key>,
    open: Open,
) -> Result<(), StoreError> {
    let sql = "UPDATE tail SET lane = ?, place = ?, digest = ? WHERE key = ? AND life = ? AND ordinal = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let Captured { life, ordinal } = open.captured;
    for key in keys {
        let row = params![
            open.lane.number(),
            open.place,
            open.digest,
            key.as_str(),
            life,
            signed(ordinal)
        ];
        statement.execute(row)?;
    }
    Ok(())
}

/// Frees the keys of a message that has settled.
pub(super) fn release(connection: &Connection, log: &Log<'_>, row: &Kept) -> Result<(), StoreError> {
    let Some(stub) = row.stub() else {
        return release_unreadable(connection, log, row.sequence);
    };
    let captured = Captured {
        life: row.origin.unwrap_or(log.age.life),
        ordinal: stub.ordinal,
    };
    for link in &stub.keys {
        let Some((tail, open)) = tail_of(connection, &link.key)? else {
            continue;
        };
        if open <= 1 {
            forget(connection, &link.key)?;
        } else if tail == captured {
            replace(
                connection,
                &link.key,
                before(connection, &link.key, link.after)?,
                open - 1,
            )?;
        } else {
            let sql = "UPDATE tail SET open = open - 1 WHERE key = ?";
            connection.prepare_cached(sql)?.execute([link.key.as_str()])?;
        }
    }
    Ok(())
}

/// The same for a message whose keys cannot be read any more: looks at every key, so only for what is damaged. Where it
/// was not the latest, the count stays too high, which is found out when the latest settles.
fn release_unreadable(connection: &Connection, log: &Log<'_>, sequence: u64) -> Result<(), StoreError> {
    let sql = "SELECT key, open FROM tail WHERE lane = ? AND place = ?";
    let mut statement = connection.prepare(sql)?;
    let here = params![log.lane.number(), place(log.age.life, sequence)];
    let keys = statement
        .query_map(here, |row| {
            Ok((Key::from_text(row.get(0)?), row.get::<_, i64>(1)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    for (key, open) in keys {
        replace(connection, &key, search(connection, &key)?, open - 1)?;
    }
    Ok(())
}

fn tail_of(connection: &Connection, key: &Key) -> Result<Option<(Captured, i64)>, StoreError> {
    let sql = "SELECT life, ordinal, open FROM tail WHERE key = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([key.as_str()], |row| {
        let captured = Captured {
            life: row.get(0)?,
            ordinal: row.get::<_, i64>(1)?.unsigned_abs(),
        };
        Ok((captured, row.get(2)?))
    });
    Ok(found.optional()?)
}

fn forget(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    let sql = "DELETE FROM tail WHERE key = ?";
    connection.prepare_cached(sql)?.execute([key.as_str()])?;
    Ok(())
}

fn replace(connection: &Connection, key: &Key, by: Option<Open>, open: i64) -> Result<(), StoreError> {
    let Some(by) = by else {
        return forget(connection, key);
    };
    let sql =
        "UPDATE tail SET life = ?, ordinal = ?, lane = ?, place = ?, digest = ?, open = ? WHERE key = ?";
    let Captured { life, ordinal } = by.captured;
    let row = params![
        life,
        signed(ordinal),
        by.lane.number(),
        by.place,
        by.digest,
        open.max(1),
        key.as_str()
    ];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// The latest open message of a key, along the links from one that came after it.
fn before(connection: &Connection, key: &Key, mut link: Option<Stamp>) -> Result<Option<Open>, StoreError> {
    while let Some(stamp) = link {
        let Some((log, row)) = follow(connection, stamp.position)? else {
            return search(connection, key);
        };
        let Some(stub) = row.stub() else {
            return search(connection, key);
        };
        if !log.set(Kind::Settled).has(row.sequence)? {
            return Ok(Some(open(&log, &row, &stub)));
        }
        let own = stub.keys.into_iter().find(|own| own.key == *key);
        link = own.and_then(|own| own.after);
    }
    Ok(None)
}

/// The row at this position, or where it was moved to.
pub(super) fn follow<'c>(
    connection: &'c Connection,
    mut position: Position,
) -> Result<Option<(Log<'c>, Kept)>, StoreError> {
    loop {
        let Some(age) = epochs::named(connection, position.epoch)? else {
            return Ok(None);
        };
        let log = Log::of(connection, position.lane, age);
        if log.set(Kind::Damaged).has(position.sequence)? {
            return Ok(None);
        }
        let Some(row) = log.get(position.sequence)? else {
            return Ok(None);
        };
        if row.gone != Gone::Moved {
            return Ok(Some((log, row)));
        }
        match learn::outcome(connection, &log, position.sequence)? {
            Some(Outcome::Superseded { by: Some(by) }) => position = by.position,
            _ => return Ok(None),
        }
    }
}

/// The latest open message of a key among all that is open. Reads every one of them.
fn search(connection: &Connection, key: &Key) -> Result<Option<Open>, StoreError> {
    let mut latest: Option<Open> = None;
    for age in epochs::all(connection)? {
        for lane in Lane::ALL {
            let log = Log::of(connection, lane, age);
            let (settled, damaged) = (log.set(Kind::Settled), log.set(Kind::Damaged));
            let (mut at, next) = (settled.floor()? + 1, log.next()?);
            while at < next {
                if let Some(over) = settled.around(at)?.or(damaged.around(at)?) {
                    at = over.end() + 1;
                    continue;
                }
                let row = log.get(at)?;
                let with_stub = row.as_ref().and_then(|row| Some((row, row.stub()?)));
                if let Some((row, stub)) = with_stub
                    && stub.keys.iter().any(|link| link.key == *key)
                {
                    let found = open(&log, row, &stub);
                    latest = latest.into_iter().chain([found]).max_by_key(|open| open.captured);
                }
                at += 1;
            }
        }
    }
    Ok(latest)
}

fn open(log: &Log<'_>, row: &Kept, stub: &Stub) -> Open {
    Open {
        captured: Captured {
            life: row.origin.unwrap_or(log.age.life),
            ordinal: stub.ordinal,
        },
        lane: log.lane,
        place: place(log.age.life, row.sequence),
        digest: row.digest.short(),
    }
}
