//! Moving a floor over what is here, with the running digest of it.
//!
//! Reads the steps; what they make of the digest is the business of [`Chain`]. A floor only ever stands where its digest
//! is known.

use std::collections::BTreeMap;

use crate::ident::Digest;
use crate::store::StoreError;
use crate::store::inbox::{Chain, Declared, Floor};

use super::work::Work;

/// How far to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Over everything that is here.
    Stored,
    /// Over what is settled.
    Settled,
}

/// Where a walk ended.
pub(super) struct Walk {
    pub floor: Floor,
    /// The first sequence whose running digest is not what a sender said.
    pub diverged: Option<u64>,
}

/// One step: a row, or a range without content.
struct Step {
    first: u64,
    last: u64,
    digest: Option<Digest>,
    settled: bool,
}

impl Work<'_> {
    /// Moves a floor of a lane up to at most `until`, which everything below is known to be here.
    pub fn walk(&self, lane: i64, from: Floor, until: u64, over: Over) -> Result<Walk, StoreError> {
        let declared = self.declared(lane, from.sequence, until)?;
        let anchors = self.anchors(lane, from.sequence, until)?;
        let sql = "SELECT sequence, last, digest, state = 6 AND change IS NOT NULL FROM message \
                   WHERE lane = ?1 AND beside = 0 AND sequence > ?2 AND sequence <= ?3 ORDER BY sequence";
        let mut statement = self.tx.prepare_cached(sql)?;
        let mut rows = statement.query((lane, from.sequence as i64, until as i64))?;
        let mut gaps = self.gaps(lane, from.sequence, until)?.into_iter().peekable();
        let mut chain = Chain::new(from);
        loop {
            let step = match gaps.next_if(|gap| gap.first == chain.at() + 1) {
                Some(gap) => Some(gap),
                None => rows.next()?.map(read).transpose()?,
            };
            let goes_on =
                |step: &Step| step.first == chain.at() + 1 && (over == Over::Stored || step.settled);
            let Some(step) = step.filter(goes_on) else {
                return Ok(Walk {
                    floor: chain.floor(),
                    diverged: chain.diverged(),
                });
            };
            match step.digest {
                Some(digest) => chain.row(digest),
                None => chain.over(step.last, declared.get(&step.first)),
            }
            if let Some(said) = anchors.get(&chain.at()) {
                chain.compare(*said);
            }
        }
    }

    fn gaps(&self, lane: i64, above: u64, until: u64) -> Result<Vec<Step>, StoreError> {
        let sql = "SELECT first, last FROM gap WHERE lane = ?1 AND last > ?2 AND first <= ?3 ORDER BY first";
        self.all(sql, (lane, above as i64, until as i64), |row| {
            Ok(Step {
                first: (row.get::<_, i64>(0)? as u64).max(above + 1),
                last: row.get::<_, i64>(1)? as u64,
                digest: None,
                settled: true,
            })
        })
    }

    fn declared(&self, lane: i64, above: u64, until: u64) -> Result<BTreeMap<u64, Declared>, StoreError> {
        let sql = "SELECT first, before, last, running FROM declared \
                   WHERE lane = ?1 AND first > ?2 AND first <= ?3";
        let found = self.all(sql, (lane, above as i64, until as i64), |row| {
            let declared = Declared {
                before: row.get::<_, Option<[u8; 32]>>(1)?.map(Digest),
                end: row.get::<_, i64>(2)? as u64,
                running: Digest(row.get(3)?),
            };
            Ok((row.get::<_, i64>(0)? as u64, declared))
        })?;
        Ok(found.into_iter().collect())
    }

    fn anchors(&self, lane: i64, above: u64, until: u64) -> Result<BTreeMap<u64, Digest>, StoreError> {
        let sql = "SELECT sequence, running FROM anchor WHERE lane = ?1 AND sequence > ?2 AND sequence <= ?3";
        let found = self.all(sql, (lane, above as i64, until as i64), |row| {
            Ok((row.get::<_, i64>(0)? as u64, Digest(row.get(1)?)))
        })?;
        Ok(found.into_iter().collect())
    }

    /// Moves the settled floors of the lanes in which something settled, and drops what only they still needed.
    pub fn move_settled_floors(&mut self) -> Result<(), StoreError> {
        for lane in std::mem::take(&mut self.settled_in) {
            let sql = "SELECT floor, settled, settled_running FROM lane WHERE id = ?1";
            let read = |row: &rusqlite::Row<'_>| {
                let settled = Floor {
                    sequence: row.get::<_, i64>(1)? as u64,
                    running: Digest(row.get(2)?),
                };
                Ok((row.get::<_, i64>(0)? as u64, settled))
            };
            let (until, from) = self.tx.prepare_cached(sql)?.query_row([lane], read)?;
            let floor = self.walk(lane, from, until, Over::Settled)?.floor;
            if floor.sequence == from.sequence {
                continue;
            }
            self.run(
                "UPDATE lane SET settled = ?2, settled_running = ?3 WHERE id = ?1",
                (lane, floor.sequence as i64, floor.running.0),
            )?;
            let below = (lane, floor.sequence as i64);
            self.run("DELETE FROM anchor WHERE lane = ?1 AND sequence <= ?2", below)?;
            self.run("DELETE FROM declared WHERE lane = ?1 AND first <= ?2", below)?;
            self.run(
                "DELETE FROM gap WHERE lane = ?1 AND last <= ?2 AND moved = 0",
                below,
            )?;
        }
        Ok(())
    }
}

fn read(row: &rusqlite::Row<'_>) -> Result<Step, StoreError> {
    let first = row.get::<_, i64>(0)? as u64;
    let last: Option<i64> = row.get(1)?;
    let digest: Option<[u8; 32]> = row.get(2)?;
    Ok(Step {
        first,
        last: last.map_or(first, |last| last as u64),
        digest: digest.map(Digest),
        settled: row.get(3)?,
    })
}
