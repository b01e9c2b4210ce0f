//! What the link and the sources read: rows to send, gaps between them, fates, dialogues, earlier answers.

use rusqlite::{Connection, OptionalExtension};

use super::claims;
use super::commit::dialogue_checksum;
use super::epochs;
use super::learn;
use super::log::Log;
use super::sets::Kind;
use crate::envelope::Row;
use crate::ident::{AgentId, Digest, Epoch, Lane, MessageId, Position};
use crate::store::spool::{Fate, Gap};
use crate::store::{GapKind, StoreError};

/// See [`crate::store::spool::SpoolReader::rows`].
pub(super) fn rows(
    connection: &Connection,
    (epoch, lane): (Epoch, Lane),
    from: u64,
    count: usize,
    bytes: usize,
) -> Result<Vec<Row>, StoreError> {
    let Some(log) = log(connection, epoch, lane)? else {
        return Ok(Vec::new());
    };
    let next = log.next()?;
    let (mut found, mut size, mut at) = (Vec::new(), 0, from.max(1));
    while at < next && found.len() < count && size < bytes {
        if let Some(gap) = gap_at(&log, at)? {
            at = gap.1 + 1;
            continue;
        }
        let to = next_gap(&log, at)?.unwrap_or(next) - 1;
        at = match some_rows(&log, (at, to), count, bytes, &mut found, &mut size) {
            Ok(at) => at,
            Err(StoreError::DamagedRow { .. }) if !found.is_empty() => break,
            Err(error) => return Err(error),
        };
    }
    Ok(found)
}

/// Appends the rows of a stretch without gaps, as far as they fit, and says where to go on.
fn some_rows(
    log: &Log<'_>,
    (from, to): (u64, u64),
    count: usize,
    bytes: usize,
    found: &mut Vec<Row>,
    size: &mut usize,
) -> Result<u64, StoreError> {
    let mut at = from;
    log.scan(from, to, |kept| {
        if kept.sequence != at {
            return Err(missing(log, at));
        }
        if !found.is_empty() && *size + kept.bytes.len() > bytes {
            *size = bytes;
            return Ok(false);
        }
        at += 1;
        *size += kept.bytes.len();
        found.push(log.row(kept));
        Ok(found.len() < count)
    })?;
    let all = at > to || found.len() >= count || *size >= bytes;
    if all { Ok(at) } else { Err(missing(log, at)) }
}

/// A row that should be there and is not was taken by something else than this program.
fn missing(log: &Log<'_>, sequence: u64) -> StoreError {
    StoreError::DamagedRow {
        position: log.position(sequence),
        text: "it is missing".to_owned(),
    }
}

/// See [`crate::store::spool::SpoolReader::gaps`].
pub(super) fn gaps(
    connection: &Connection,
    (epoch, lane): (Epoch, Lane),
    from: u64,
    to: u64,
    count: usize,
) -> Result<Vec<Gap>, StoreError> {
    let Some(log) = log(connection, epoch, lane)? else {
        return Ok(Vec::new());
    };
    let next = log.next()?;
    let first = log.first()?.unwrap_or(next);
    let to = to.min(next - 1);
    let (mut found, mut at) = (Vec::new(), from.max(1));
    while at <= to && found.len() < count {
        let Some((kind, last)) = gap_at(&log, at)? else {
            match next_gap(&log, at)? {
                Some(begin) => at = begin,
                None => break,
            }
            continue;
        };
        let last = last.min(to).max(if at < first { first - 1 } else { 0 });
        // Unknown only beside a damaged row that is not given up yet; then it can be said later.
        let Some(running) = log.running(last)? else {
            break;
        };
        found.push(Gap {
            first: at,
            last,
            before: log.running(at - 1)?,
            running,
            kind,
        });
        at = last + 1;
    }
    Ok(found)
}

