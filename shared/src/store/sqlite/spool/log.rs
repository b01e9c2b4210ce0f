//! One lane of one epoch: its rows in the file, each checked whenever it is read.

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};

use super::epochs::Age;
use super::place::{end, place, sequence_of, signed};
use super::row::parse;
pub(super) use super::row::{Gone, Kept, Tip};
use super::schema::{by_lane, of};
use super::sets::{Kind, Set};
use crate::envelope::Row;
use crate::ident::{Digest, Epoch, Lane, Position};
use crate::store::StoreError;

/// One lane of one epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log<'c> {
    connection: &'c Connection,
    /// The lane.
    pub lane: Lane,
    /// The epoch.
    pub age: Age,
}

const INSERT: [&str; 3] = by_lane!(
    "INSERT INTO message_",
    " (place, ordinal, total, size, origin, gone, crc, digest, before, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
);
const GET: [&str; 3] = by_lane!(
    "SELECT place, ordinal, total, size, origin, gone, crc, digest, before, bytes FROM message_",
    " WHERE place = ?"
);
const SCAN: [&str; 3] = by_lane!(
    "SELECT place, ordinal, total, size, origin, gone, crc, digest, before, bytes FROM message_",
    " WHERE place BETWEEN ? AND ? ORDER BY place"
);
const LAST: [&str; 3] = by_lane!(
    "SELECT place FROM message_",
    " WHERE place BETWEEN ? AND ? ORDER BY place DESC LIMIT 1"
);
const FIRST: [&str; 3] = by_lane!(
    "SELECT place FROM message_",
    " WHERE place BETWEEN ? AND ? ORDER BY place LIMIT 1"
);
const BURY: [&str; 3] = by_lane!(
    "UPDATE message_",
    " SET gone = ?, crc = ?, bytes = ? WHERE place = ?"
);
const DELETE: [&str; 3] = by_lane!("DELETE FROM message_", " WHERE place = ?");

impl<'c> Log<'c> {
    /// The lane of that epoch.
    pub fn of(connection: &'c Connection, lane: Lane, age: Age) -> Self {
        Self {
            connection,
            lane,
            age,
        }
    }

