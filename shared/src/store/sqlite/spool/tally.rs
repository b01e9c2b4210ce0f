//! How a lane stands, derived from heads, floors and the small tables above them: the same cost at five messages and at
//! five million.

use rusqlite::Connection;

use super::epochs::{self, Age};
use super::learn;
use super::log::{Kept, Log};
use super::sets::{Kind, Set};
use crate::envelope::Moment;
use crate::ident::Lane;
use crate::store::StoreError;
use crate::store::spool::Tally;

/// Most ranges above a floor whose bytes are counted one by one; bytes beyond are counted as if nothing were in them.
const RANGES: usize = 4096;
/// Most rows that are tried in search of the age of the oldest, where the first are damaged.
const TRIES: u64 = 64;

/// See [`crate::store::spool::SpoolReader::tally`].
pub(super) fn tally(connection: &Connection, lane: Lane) -> Result<Tally, StoreError> {
    let mut sum = Tally::default();
    for age in epochs::all(connection)? {
        let one = of_epoch(connection, lane, age)?;
        sum.accepted += one.accepted;
        sum.waiting += one.waiting;
        sum.stored += one.stored;
        sum.dead += one.dead;
        sum.settled += one.settled;
        sum.waiting_bytes += one.waiting_bytes;
        sum.unsettled_bytes += one.unsettled_bytes;
        sum.oldest = older(sum.oldest, one.oldest);
    }
    Ok(sum)
}

fn of_epoch(connection: &Connection, lane: Lane, age: Age) -> Result<Tally, StoreError> {
    let log = Log::of(connection, lane, age);
    let (stored, settled) = (log.set(Kind::Stored), log.set(Kind::Settled));
    let accepted = log.next()? - 1;
    let (stored_count, settled_count) = (stored.count()?, settled.count()?);
    let dead = learn::count_dead(connection, lane, age)?;
    Ok(Tally {
        accepted,
        waiting: accepted.saturating_sub(stored_count),
        stored: stored_count.saturating_sub(settled_count + dead),
        dead,
        settled: settled_count,
        waiting_bytes: bytes_outside(&log, stored)?,
        unsettled_bytes: bytes_outside(&log, settled)?,
        oldest: oldest(&log, settled.floor()? + 1)?,
    })
}

/// Bytes of the lane's rows that are not in this set.
fn bytes_outside(log: &Log<'_>, set: Set<'_>) -> Result<u64, StoreError> {
    let end = before(log, log.next()?)?;
    let mut bytes = end.saturating_sub(before(log, set.floor()? + 1)?);
    for range in set.spans(RANGES)? {
        let inside = before(log, range.end() + 1)?.saturating_sub(before(log, *range.start())?);
        bytes = bytes.saturating_sub(inside);
    }
    Ok(bytes)
}

/// Bytes of all rows before this sequence. Of deleted ones nothing is known but their sum; where a row is damaged, its
/// neighbour tells.
fn before(log: &Log<'_>, sequence: u64) -> Result<u64, StoreError> {
    let Some(first) = log.first()? else {
        return Ok(0);
    };
    let at = sequence.max(first);
    if let Some(row) = readable(log, at)? {
        return Ok(row.total);
    }
    let row = readable(log, at - 1)?;
    Ok(row.map_or(0, |row| row.total + row.size))
}

fn readable(log: &Log<'_>, sequence: u64) -> Result<Option<Kept>, StoreError> {
    match log.get(sequence) {
        Ok(row) => Ok(row),
        Err(StoreError::DamagedRow { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// When the first readable row from this sequence on was captured.
fn oldest(log: &Log<'_>, from: u64) -> Result<Option<Moment>, StoreError> {
    let next = log.next()?;
    for sequence in (from..next).take(usize::try_from(TRIES).unwrap_or(usize::MAX)) {
        if let Some(row) = readable(log, sequence)? {
            return Ok(row.stub().map(|stub| stub.moment));
        }
    }
    Ok(None)
}

fn older(one: Option<Moment>, other: Option<Moment>) -> Option<Moment> {
    one.into_iter().chain(other).min_by_key(|moment| moment.wall_ms)
}
