//! The shadow's record on SQLite: one row a message, one row a domain.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::open::{Database, Schema};
use crate::store::StoreError;
use crate::store::shadow::{Fenced, Kept, Known, Mark, Name, Recorder, Recording};

/// Most rows that one call forgets.
const PURGED: usize = 20_000;

const SCHEMA: Schema = Schema {
    name: "shadow record",
    application_id: 0x4d4c_5348,
    migrations: &[FIRST],
};

/// `outcome.posting` is null for a void one, and then `title` is its reason and `by` who declared it.
const FIRST: &str = "
CREATE TABLE domain (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, fence INTEGER NOT NULL, count INTEGER NOT NULL,
    identity TEXT NOT NULL) STRICT;
CREATE TABLE outcome (
    record INTEGER PRIMARY KEY AUTOINCREMENT, domain INTEGER NOT NULL, id TEXT NOT NULL, digest TEXT NOT NULL,
    attempt INTEGER NOT NULL, lane TEXT NOT NULL, sequence INTEGER NOT NULL, title TEXT NOT NULL, by TEXT,
    posting TEXT, UNIQUE (domain, id)) STRICT;
CREATE INDEX outcome_lane ON outcome (domain, lane, sequence);
CREATE TABLE floor (
    domain INTEGER NOT NULL, lane TEXT NOT NULL, below INTEGER NOT NULL, PRIMARY KEY (domain, lane))
    STRICT, WITHOUT ROWID;
";

/// The record in a file.
#[derive(Debug)]
pub struct SqliteRecorder {
    database: Database,
}

impl SqliteRecorder {
    /// Opens or makes the file.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            database: Database::open(path, &SCHEMA)?,
        })
    }

    /// Runs something that needs the fence, in one transaction. It returns how many outcomes it kept beside its result.
    fn fenced<T>(
        &mut self,
        domain: &str,
        fence: u64,
        run: impl FnOnce(&Transaction<'_>, i64) -> Result<(T, u64), StoreError>,
    ) -> Result<Fenced<T>, StoreError> {
        let work = self.database.begin()?;
        let (id, mark) = enter(&work, domain)?;
        if mark.fence != fence {
            return Ok(Fenced::Stale(mark));
        }
        let (result, kept) = run(&work, id)?;
        let count = mark.count + kept;
        work.execute(
            "UPDATE domain SET count = ?2 WHERE id = ?1",
            params![id, count as i64],
        )?;
        work.commit()?;
        Ok(Fenced::Done(Mark { count, ..mark }, result))
    }
}

impl Recorder for SqliteRecorder {
    fn take(&mut self, domain: &str, at_least: u64) -> Result<Mark, StoreError> {
        let work = self.database.begin()?;
        let (id, mark) = enter(&work, domain)?;
        let fence = mark.fence.max(at_least) + 1;
        work.execute(
            "UPDATE domain SET fence = ?2 WHERE id = ?1",
            params![id, fence as i64],
        )?;
        work.commit()?;
        Ok(Mark { fence, ..mark })
    }

    fn record(
        &mut self,
        domain: &str,
        fence: u64,
        recordings: &[Recording],
    ) -> Result<Fenced<Vec<Kept>>, StoreError> {
        self.fenced(domain, fence, |work, id| {
            keep(recordings, |recording| {
                let name = &recording.name;
                if let Some(known) = known(work, id, name)? {
                    return Ok((known, true));
                }
                let row = insert(work, id, name, &recording.title, None, Some(&recording.posting))?;
                let (title, attempt) = (recording.title.clone(), name.attempt);
                Ok((
                    Known::Done {
                        record: row,
                        title,
                        attempt,
                    },
                    false,
                ))
            })
        })
    }

    fn void(
        &mut self,
        domain: &str,
        fence: u64,
        names: &[Name],
        reason: &str,
        by: &str,
    ) -> Result<Fenced<Vec<Kept>>, StoreError> {
        self.fenced(domain, fence, |work, id| {
            keep(names, |name| {
                if let Some(known) = known(work, id, name)? {
                    return Ok((known, true));
                }
                insert(work, id, name, reason, Some(by), None)?;
                let (reason, by) = (reason.to_owned(), by.to_owned());
                Ok((Known::Void { reason, by }, false))
            })
        })
    }

