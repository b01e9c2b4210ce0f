//! The spool on SQLite.
//!
//! - `schema` says what is in the file; `place`, `log`, `sets`, `keys`, `claims`, `note`, `epochs` read and write one
//!   table or two each.
//! - `open` decides whether the epoch may go on, with the help of `witness`.
//! - `commit` and `seal` keep intakes, within `quota`; `learn` notes receipts; `cut` begins epochs and moves rows;
//!   `prune` takes away. Each is one transaction, opened and closed here.
//! - `read` and `tally` answer the link; `query`, `held` and `verify` answer people, through [`SqliteSpoolReader`], which works
//!   beside the writer and without one.
//!
//! What the writer keeps in memory (heads, ordinal, count of unsettled) is a copy of what the file says, taken anew at
//! each opening and replaced only after a commit.

mod claims;
mod commit;
mod cut;
mod epochs;
mod held;
mod keys;
mod learn;
mod log;
mod note;
mod open;
mod place;
mod prune;
mod query;
mod quota;
mod read;
mod reader;
mod row;
mod schema;
mod seal;
mod sets;
mod stub;
mod tally;
mod uptime;
mod verify;
mod walk;
mod witness;

#[cfg(test)]
mod tests;

use rusqlite::Connection;

pub use held::Held;
pub use open::{CutReason, Opening, Options};
pub use query::{Content, Entry, Filter, Page, State};
pub use quota::{QUOTA_MIN_BYTES, RESERVE_MIN_BYTES};
pub use reader::SqliteSpoolReader;
pub use verify::{Fault, Finding, Verification};
pub use walk::{Cursor, Order};

use super::open::{Database, Footprint};
use crate::envelope::Moment;
use crate::ident::{AgentId, Epoch, Lane, Position, Stamp};
use crate::store::StoreError;
use crate::store::spool::{BATCH_INTAKES, Intake, News, Pruned, Retention, Spool, Verdict};
use commit::Batch;
use epochs::Age;
use prune::Pruning;
use quota::Quota;
use seal::Growth;
use sets::{Kind, Set};
use uptime::Uptime;
use witness::{Testimony, Witness};

/// Free pages beyond this many are given back to the file system, this many at each pruning.
const VACUUM_PAGES: u32 = 256;

/// Most rows that cannot be read and are found by one change.
const BAD_ROWS: usize = 4096;

/// The writing side of the spool at a path.
#[derive(Debug)]
pub struct SqliteSpool {
    database: Database,
    agent: AgentId,
    number: u64,
    ages: Vec<Age>,
    growth: Growth,
    unsettled: u64,
    quota: Quota,
    uptime: Uptime,
    witness: Witness,
    cursor: Option<(String, String)>,
}

impl SqliteSpool {
    /// Closes the spool, and remembers for how long it ran.
    pub fn close(self) -> Result<(), StoreError> {
        self.uptime.save(&self.database.connection)?;
        self.witness.write_and_sync(&self.testimony())
    }

    /// Bytes on disk.
    pub fn footprint(&self) -> Result<Footprint, StoreError> {
        self.database.footprint()
    }

    /// A quota that a test could not reach with rows.
    #[cfg(test)]
    pub(crate) fn use_quota(&mut self, bytes: u64) {
        self.quota = Quota::unchecked(bytes);
    }

    fn testimony(&self) -> Testimony {
        Testimony {
            spool: self.number,
            epoch: self.growth.age.epoch,
            next: self.growth.tips.map(|tip| tip.next),
        }
    }
}

impl Spool for SqliteSpool {
    fn commit(&mut self, batch: &[Intake], now: Moment) -> Result<Vec<Verdict>, StoreError> {
        if batch.len() > BATCH_INTAKES {
            let text = format!("{} intakes in one commit, more than {BATCH_INTAKES}", batch.len());
            return Err(StoreError::Misuse(text));
        }
        let budget = self.quota.budget(self.database.footprint()?, self.unsettled);
        let at_ms = self.uptime.at(now);
        let transaction = self.database.begin()?;
        let mut work = Batch {
            connection: &transaction,
            agent: &self.agent,
            ages: &self.ages,
            growth: self.growth,
            budget,
            at_ms,
            full: None,
        };
        let verdicts = batch
            .iter()
            .map(|intake| work.take(intake))
            .collect::<Result<Vec<_>, _>>()?;
        let growth = work.growth;
        transaction.commit()?;
        self.unsettled += growth.given() - self.growth.given();
        self.growth = growth;
        self.witness.write(&self.testimony());
        Ok(verdicts)
    }