/// Why this sequence is left out, and up to where for the same reason; none where it is not.
fn gap_at(log: &Log<'_>, at: u64) -> Result<Option<(GapKind, u64)>, StoreError> {
    let moved = log.set(Kind::Moved);
    if let Some(range) = moved.around(at)? {
        return Ok(Some((GapKind::Moved, *range.end())));
    }
    if let Some(range) = log.set(Kind::Settled).around(at)? {
        let last = moved.behind(at)?.map_or(*range.end(), |moved| moved.start() - 1);
        return Ok(Some((GapKind::Settled, last.min(*range.end()))));
    }
    let lost = log.set(Kind::Lost).around(at)?;
    let Some(range) = lost else {
        return Ok(None);
    };
    let settled = log.set(Kind::Settled).behind(at)?;
    let last = settled.map_or(*range.end(), |settled| settled.start() - 1);
    Ok(Some((GapKind::Lost, last.min(*range.end()))))
}

/// The first sequence behind `at` that is left out.
fn next_gap(log: &Log<'_>, at: u64) -> Result<Option<u64>, StoreError> {
    let settled = log.set(Kind::Settled).behind(at)?;
    let lost = log.set(Kind::Lost).behind(at)?;
    Ok(settled.into_iter().chain(lost).map(|range| *range.start()).min())
}

/// See [`crate::store::spool::SpoolReader::fate`].
pub(super) fn fate(connection: &Connection, position: Position) -> Result<Option<Fate>, StoreError> {
    let Some(log) = log(connection, position.epoch, position.lane)? else {
        return Ok(None);
    };
    let sequence = position.sequence;
    if sequence == 0 || sequence >= log.next()? {
        return Ok(None);
    }
    if log.set(Kind::Settled).has(sequence)? {
        return Ok(learn::outcome(connection, &log, sequence)?.map(Fate::Settled));
    }
    if let Some(reason) = learn::reason(connection, &log, sequence)? {
        return Ok(Some(Fate::Dead(reason)));
    }
    let stored = log.set(Kind::Stored).has(sequence)?;
    Ok(Some(if stored { Fate::Stored } else { Fate::Waiting }))
}

/// See [`crate::store::spool::SpoolReader::dialogue`].
pub(super) fn dialogue(
    connection: &Connection,
    station: &str,
    name: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT crc, state FROM dialogue WHERE station = ? AND connection = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([station, name], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)));
    let Some((crc, state)): Option<(i64, Vec<u8>)> = found.optional()? else {
        return Ok(None);
    };
    if crc == dialogue_checksum(station, name, &state) {
        Ok(Some(state))
    } else {
        let text = format!("the dialogue of {station} ({name}) is not what was written");
        Err(StoreError::Damaged(text))
    }
}

/// The lane of an epoch, where this spool has that epoch.
pub(super) fn log(connection: &Connection, epoch: Epoch, lane: Lane) -> Result<Option<Log<'_>>, StoreError> {
    let age = epochs::named(connection, epoch)?;
    Ok(age.map(|age| Log::of(connection, lane, age)))
}

/// See [`crate::store::spool::SpoolReader::running`].
pub(super) fn running(
    connection: &Connection,
    (epoch, lane): (Epoch, Lane),
    sequence: u64,
) -> Result<Option<Digest>, StoreError> {
    match log(connection, epoch, lane)? {
        Some(log) => log.running(sequence),
        None => Ok(None),
    }
}

/// See [`crate::store::spool::SpoolReader::claimed`].
pub(super) fn claimed(
    connection: &Connection,
    agent: &AgentId,
    source: &str,
    id: &str,
) -> Result<Option<Vec<MessageId>>, StoreError> {
    let answer = claims::get(connection, source, id)?;
    Ok(answer.map(|answer| answer.stamps.iter().map(|stamp| stamp.of(agent)).collect()))
}

/// Whether a position that should have a row has none that can be read.
pub(super) fn is_unreadable(log: &Log<'_>, sequence: u64) -> Result<bool, StoreError> {
    let given = (1..log.next()?).contains(&sequence);
    if !given || log.set(Kind::Settled).has(sequence)? || log.set(Kind::Damaged).has(sequence)? {
        return Ok(false);
    }
    match log.get(sequence) {
        Ok(row) => Ok(row.is_none()),
        Err(StoreError::DamagedRow { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}
