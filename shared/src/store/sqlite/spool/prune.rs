//! Taking away what is no longer needed, a bounded amount at each call.
//!
//! Never takes a message that is not settled, except under [`Pressure::DropStored`], and then never a dead one.

use std::ops::RangeInclusive;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::claims;
use super::epochs::{self, Age};
use super::learn;
use super::log::{Gone, Log};
use super::place::{life_of, place, sequence_of, signed};
use super::schema::{by_lane, of};
use super::sets::Kind;
use super::stub::Stub;
use crate::codec::binary;
use crate::envelope::Envelope;
use crate::ident::Lane;
use crate::outcome::Outcome;
use crate::store::StoreError;
use crate::store::spool::{Fate, Pressure, Pruned, Retention};

/// Most rows of each sort that one call takes away.
pub(super) const ROWS: usize = 4096;
/// Most claims that one call looks at.
pub(super) const CLAIMS: usize = 4096;

/// Most scans in the journal; the oldest go first, whatever their age.
const SCANS: i64 = 1_000_000;

const EXPIRED: [&str; 3] = by_lane!(
    "SELECT place FROM settled_",
    " WHERE at < ? ORDER BY at, place LIMIT ?"
);
const FORGET: [&str; 3] = by_lane!("DELETE FROM settled_", " WHERE place = ?");
const POSTPONE: [&str; 3] = by_lane!("UPDATE settled_", " SET at = ? WHERE place = ?");
const PREFIX: [&str; 3] = by_lane!(
    "SELECT m.place, m.gone IN (1, 2) AND s.place IS NULL FROM message_",
    " AS m LEFT JOIN settled_",
    " AS s ON s.place = m.place WHERE m.place BETWEEN ? AND ? ORDER BY m.place LIMIT ?"
);

/// One call's work.
pub(super) struct Pruning<'t> {
    pub connection: &'t Connection,
    pub ages: &'t [Age],
    pub at_ms: u64,
    pub pruned: Pruned,
}