    fn learn(&mut self, news: &[News], now: Moment) -> Result<(), StoreError> {
        let at_ms = self.uptime.at(now);
        self.unsettled = self.change(|transaction, _| {
            for news in news {
                learn::note(transaction, news, at_ms)?;
            }
            unsettled(transaction)
        })?;
        Ok(())
    }

    fn cut(&mut self, new: Epoch, moved: &[Stamp], now: Moment) -> Result<(), StoreError> {
        let at_ms = self.uptime.at(now);
        let (growth, ages, unsettled) = self.change(|transaction, spool| {
            let mut growth = spool.growth;
            if growth.age.epoch != new {
                growth = cut::begin(transaction, &growth, new, "the other end has other content")?;
            }
            cut::move_rows(transaction, spool.agent, &mut growth, moved, at_ms)?;
            Ok((growth, epochs::all(transaction)?, unsettled(transaction)?))
        })?;
        (self.growth, self.ages, self.unsettled) = (growth, ages, unsettled);
        self.witness.write(&self.testimony());
        Ok(())
    }

    fn give_up(&mut self, position: Position) -> Result<(), StoreError> {
        let Some(log) = read::log(&self.database.connection, position.epoch, position.lane)? else {
            return Ok(());
        };
        if !read::is_unreadable(&log, position.sequence)? {
            return Ok(());
        }
        self.note_damage(position)
    }

    fn prune(&mut self, keep: &Retention, now: Moment) -> Result<Pruned, StoreError> {
        let at_ms = self.uptime.at(now);
        let excess = self.quota.excess(self.database.footprint()?, self.unsettled);
        let uptime = self.uptime;
        let (pruned, ages, cursor) = self.change(|transaction, spool| {
            uptime.save(transaction)?;
            let mut work = Pruning {
                connection: transaction,
                ages: spool.ages,
                at_ms,
                pruned: Pruned::default(),
            };
            let cursor = work.all(keep, excess, spool.cursor.clone())?;
            Ok((work.pruned, epochs::all(transaction)?, cursor))
        })?;
        (self.ages, self.cursor) = (ages, cursor);
        self.database.vacuum(VACUUM_PAGES)?;
        Ok(pruned)
    }
}

/// What a change looks at besides the file.
struct Known<'s> {
    agent: &'s AgentId,
    ages: &'s [Age],
    growth: Growth,
    cursor: &'s Option<(String, String)>,
}

impl SqliteSpool {
    /// One transaction. Where it meets a row that cannot be read, that is noted, and it is begun anew without the row.
    fn change<T>(
        &mut self,
        work: impl Fn(&Connection, Known<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        for _ in 0..BAD_ROWS {
            let transaction = self.database.begin()?;
            let known = Known {
                agent: &self.agent,
                ages: &self.ages,
                growth: self.growth,
                cursor: &self.cursor,
            };
            match work(&transaction, known) {
                Ok(answer) => {
                    transaction.commit()?;
                    return Ok(answer);
                }
                Err(StoreError::DamagedRow { position, .. }) => {
                    transaction.rollback()?;
                    self.note_damage(position)?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Damaged(format!(
            "one change met more than {BAD_ROWS} rows that cannot be read"
        )))
    }

    fn note_damage(&mut self, position: Position) -> Result<(), StoreError> {
        let transaction = self.database.begin()?;
        if let Some(log) = read::log(&transaction, position.epoch, position.lane)? {
            let sequence = position.sequence;
            log.set(Kind::Damaged).add(sequence..=sequence)?;
            log.set(Kind::Lost).add(sequence..=sequence)?;
        }
        Ok(transaction.commit()?)
    }
}

/// How many messages are not settled, in all lanes and epochs.
fn unsettled(connection: &Connection) -> Result<u64, StoreError> {
    let mut count = 0;
    for age in epochs::all(connection)? {
        for lane in Lane::ALL {
            let given = log::Log::of(connection, lane, age).next()? - 1;
            count += given.saturating_sub(Set::of(connection, Kind::Settled, lane, age.life).count()?);
        }
    }
    Ok(count)
}
