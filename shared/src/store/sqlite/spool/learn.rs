//! Noting what the other end told: stored, forgotten, dead, settled.

use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension, params};

use super::epochs::{self, Age};
use super::keys;
use super::log::{Kept, Log};
use super::place::{place, sequence_of, signed};
use super::schema::{by_lane, of};
use super::sets::Kind;
use crate::codec::binary;
use crate::ident::{Epoch, Lane, Stamp};
use crate::outcome::{Outcome, Reason};
use crate::store::StoreError;
use crate::store::spool::News;
use crate::store::sqlite::check::Checksum;

const SETTLE: [&str; 3] = by_lane!(
    "INSERT OR IGNORE INTO settled_",
    " (place, at, crc, outcome) VALUES (?, ?, ?, ?)"
);
const OUTCOME: [&str; 3] = by_lane!("SELECT crc, outcome FROM settled_", " WHERE place = ?");

/// Notes one piece of news.
pub(super) fn note(connection: &Connection, news: &News, at_ms: u64) -> Result<(), StoreError> {
    match news {
        News::Stored {
            epoch,
            lane,
            from,
            to,
        } => stored(connection, *epoch, *lane, *from, *to),
        News::Forgotten { epoch, lane, floor } => forgotten(connection, *epoch, *lane, *floor),
        News::Finished {
            epoch,
            lane,
            from,
            to,
        } => finished(connection, (*epoch, *lane), *from..=*to, at_ms),
        News::Gone { epoch, lane, upto } => gone(connection, (*epoch, *lane), *upto, at_ms),
        News::Dead { stamp, reason } => match found(connection, stamp)? {
            Some((log, row)) => dead(connection, &log, row.sequence, reason),
            None => Ok(()),
        },
        News::Reopened { stamp } => match found(connection, stamp)? {
            Some((log, row)) => reopened(connection, &log, row.sequence),
            None => Ok(()),
        },
        News::Settled { stamp, outcome } => match found(connection, stamp)? {
            Some((log, row)) => settled(connection, &log, &row, outcome, at_ms),
            None => Ok(()),
        },
    }
}

fn stored(connection: &Connection, epoch: Epoch, lane: Lane, from: u64, to: u64) -> Result<(), StoreError> {
    let Some(age) = epochs::named(connection, epoch)? else {
        return Ok(());
    };
    let log = Log::of(connection, lane, age);
    let last = to.min(log.next()? - 1);
    log.set(Kind::Stored).add(from.max(1)..=last)
}

/// Stored is then what is up to the floor, and what is settled. What was dead is so no longer: it comes there anew.
fn forgotten(connection: &Connection, epoch: Epoch, lane: Lane, floor: u64) -> Result<(), StoreError> {
    let Some(age) = epochs::named(connection, epoch)? else {
        return Ok(());
    };
    let log = Log::of(connection, lane, age);
    let (stored, settled) = (log.set(Kind::Stored), log.set(Kind::Settled));
    let floor = floor.min(log.next()? - 1).max(settled.floor()?);
    stored.reset(floor)?;
    let mut range = settled.around(floor + 1)?.or(settled.behind(floor)?);
    while let Some(found) = range {
        range = settled.behind(*found.start())?;
        stored.add(found)?;
    }
    let sql = "DELETE FROM dead WHERE lane = ? AND place BETWEEN ? AND ?";
    let (first, last) = (place(age.life, floor + 1), super::place::end(age.life));
    connection.execute(sql, params![lane.number(), first, last])?;
    Ok(())
}

/// What was not told of by name ends too: as lost where it is gone here, otherwise as superseded by something unknown.
fn finished(
    connection: &Connection,
    (epoch, lane): (Epoch, Lane),
    range: RangeInclusive<u64>,
    at_ms: u64,
) -> Result<(), StoreError> {
    let Some(age) = epochs::named(connection, epoch)? else {
        return Ok(());
    };
    let log = Log::of(connection, lane, age);
    let (lost, over) = (log.set(Kind::Lost), log.set(Kind::Settled));
    let last = (*range.end()).min(log.next()? - 1);
    let mut at = (*range.start()).max(over.floor()? + 1);
    while at <= last {
        if let Some(range) = over.around(at)? {
            at = range.end() + 1;
            continue;
        }
        let outcome = match lost.has(at)? {
            true => Outcome::Lost,
            false => Outcome::Superseded { by: None },
        };
        settled(connection, &log, &any(&log, at)?, &outcome, at_ms)?;
        at += 1;
    }
    Ok(())
}

/// What is gone here and was not told of by name ends as lost.
fn gone(
    connection: &Connection,
    (epoch, lane): (Epoch, Lane),
    upto: u64,
    at_ms: u64,
) -> Result<(), StoreError> {
    let Some(age) = epochs::named(connection, epoch)? else {
        return Ok(());
    };
    let log = Log::of(connection, lane, age);
    let (lost, over) = (log.set(Kind::Lost), log.set(Kind::Settled));
    let mut at = over.floor()? + 1;
    while let Some(range) = lost.around(at)?.or(lost.behind(at)?) {
        at = range.end() + 1;
        for sequence in range.take_while(|sequence| *sequence <= upto) {
            if !over.has(sequence)? {
                settled(connection, &log, &any(&log, sequence)?, &Outcome::Lost, at_ms)?;
            }
        }
    }
    Ok(())
}

/// The row at this sequence, readable or not.
fn any(log: &Log<'_>, sequence: u64) -> Result<Kept, StoreError> {
    let row = match log.set(Kind::Damaged).has(sequence)? {
        true => None,
        false => log.get(sequence)?,
    };
    Ok(row.unwrap_or(Kept::unreadable(sequence)))
}