impl Pruning<'_> {
    /// Everything that may go. Answers where the next call goes on among the claims.
    pub fn all(
        &mut self,
        keep: &Retention,
        excess: u64,
        cursor: Option<(String, String)>,
    ) -> Result<Option<(String, String)>, StoreError> {
        let at_ms = self.at_ms;
        let before =
            |keep: Duration| at_ms.saturating_sub(u64::try_from(keep.as_millis()).unwrap_or(u64::MAX));
        self.settled(before(keep.settled))?;
        self.scans(before(keep.scans))?;
        if keep.pressure == Pressure::DropStored {
            self.drop_stored(excess)?;
        }
        self.epochs()?;
        self.claims(cursor, before(keep.claims))
    }

    /// Settled messages from before this running time.
    fn settled(&mut self, horizon_ms: u64) -> Result<(), StoreError> {
        for lane in Lane::ALL {
            let mut statement = self.connection.prepare_cached(of(&EXPIRED, lane))?;
            let expired = statement
                .query_map(params![signed(horizon_ms), ROWS as i64], |row| row.get(0))?
                .collect::<Result<Vec<i64>, _>>()?;
            self.pruned.more |= expired.len() == ROWS;
            for place in expired {
                self.expire(lane, place)?;
            }
            for age in self.ages {
                self.delete_prefix(&Log::of(self.connection, lane, *age))?;
            }
        }
        Ok(())
    }

    fn expire(&mut self, lane: Lane, place: i64) -> Result<(), StoreError> {
        let Some(age) = self.ages.iter().find(|age| age.life == life_of(place)) else {
            return self.forget(lane, place);
        };
        let log = Log::of(self.connection, lane, *age);
        let sequence = sequence_of(place);
        if self.is_still_moving(&log, sequence)? {
            let mut postpone = self.connection.prepare_cached(of(&POSTPONE, lane))?;
            postpone.execute(params![signed(self.at_ms), place])?;
            return Ok(());
        }
        let row = match log.set(Kind::Damaged).has(sequence)? {
            true => None,
            false => log.get(sequence)?,
        };
        if let Some(row) = row.filter(|row| row.gone != Gone::Moved) {
            log.bury(row, Gone::Pruned, Vec::new())?;
        }
        self.pruned.settled += 1;
        self.forget(lane, place)
    }

    /// A moved row is needed until it has settled where it went: what came after it waits for that.
    fn is_still_moving(&self, log: &Log<'_>, sequence: u64) -> Result<bool, StoreError> {
        if !log.set(Kind::Moved).has(sequence)? {
            return Ok(false);
        }
        let Some(Outcome::Superseded { by: Some(by) }) = learn::outcome(self.connection, log, sequence)?
        else {
            return Ok(false);
        };
        let fate = super::read::fate(self.connection, by.position)?;
        Ok(matches!(fate, Some(Fate::Waiting | Fate::Stored | Fate::Dead(_))))
    }

    fn forget(&self, lane: Lane, place: i64) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(of(&FORGET, lane))?
            .execute([place])?;
        Ok(())
    }

    /// Tombstones at the beginning of a lane say nothing any more. The growing epoch keeps its last row: its head. A
    /// damaged row ends the beginning.
    fn delete_prefix(&mut self, log: &Log<'_>) -> Result<(), StoreError> {
        let growing = epochs::growing(self.ages)? == log.age;
        let settled = log.set(Kind::Settled).floor()?;
        let spared = if growing {
            log.next()?.saturating_sub(2)
        } else {
            u64::MAX
        };
        let damaged = log
            .set(Kind::Damaged)
            .behind(0)?
            .map_or(u64::MAX, |range| range.start() - 1);
        let last = settled.min(spared).min(damaged);
        let mut statement = self.connection.prepare_cached(of(&PREFIX, log.lane))?;
        let bounds = params![place(log.age.life, 0), place(log.age.life, last), ROWS as i64];
        let prefix = statement
            .query_map(bounds, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?)))?
            .take_while(|row| row.as_ref().map_or(true, |(_, over)| *over))
            .collect::<Result<Vec<_>, _>>()?;
        for (place, _) in prefix {
            log.delete(sequence_of(place))?;
        }
        Ok(())
    }

    /// Scans from before this running time.
    fn scans(&mut self, horizon_ms: u64) -> Result<(), StoreError> {
        let sql = "DELETE FROM scan WHERE number IN (SELECT number FROM scan ORDER BY number LIMIT ?1) \
                   AND (at < ?2 OR number <= (SELECT max(number) FROM scan) - ?3)";
        let bounds = params![ROWS as i64, signed(horizon_ms), SCANS];
        let gone = self.connection.prepare_cached(sql)?.execute(bounds)?;
        self.pruned.scans += gone as u64;
        self.pruned.more |= gone == ROWS;
        Ok(())
    }

    /// Claims from before this running time, among those behind `cursor`.
    fn claims(
        &mut self,
        cursor: Option<(String, String)>,
        horizon_ms: u64,
    ) -> Result<Option<(String, String)>, StoreError> {
        let (cursor, gone) = claims::sweep(self.connection, cursor, CLAIMS, horizon_ms)?;
        self.pruned.claims += gone;
        Ok(cursor)
    }

    /// Stored messages until this many bytes are free: of the least urgent lane first, there oldest first.
    fn drop_stored(&mut self, mut excess: u64) -> Result<(), StoreError> {
        let mut left = ROWS;
        for lane in Lane::ALL.into_iter().rev() {
            for age in self.ages {
                let log = Log::of(self.connection, lane, *age);
                self.drop_of(&log, &mut excess, &mut left)?;
            }
        }
        self.pruned.more |= excess > 0 && left == 0;
        Ok(())
    }

    fn drop_of(&mut self, log: &Log<'_>, excess: &mut u64, left: &mut usize) -> Result<(), StoreError> {
        let mut at = 1;
        while let Some(range) = droppable(log, at)? {
            at = range.end() + 1;
            for sequence in range {
                if *excess == 0 || *left == 0 {
                    return Ok(());
                }
                let freed = self.drop_one(log, sequence)?;
                *excess = excess.saturating_sub(freed);
                *left -= 1;
            }
        }
        Ok(())
    }

    /// Drops a row unless it is dead, and says how many bytes that freed.
    fn drop_one(&mut self, log: &Log<'_>, sequence: u64) -> Result<u64, StoreError> {
        if learn::reason(self.connection, log, sequence)?.is_some() {
            return Ok(0);
        }
        let Some(row) = log.get(sequence)?.filter(|row| row.gone == Gone::Not) else {
            return Ok(0);
        };
        let Ok(envelope) = Envelope::open(&row.bytes) else {
            return Ok(0);
        };
        let rest =
            binary::encode(&Stub::of(envelope)).map_err(|error| StoreError::Misuse(error.to_string()))?;
        let freed = (row.bytes.len() as u64).saturating_sub(rest.len() as u64);
        log.bury(row, Gone::Dropped, rest)?;
        log.set(Kind::Lost).add(sequence..=sequence)?;
        self.pruned.dropped += 1;
        Ok(freed)
    }

    /// Epochs that were cut, are settled and have no rows left.
    fn epochs(&mut self) -> Result<(), StoreError> {
        let growing = epochs::growing(self.ages)?;
        for age in self.ages.iter().filter(|age| **age != growing) {
            let mut empty = true;
            for lane in Lane::ALL {
                let log = Log::of(self.connection, lane, *age);
                let settled = log.set(Kind::Settled).floor()? + 1 == log.next()?;
                empty &= settled && log.first()?.is_none();
            }
            if empty {
                epochs::forget(self.connection, *age)?;
            }
        }
        Ok(())
    }
}

/// The next stretch from `at` on that is stored, not settled and not lost.
fn droppable(log: &Log<'_>, mut at: u64) -> Result<Option<RangeInclusive<u64>>, StoreError> {
    let (stored, settled, lost) = (log.set(Kind::Stored), log.set(Kind::Settled), log.set(Kind::Lost));
    loop {
        if let Some(over) = settled.around(at)?.or(lost.around(at)?) {
            at = over.end() + 1;
            continue;
        }
        let Some(range) = stored.around(at)?.or(stored.behind(at)?) else {
            return Ok(None);
        };
        if *range.start() > at {
            at = *range.start();
            continue;
        }
        let others = settled.behind(at)?.into_iter().chain(lost.behind(at)?);
        let last = others.map(|other| other.start() - 1).fold(*range.end(), u64::min);
        return Ok(Some(at..=last));
    }
}
