//! Sets of sequences of a lane: everything up to a floor, and disjoint ranges above it.
//!
//! A link that works keeps them at one row each; their size is that of the disorder, not of the backlog.

use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension, params};

use super::place::{Life, end, place, sequence_of, signed};
use crate::ident::Lane;
use crate::store::StoreError;

/// What is true of the sequences in a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Stored at the other end; contains what is settled.
    Stored = 0,
    /// Settled; contains what was moved.
    Settled = 1,
    /// No longer here although not settled: dropped or damaged.
    Lost = 2,
    /// Moved to another epoch.
    Moved = 3,
    /// Known to be unreadable. Never read again: once SQLite meets a damaged page in a transaction, it refuses to write
    /// in it. Never deleted either: it is left for salvage.
    Damaged = 4,
}

/// A set of one lane of one life.
#[derive(Debug, Clone, Copy)]
pub(super) struct Set<'c> {
    connection: &'c Connection,
    kind: Kind,
    lane: Lane,
    life: Life,
}

impl<'c> Set<'c> {
    /// The set of this kind.
    pub fn of(connection: &'c Connection, kind: Kind, lane: Lane, life: Life) -> Self {
        Self {
            connection,
            kind,
            lane,
            life,
        }
    }

    /// Everything up to here is in it.
    pub fn floor(&self) -> Result<u64, StoreError> {
        let sql = "SELECT sequence FROM floor WHERE kind = ? AND lane = ? AND life = ?";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found: Option<i64> = statement
            .query_row(params![self.kind as u8, self.lane.number(), self.life], |row| {
                row.get(0)
            })
            .optional()?;
        Ok(found.map_or(0, |floor| floor.unsigned_abs()))
    }

    /// The range that has this sequence in it.
    pub fn around(&self, sequence: u64) -> Result<Option<RangeInclusive<u64>>, StoreError> {
        let floor = self.floor()?;
        if sequence <= floor {
            return Ok(Some(1..=floor));
        }
        let sql = "SELECT first, last FROM span WHERE kind = ? AND lane = ? AND first BETWEEN ? AND ? \
                   ORDER BY first DESC LIMIT 1";
        let found = self.one(sql, place(self.life, 0), place(self.life, sequence))?;
        Ok(found.filter(|range| range.contains(&sequence)))
    }

    /// Whether this sequence is in it.
    pub fn has(&self, sequence: u64) -> Result<bool, StoreError> {
        Ok(self.around(sequence)?.is_some())
    }

    /// The first range that begins behind this sequence.
    pub fn behind(&self, sequence: u64) -> Result<Option<RangeInclusive<u64>>, StoreError> {
        let floor = self.floor()?;
        if sequence == 0 && floor > 0 {
            return Ok(Some(1..=floor));
        }
        let sql = "SELECT first, last FROM span WHERE kind = ? AND lane = ? AND first BETWEEN ? AND ? \
                   ORDER BY first LIMIT 1";
        self.one(sql, place(self.life, sequence + 1), end(self.life))
    }

    /// The ranges above the floor, lowest first, at most this many.
    pub fn spans(&self, count: usize) -> Result<Vec<RangeInclusive<u64>>, StoreError> {
        let sql = "SELECT first, last FROM span WHERE kind = ? AND lane = ? AND first BETWEEN ? AND ? \
                   ORDER BY first LIMIT ?";
        let mut statement = self.connection.prepare_cached(sql)?;
        let (first, last) = (place(self.life, 0), end(self.life));
        let bounds = params![
            self.kind as u8,
            self.lane.number(),
            first,
            last,
            signed(count as u64)
        ];
        let found = statement.query_map(bounds, range)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// How many sequences are in it.
    pub fn count(&self) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(sum(last - first + 1), 0) FROM span \
                   WHERE kind = ? AND lane = ? AND first BETWEEN ? AND ?";
        let mut statement = self.connection.prepare_cached(sql)?;
        let bounds = params![
            self.kind as u8,
            self.lane.number(),
            place(self.life, 0),
            end(self.life)
        ];
        let above: i64 = statement.query_row(bounds, |row| row.get(0))?;
        Ok(self.floor()? + above.unsigned_abs())
    }

    /// Adds a range, joined with what it touches.
    pub fn add(&self, range: RangeInclusive<u64>) -> Result<(), StoreError> {
        let floor = self.floor()?;
        let (mut first, mut last) = (*range.start().max(&(floor + 1)), *range.end());
        if first > last {
            return Ok(());
        }
        let before = self.around(first - 1)?.filter(|_| first - 1 > floor);
        let mut touched = before.or(self.behind(first - 1)?);
        while let Some(other) = touched.filter(|other| *other.start() <= last + 1) {
            first = first.min(*other.start());
            last = last.max(*other.end());
            self.remove(*other.start())?;
            touched = self.behind(*other.start())?;
        }
        if first == floor + 1 {
            self.set_floor(last)
        } else {
            self.insert(first, last)
        }
    }

    /// Makes it exactly everything up to here.
    pub fn reset(&self, floor: u64) -> Result<(), StoreError> {
        let sql = "DELETE FROM span WHERE kind = ? AND lane = ? AND first BETWEEN ? AND ?";
        let bounds = params![
            self.kind as u8,
            self.lane.number(),
            place(self.life, 0),
            end(self.life)
        ];
        self.connection.prepare_cached(sql)?.execute(bounds)?;
        self.set_floor(floor)
    }

    fn one(&self, sql: &str, low: i64, high: i64) -> Result<Option<RangeInclusive<u64>>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let bounds = params![self.kind as u8, self.lane.number(), low, high];
        Ok(statement.query_row(bounds, range).optional()?)
    }

    fn set_floor(&self, sequence: u64) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO floor (kind, lane, life, sequence) VALUES (?, ?, ?, ?)";
        let row = params![self.kind as u8, self.lane.number(), self.life, signed(sequence)];
        self.connection.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    fn insert(&self, first: u64, last: u64) -> Result<(), StoreError> {
        let sql = "INSERT INTO span (kind, lane, first, last) VALUES (?, ?, ?, ?)";
        let (first, last) = (place(self.life, first), place(self.life, last));
        let row = params![self.kind as u8, self.lane.number(), first, last];
        self.connection.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    fn remove(&self, first: u64) -> Result<(), StoreError> {
        let sql = "DELETE FROM span WHERE kind = ? AND lane = ? AND first = ?";
        let row = params![self.kind as u8, self.lane.number(), place(self.life, first)];
        self.connection.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }
}

fn range(row: &rusqlite::Row<'_>) -> rusqlite::Result<RangeInclusive<u64>> {
    Ok(sequence_of(row.get(0)?)..=sequence_of(row.get(1)?))
}
