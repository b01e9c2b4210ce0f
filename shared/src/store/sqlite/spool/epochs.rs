//! The epochs of this spool, in the order in which they began. The last one grows; the others were cut.

use std::ops::RangeInclusive;

use rusqlite::{Connection, params};

use super::log::{Kept, Log, Tip};
use super::place::{Life, end, next_life, place, signed};
use super::seal::Growth;
use super::sets::{Kind, Set};
use crate::ident::{Digest, Epoch, Lane};
use crate::store::StoreError;
use crate::store::spool::Head;

/// Most unreadable rows at the end of a lane behind which a good one is looked for.
const BAD_ROWS: u64 = 4096;

/// An epoch and its number in this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Age {
    /// Its number.
    pub life: Life,
    /// Its name.
    pub epoch: Epoch,
    /// The epoch before it.
    pub previous: Option<Epoch>,
}

/// All of them, oldest first.
pub(super) fn all(connection: &Connection) -> Result<Vec<Age>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT life, epoch, previous FROM life ORDER BY life")?;
    let found = statement.query_map([], |row| {
        let previous: Option<i64> = row.get(2)?;
        Ok(Age {
            life: row.get(0)?,
            epoch: Epoch(row.get::<_, i64>(1)? as u64),
            previous: previous.map(|epoch| Epoch(epoch as u64)),
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The one that grows.
pub(super) fn growing(ages: &[Age]) -> Result<Age, StoreError> {
    ages.last()
        .copied()
        .ok_or_else(|| StoreError::Damaged("the spool has no epoch".to_owned()))
}

/// The one of that name.
pub(super) fn named(connection: &Connection, epoch: Epoch) -> Result<Option<Age>, StoreError> {
    Ok(all(connection)?.into_iter().find(|age| age.epoch == epoch))
}

/// Begins an epoch. `why` is kept for people.
pub(super) fn begin(connection: &Connection, epoch: Epoch, why: &str) -> Result<Age, StoreError> {
    let last = all(connection)?.last().copied();
    let age = Age {
        life: last.map_or(Ok(1), |last| next_life(last.life))?,
        epoch,
        previous: last.map(|last| last.epoch),
    };
    let previous = age.previous.map(|epoch| epoch.0 as i64);
    connection.execute(
        "INSERT INTO life (life, epoch, previous, why) VALUES (?, ?, ?, ?)",
        params![age.life, epoch.0 as i64, previous, why],
    )?;
    Ok(age)
}

/// Ends an epoch: its lanes have these heads for ever.
pub(super) fn close(connection: &Connection, age: Age, tips: &[Tip; 3]) -> Result<(), StoreError> {
    let sql = "INSERT INTO closed (life, lane, next, total, running) VALUES (?, ?, ?, ?, ?)";
    for (lane, tip) in Lane::ALL.into_iter().zip(tips) {
        let row = params![
            age.life,
            lane.number(),
            signed(tip.next),
            signed(tip.total),
            tip.running.0
        ];
        connection.execute(sql, row)?;
    }
    Ok(())
}

/// Rows at the end of a lane that cannot be read.
pub(super) type BadTail = (Lane, RangeInclusive<u64>);

/// The growing epoch as its last rows tell it. Where a lane ends in rows that cannot be read, its head is behind the
/// last good one, and the epoch must not grow on: the positions of the bad ones were given.
pub(super) fn growth(connection: &Connection, age: Age) -> Result<(Growth, Vec<BadTail>), StoreError> {
    let (mut growth, mut bad) = (Growth::first(age), Vec::new());
    for (lane, tip) in Lane::ALL.into_iter().zip(&mut growth.tips) {
        let log = Log::of(connection, lane, age);
        let Some(last) = log.last_sequence()? else {
            continue;
        };
        let good = last_good(&log, last)?;
        let good_sequence = good.as_ref().map_or(0, |row| row.sequence);
        if good_sequence < last {
            bad.push((lane, good_sequence + 1..=last));
        }
        if let Some(row) = good {
            *tip = row.tip();
            growth.ordinal = growth.ordinal.max(row.ordinal + 1);
        }
    }
    Ok((growth, bad))
}

fn last_good(log: &Log<'_>, last: u64) -> Result<Option<Kept>, StoreError> {
    let lowest = last.saturating_sub(BAD_ROWS);
    for sequence in (lowest + 1..=last).rev() {
        match log.get(sequence) {
            Ok(Some(row)) => return Ok(Some(row)),
            Ok(None) | Err(StoreError::DamagedRow { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    if lowest == 0 {
        return Ok(None);
    }
    let (lane, epoch) = (log.lane, log.age.epoch);
    let text =
        format!("more than {BAD_ROWS} rows at the end of the lane {lane} of epoch {epoch} cannot be read");
    Err(StoreError::Damaged(text))
}

/// What the contract calls the heads.
pub(super) fn heads(connection: &Connection) -> Result<Vec<Head>, StoreError> {
    let mut heads = Vec::new();
    for age in all(connection)? {
        for lane in Lane::ALL {
            heads.push(head(connection, lane, age)?);
        }
    }
    Ok(heads)
}

fn head(connection: &Connection, lane: Lane, age: Age) -> Result<Head, StoreError> {
    let log = Log::of(connection, lane, age);
    let Tip { next, running, .. } = log.tip()?;
    Ok(Head {
        epoch: age.epoch,
        previous: age.previous,
        lane,
        first: log.first()?.unwrap_or(next),
        next,
        running,
        stored: Set::of(connection, Kind::Stored, lane, age.life).floor()?,
        settled: Set::of(connection, Kind::Settled, lane, age.life).floor()?,
    })
}

impl Tip {
    /// The head of a lane in which nothing was kept yet.
    pub fn origin(epoch: Epoch, lane: Lane) -> Self {
        Self {
            next: 1,
            total: 0,
            running: Digest::origin(epoch, lane),
        }
    }
}

/// Forgets an epoch of which nothing is left.
pub(super) fn forget(connection: &Connection, age: Age) -> Result<(), StoreError> {
    let (first, last) = (place(age.life, 0), end(age.life));
    connection.execute("DELETE FROM span WHERE first BETWEEN ? AND ?", [first, last])?;
    connection.execute("DELETE FROM floor WHERE life = ?", [age.life])?;
    connection.execute("DELETE FROM closed WHERE life = ?", [age.life])?;
    connection.execute("DELETE FROM life WHERE life = ?", [age.life])?;
    Ok(())
}