    fn ask(&self, domain: &str, names: &[Name]) -> Result<(Mark, Vec<Option<Known>>), StoreError> {
        let connection = &self.database.connection;
        let Some((id, mark)) = find(connection, domain)? else {
            let mark = Mark {
                fence: 0,
                count: 0,
                identity: String::new(),
            };
            return Ok((mark, vec![None; names.len()]));
        };
        let all = names.iter().map(|name| known(connection, id, name));
        Ok((mark, all.collect::<Result<_, _>>()?))
    }

    fn purge(
        &mut self,
        domain: &str,
        fence: u64,
        floors: &[(String, u64)],
    ) -> Result<Fenced<bool>, StoreError> {
        self.fenced(domain, fence, |work, id| {
            let mut left = PURGED;
            for (lane, below) in floors {
                let values = params![id, lane, *below as i64];
                work.execute(
                    "INSERT INTO floor VALUES (?1, ?2, ?3)
                     ON CONFLICT (domain, lane) DO UPDATE SET below = max(below, excluded.below)",
                    values,
                )?;
                left -= work.execute(
                    "DELETE FROM outcome WHERE record IN (
                         SELECT record FROM outcome WHERE domain = ?1 AND lane = ?2 AND sequence < ?3 LIMIT ?4)",
                    params![id, lane, *below as i64, left as i64],
                )?;
            }
            Ok((left == 0, 0))
        })
    }
}

/// One by one, counting what is new.
fn keep<T>(
    all: &[T],
    mut one: impl FnMut(&T) -> Result<(Known, bool), StoreError>,
) -> Result<(Vec<Kept>, u64), StoreError> {
    let mut kept = Vec::with_capacity(all.len());
    for each in all {
        let (known, repeat) = one(each)?;
        kept.push(Kept { known, repeat });
    }
    let fresh = kept.iter().filter(|kept| !kept.repeat).count() as u64;
    Ok((kept, fresh))
}

fn find(connection: &Connection, domain: &str) -> Result<Option<(i64, Mark)>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT id, fence, count, identity FROM domain WHERE name = ?1")?;
    let found = statement.query_row([domain], |row| {
        let (fence, count): (i64, i64) = (row.get(1)?, row.get(2)?);
        let mark = Mark {
            fence: fence.unsigned_abs(),
            count: count.unsigned_abs(),
            identity: row.get(3)?,
        };
        Ok((row.get(0)?, mark))
    });
    Ok(found.optional()?)
}

fn enter(connection: &Connection, domain: &str) -> Result<(i64, Mark), StoreError> {
    if let Some(found) = find(connection, domain)? {
        return Ok(found);
    }
    // SQLite's own random number: the file's identity decides nothing but whether it is still the same file.
    connection.execute(
        "INSERT INTO domain (name, fence, count, identity) VALUES (?1, 0, 0, lower(hex(randomblob(8))))",
        [domain],
    )?;
    find(connection, domain)?.ok_or_else(|| StoreError::Damaged("a domain that was just made is gone".into()))
}

fn insert(
    connection: &Connection,
    domain: i64,
    name: &Name,
    title: &str,
    by: Option<&str>,
    posting: Option<&str>,
) -> Result<i64, StoreError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO outcome (domain, id, digest, attempt, lane, sequence, title, by, posting)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let (id, digest, lane) = (&name.id, &name.digest, &name.lane);
    let sequence = name.sequence as i64;
    statement.execute(params![
        domain,
        id,
        digest,
        name.attempt,
        lane,
        sequence,
        title,
        by,
        posting
    ])?;
    Ok(connection.last_insert_rowid())
}

fn known(connection: &Connection, domain: i64, name: &Name) -> Result<Option<Known>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT record, digest, title, by, posting IS NULL, attempt FROM outcome WHERE domain = ?1 AND id = ?2",
    )?;
    let found = statement
        .query_row(params![domain, name.id], |row| {
            let digest: String = row.get(1)?;
            let (title, is_void) = (row.get(2)?, row.get(4)?);
            Ok(if digest != name.digest {
                Known::Conflict
            } else if is_void {
                Known::Void {
                    reason: title,
                    by: row.get(3)?,
                }
            } else {
                Known::Done {
                    record: row.get(0)?,
                    title,
                    attempt: row.get(5)?,
                }
            })
        })
        .optional()?;
    if found.is_some() {
        return Ok(found);
    }
    let mut statement =
        connection.prepare_cached("SELECT 1 FROM floor WHERE domain = ?1 AND lane = ?2 AND below > ?3")?;
    let expired = statement.exists(params![domain, name.lane, name.sequence as i64])?;
    Ok(expired.then_some(Known::Expired))
}

#[cfg(test)]
#[path = "shadow_tests.rs"]
mod tests;