    /// A set of its sequences.
    pub fn set(&self, kind: Kind) -> Set<'c> {
        Set::of(self.connection, kind, self.lane, self.age.life)
    }

    /// A position in it.
    pub fn position(&self, sequence: u64) -> Position {
        position(self.age.epoch, self.lane, sequence)
    }

    /// The row at this sequence.
    pub fn get(&self, sequence: u64) -> Result<Option<Kept>, StoreError> {
        let mut statement = self.connection.prepare_cached(of(&GET, self.lane))?;
        let found = statement.query_row([place(self.age.life, sequence)], |row| Ok(self.read(row)));
        match found.optional() {
            Ok(row) => row.transpose(),
            Err(error) => Err(self.at(sequence, error.into())),
        }
    }

    /// Gives the rows of `from..=to` to `each`, in order, until it says false.
    pub fn scan(
        &self,
        from: u64,
        to: u64,
        mut each: impl FnMut(Kept) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(of(&SCAN, self.lane))?;
        let mut rows = statement.query([place(self.age.life, from), place(self.age.life, to)])?;
        let mut expected = from;
        loop {
            match rows.next() {
                Ok(None) => return Ok(()),
                Ok(Some(row)) => {
                    let row = self.read(row)?;
                    expected = row.sequence + 1;
                    // A step beyond the last could meet a damaged page that nobody asked for.
                    if !each(row)? || expected > to {
                        return Ok(());
                    }
                }
                Err(error) => return Err(self.at(expected, error.into())),
            }
        }
    }

    /// The last row.
    pub fn last(&self) -> Result<Option<Kept>, StoreError> {
        match self.last_sequence()? {
            Some(sequence) => self.get(sequence),
            None => Ok(None),
        }
    }

    /// The first sequence that has a row. (Damaged rows behind the head of a closed epoch are left in the file.)
    pub fn first(&self) -> Result<Option<u64>, StoreError> {
        let first = self.end(FIRST)?;
        let next = self.closed()?.map_or(u64::MAX, |tip| tip.next);
        Ok(first.filter(|first| *first < next))
    }

    /// The sequence that comes next, known even where the last row cannot be read.
    pub fn next(&self) -> Result<u64, StoreError> {
        match self.closed()? {
            Some(tip) => Ok(tip.next),
            None => Ok(self.last_sequence()?.map_or(1, |last| last + 1)),
        }
    }

    /// The last sequence that has a row, readable or not.
    pub fn last_sequence(&self) -> Result<Option<u64>, StoreError> {
        self.end(LAST)
    }

    fn end(&self, sql: [&'static str; 3]) -> Result<Option<u64>, StoreError> {
        let mut statement = self.connection.prepare_cached(of(&sql, self.lane))?;
        let bounds = [place(self.age.life, 0), end(self.age.life)];
        let found: Option<i64> = statement.query_row(bounds, |row| row.get(0)).optional()?;
        Ok(found.map(sequence_of))
    }

    /// Where it ends.
    pub fn tip(&self) -> Result<Tip, StoreError> {
        if let Some(tip) = self.closed()? {
            return Ok(tip);
        }
        let last = self.last()?;
        Ok(last.map_or_else(|| Tip::origin(self.age.epoch, self.lane), |last| last.tip()))
    }

    /// Where it ended when its epoch was cut; none where it grows.
    fn closed(&self) -> Result<Option<Tip>, StoreError> {
        let sql = "SELECT next, total, running FROM closed WHERE life = ? AND lane = ?";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_row(params![self.age.life, self.lane.number()], |row| {
            Ok(Tip {
                next: row.get::<_, i64>(0)?.unsigned_abs(),
                total: row.get::<_, i64>(1)?.unsigned_abs(),
                running: Digest(row.get(2)?),
            })
        });
        Ok(found.optional()?)
    }

    /// The running digest up to and including a sequence, where it is known.
    pub fn running(&self, sequence: u64) -> Result<Option<Digest>, StoreError> {
        if sequence == 0 {
            return Ok(Some(Digest::origin(self.age.epoch, self.lane)));
        }
        let next = self.next()?;
        if sequence >= next {
            return Ok(None);
        }
        if sequence + 1 == next {
            return Ok(Some(self.tip()?.running));
        }
        // The row behind says it too, so it is known even where the row itself is damaged.
        for (at, own) in [(sequence + 1, false), (sequence, true)] {
            match self.get(at) {
                Ok(Some(row)) if own => return Ok(Some(row.tip().running)),
                Ok(Some(row)) => return Ok(Some(row.before)),
                Ok(None) | Err(StoreError::DamagedRow { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Appends a row.
    pub fn insert(&self, row: &Kept) -> Result<(), StoreError> {
        let place = place(self.age.life, row.sequence);
        let mut statement = self.connection.prepare_cached(of(&INSERT, self.lane))?;
        statement.execute(params![
            place,
            signed(row.ordinal),
            signed(row.total),
            signed(row.size),
            row.origin,
            row.gone as i64,
            row.checksum(self.lane, place),
            row.digest.0,
            row.before.0,
            row.bytes,
        ])?;
        Ok(())
    }

    /// Takes a row's content away, and leaves `rest` in its place.
    pub fn bury(&self, mut row: Kept, gone: Gone, rest: Vec<u8>) -> Result<(), StoreError> {
        row.gone = gone;
        row.bytes = rest;
        let place = place(self.age.life, row.sequence);
        let mut statement = self.connection.prepare_cached(of(&BURY, self.lane))?;
        statement.execute(params![
            gone as i64,
            row.checksum(self.lane, place),
            row.bytes,
            place
        ])?;
        Ok(())
    }

    /// Takes a row away altogether.
    pub fn delete(&self, sequence: u64) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(of(&DELETE, self.lane))?;
        statement.execute([place(self.age.life, sequence)])?;
        Ok(())
    }

    /// The row as the link sends it.
    pub fn row(&self, kept: Kept) -> Row {
        Row {
            position: self.position(kept.sequence),
            digest: kept.digest,
            before: kept.before,
            bytes: kept.bytes,
        }
    }

    fn read(&self, row: &SqlRow<'_>) -> Result<Kept, StoreError> {
        let place: i64 = row.get(0)?;
        let sequence = sequence_of(place);
        let parsed = parse(row, sequence);
        let crc = row.get::<_, i64>(6).ok();
        let whole = parsed.filter(|kept| crc == Some(kept.checksum(self.lane, place)));
        whole.ok_or_else(|| StoreError::DamagedRow {
            position: self.position(sequence),
            text: "its checksum is wrong".to_owned(),
        })
    }

    /// A damaged page seen while this row was looked for is this row's damage: its neighbours can still be read.
    fn at(&self, sequence: u64, error: StoreError) -> StoreError {
        match error {
            StoreError::Damaged(text) => StoreError::DamagedRow {
                position: self.position(sequence),
                text,
            },
            other => other,
        }
    }
}

fn position(epoch: Epoch, lane: Lane, sequence: u64) -> Position {
    Position {
        epoch,
        lane,
        sequence,
    }
}
