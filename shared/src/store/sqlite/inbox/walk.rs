//! Moving a floor over what is here, with the running digest of it.
//!
//! Rows carry their own digest; a gap or a `lost` row has none, but whoever declared it said what the running digest is
//! at its end (an anchor). A floor only ever stands where its digest is known.

use crate::ident::Digest;
use crate::store::StoreError;
use crate::store::inbox::Floor;

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
        let mut walk = Walk {
            floor: from,
            diverged: None,
        };
        let gaps = self.gaps(lane, from.sequence, until)?;
        let anchors = self.anchors(lane, from.sequence, until)?;
        let sql = "SELECT sequence, last, digest, state FROM message \
                   WHERE lane = ?1 AND beside = 0 AND sequence > ?2 AND sequence <= ?3 ORDER BY sequence";
        let mut statement = self.tx.prepare_cached(sql)?;
        let mut rows = statement.query((lane, from.sequence as i64, until as i64))?;
        let mut gaps = gaps.into_iter().peekable();
        let (mut at, mut running) = (from.sequence, Some(from.running));
        loop {
            let step = match gaps.next_if(|gap| gap.first == at + 1) {
                Some(gap) => gap,
                None => match rows.next()? {
                    Some(row) => read(row)?,
                    None => return Ok(walk),
                },
            };
            if step.first != at + 1 || (over == Over::Settled && !step.settled) {
                return Ok(walk);
            }
            at = step.last;
            running = running
                .zip(step.digest)
                .map(|(running, digest)| running.then(digest));
            if let Some(said) = anchors
                .iter()
                .find(|anchor| anchor.0 == at)
                .map(|anchor| anchor.1)
            {
                if running.is_some_and(|running| running != said) {
                    walk.diverged = walk.diverged.or(Some(at + 1));
                }
                running = running.or(Some(said));
            }
            if let Some(running) = running {
                walk.floor = Floor {
                    sequence: at,
                    running,
                };
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

    fn anchors(&self, lane: i64, above: u64, until: u64) -> Result<Vec<(u64, Digest)>, StoreError> {
        let sql = "SELECT sequence, running FROM anchor WHERE lane = ?1 AND sequence > ?2 AND sequence <= ?3";
        self.all(sql, (lane, above as i64, until as i64), |row| {
            Ok((row.get::<_, i64>(0)? as u64, Digest(row.get(1)?)))
        })
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
        settled: row.get::<_, i64>(3)? == 6,
    })
}