/// The row that the stamp names, unless another content stands there or it is settled.
fn found<'c>(connection: &'c Connection, stamp: &Stamp) -> Result<Option<(Log<'c>, Kept)>, StoreError> {
    let Some(age) = epochs::named(connection, stamp.position.epoch)? else {
        return Ok(None);
    };
    let sequence = stamp.position.sequence;
    let log = Log::of(connection, stamp.position.lane, age);
    if log.set(Kind::Settled).has(sequence)? {
        return Ok(None);
    }
    match log.get(sequence) {
        Ok(row) => Ok(row
            .filter(|row| row.digest.short() == stamp.digest)
            .map(|row| (log, row))),
        // What is damaged here can still end: nothing else can stand at this position.
        Err(StoreError::DamagedRow { .. }) => Ok(Some((log, Kept::unreadable(sequence)))),
        Err(error) => Err(error),
    }
}

fn dead(connection: &Connection, log: &Log<'_>, sequence: u64, reason: &Reason) -> Result<(), StoreError> {
    let bytes = binary::encode(reason).map_err(|error| StoreError::Misuse(error.to_string()))?;
    let place = place(log.age.life, sequence);
    let crc = small_checksum(log.lane, place, &bytes);
    let sql = "INSERT OR REPLACE INTO dead (lane, place, crc, reason) VALUES (?, ?, ?, ?)";
    connection
        .prepare_cached(sql)?
        .execute(params![log.lane.number(), place, crc, bytes])?;
    log.set(Kind::Stored).add(sequence..=sequence)
}

fn reopened(connection: &Connection, log: &Log<'_>, sequence: u64) -> Result<(), StoreError> {
    forget_reason(connection, log, sequence)?;
    log.set(Kind::Stored).add(sequence..=sequence)
}

fn forget_reason(connection: &Connection, log: &Log<'_>, sequence: u64) -> Result<(), StoreError> {
    let place = place(log.age.life, sequence);
    connection
        .prepare_cached("DELETE FROM dead WHERE lane = ? AND place = ?")?
        .execute(params![log.lane.number(), place])?;
    Ok(())
}

/// Notes that a row came to its end: what comes after it need not wait for it.
fn settled(
    connection: &Connection,
    log: &Log<'_>,
    row: &Kept,
    outcome: &Outcome,
    at_ms: u64,
) -> Result<(), StoreError> {
    close(connection, log, row, outcome, at_ms)?;
    keys::release(connection, log, row)
}

/// Notes how a row ended, and nothing else.
pub(super) fn close(
    connection: &Connection,
    log: &Log<'_>,
    row: &Kept,
    outcome: &Outcome,
    at_ms: u64,
) -> Result<(), StoreError> {
    let bytes = binary::encode(outcome).map_err(|error| StoreError::Misuse(error.to_string()))?;
    let place = place(log.age.life, row.sequence);
    let crc = small_checksum(log.lane, place, &bytes);
    connection
        .prepare_cached(of(&SETTLE, log.lane))?
        .execute(params![place, signed(at_ms), crc, bytes])?;
    forget_reason(connection, log, row.sequence)?;
    log.set(Kind::Settled).add(row.sequence..=row.sequence)?;
    log.set(Kind::Stored).add(row.sequence..=row.sequence)
}

/// How the row at this sequence ended; none where it did not, or that was pruned.
pub(super) fn outcome(
    connection: &Connection,
    log: &Log<'_>,
    sequence: u64,
) -> Result<Option<Outcome>, StoreError> {
    let place = place(log.age.life, sequence);
    let mut statement = connection.prepare_cached(of(&OUTCOME, log.lane))?;
    let found = statement.query_row([place], |row| Ok((row.get(0)?, row.get(1)?)));
    small(log, place, found.optional()?)
}

/// Why the row at this sequence is dead; none where it is not.
pub(super) fn reason(
    connection: &Connection,
    log: &Log<'_>,
    sequence: u64,
) -> Result<Option<Reason>, StoreError> {
    let place = place(log.age.life, sequence);
    let sql = "SELECT crc, reason FROM dead WHERE lane = ? AND place = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row(params![log.lane.number(), place], |row| {
        Ok((row.get(0)?, row.get(1)?))
    });
    small(log, place, found.optional()?)
}

fn small<T: serde::de::DeserializeOwned>(
    log: &Log<'_>,
    place: i64,
    found: Option<(i64, Vec<u8>)>,
) -> Result<Option<T>, StoreError> {
    let Some((crc, bytes)) = found else {
        return Ok(None);
    };
    let whole = (crc == small_checksum(log.lane, place, &bytes)).then(|| binary::decode(&bytes).ok());
    let value: Option<T> = whole.flatten();
    value.map(Some).ok_or_else(|| StoreError::DamagedRow {
        position: log.position(sequence_of(place)),
        text: "what was noted about it is not what was written".to_owned(),
    })
}

fn small_checksum(lane: Lane, place: i64, bytes: &[u8]) -> i64 {
    Checksum::default()
        .number(i64::from(lane.number()))
        .number(place)
        .bytes(bytes)
        .value()
}

/// How many rows of this lane of this epoch are dead.
pub(super) fn count_dead(connection: &Connection, lane: Lane, age: Age) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM dead WHERE lane = ? AND place BETWEEN ? AND ?";
    let mut statement = connection.prepare_cached(sql)?;
    let (first, last) = (place(age.life, 0), super::place::end(age.life));
    let count: i64 = statement.query_row(params![lane.number(), first, last], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}
