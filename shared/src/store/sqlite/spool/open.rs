//! Opening the spool: whether its epoch may go on growing.
//!
//! It may not when the file was put back from an older image, lost what its disk had confirmed, or ends in rows that
//! cannot be read: the positions that are missing were given, and perhaps sent. Then a new epoch begins, and everything
//! that is still here is sent from the old one.

use std::ops::RangeInclusive;
use std::path::Path;

use rusqlite::Connection;

use super::cut;
use super::epochs::{self, Age, BadTail};
use super::log::Log;
use super::note;
use super::quota::Quota;
use super::seal::Growth;
use super::uptime::Uptime;
use super::witness::{Testimony, Witness};
use super::{SqliteSpool, schema::SCHEMA, unsettled};
use crate::ident::{AgentId, Epoch, Lane};
use crate::store::StoreError;
use crate::store::sqlite::open::Database;

const AGENT: &str = "agent";
const SPOOL: &str = "spool";

/// How to open a spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Whose messages it keeps.
    pub agent: AgentId,
    /// How many bytes on disk it may take; at least [`super::QUOTA_MIN_BYTES`].
    pub quota_bytes: u64,
    /// How many of them only receipts, housekeeping and (half of them) the critical lane may use; at least
    /// [`super::RESERVE_MIN_BYTES`], at most half of the quota.
    pub reserve_bytes: u64,
    /// A fresh random number, for the epoch that begins if one must.
    pub epoch: Epoch,
    /// Whether a person asked for a new epoch.
    pub new_epoch: bool,
}

/// What was found when a spool was opened. Anything but the first two must be said aloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// There was none; it was made.
    New,
    /// It goes on where it stopped.
    Continued,
    /// It goes on in a new epoch.
    Cut {
        /// Why.
        why: CutReason,
        /// Positions of the old epoch that were given but are not here (any more), as far as is known.
        missing: Vec<(Lane, RangeInclusive<u64>)>,
    },
}

/// Why a spool began a new epoch when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutReason {
    /// A person asked for it.
    Asked,
    /// The file is older than what this machine had kept: put back from a backup, or its disk lost confirmed writes.
    Older,
    /// The file is not the one that this machine's witness knows, or the witness is missing.
    Unknown,
    /// Its last rows cannot be read.
    Damaged,
}

impl CutReason {
    fn text(self) -> &'static str {
        match self {
            CutReason::Asked => "a person asked for it",
            CutReason::Older => "the file is older than its witness",
            CutReason::Unknown => "the witness is missing or of another spool",
            CutReason::Damaged => "the last rows cannot be read",
        }
    }
}

impl SqliteSpool {
    /// Opens or makes the spool at `path`. No other process may have it open for writing.
    pub fn open(path: &Path, options: Options) -> Result<(Self, Opening), StoreError> {
        let quota = Quota::new(options.quota_bytes, options.reserve_bytes)?;
        let mut database = Database::open(path, &SCHEMA)?;
        quota.enforce(&database.connection)?;
        let (witness, testimony) = Witness::open(path)?;
        let is_new = introduce(&mut database, &options)?;
        // Read before the transaction begins: SQLite would not write in one in which it met a damaged page.
        let (mut growth, opening) = judge(&database.connection, &options, testimony, is_new)?;
        if let Opening::Cut { why, .. } = opening {
            let transaction = database.begin()?;
            growth = cut::begin(&transaction, &growth, options.epoch, why.text())?;
            transaction.commit()?;
        }
        let connection = &database.connection;
        let spool = Self {
            number: note::number(connection, SPOOL)?.unwrap_or(0),
            ages: epochs::all(connection)?,
            unsettled: unsettled(connection)?,
            uptime: Uptime::load(connection)?,
            agent: options.agent,
            cursor: None,
            database,
            growth,
            quota,
            witness,
        };
        spool.witness.write_and_sync(&spool.testimony())?;
        Ok((spool, opening))
    }
}

/// Gives a new file its name and first epoch; checks an old one's name. Whether it was new.
fn introduce(database: &mut Database, options: &Options) -> Result<bool, StoreError> {
    let name = options.agent.as_str();
    match note::get(&database.connection, AGENT)? {
        Some(found) if found == name.as_bytes() => Ok(false),
        Some(found) => {
            let (path, found) = (
                database.path.display(),
                String::from_utf8_lossy(&found).into_owned(),
            );
            let text = format!("{path} keeps the messages of agent `{found}`, not of `{name}`");
            Err(StoreError::Foreign(text))
        }
        None => {
            let transaction = database.begin()?;
            note::set(&transaction, AGENT, name.as_bytes())?;
            note::set_number(&transaction, SPOOL, options.epoch.0)?;
            epochs::begin(&transaction, options.epoch, "the spool was made")?;
            transaction.commit()?;
            Ok(true)
        }
    }
}

/// Where the growing epoch ends, and whether it may grow on.
fn judge(
    connection: &Connection,
    options: &Options,
    testimony: Option<Testimony>,
    is_new: bool,
) -> Result<(Growth, Opening), StoreError> {
    let ages = epochs::all(connection)?;
    let age = epochs::growing(&ages)?;
    let (growth, bad) = epochs::growth(connection, age)?;
    let untouched = ages.len() == 1 && growth == Growth::first(age) && bad.is_empty();
    let (why, missing) = match doubt(connection, &ages, &growth, testimony, bad)? {
        Some((CutReason::Unknown, _)) if untouched => (None, Vec::new()),
        Some((why, missing)) => (Some(why), missing),
        None => (options.new_epoch.then_some(CutReason::Asked), Vec::new()),
    };
    let opening = match why {
        Some(why) => Opening::Cut { why, missing },
        None if is_new => Opening::New,
        None => Opening::Continued,
    };
    Ok((growth, opening))
}

/// Why this epoch must not grow on; none where it may.
fn doubt(
    connection: &Connection,
    ages: &[Age],
    growth: &Growth,
    testimony: Option<Testimony>,
    bad: Vec<BadTail>,
) -> Result<Option<(CutReason, Vec<BadTail>)>, StoreError> {
    let here = note::number(connection, SPOOL)?;
    let Some(known) = testimony.filter(|testimony| Some(testimony.spool) == here) else {
        return Ok(Some((CutReason::Unknown, bad)));
    };
    let Some(age) = ages.iter().find(|age| age.epoch == known.epoch) else {
        return Ok(Some((CutReason::Older, bad)));
    };
    let mut missing = Vec::new();
    for (lane, next) in Lane::ALL.into_iter().zip(known.next) {
        let here = match *age == growth.age {
            true => growth.tip(lane),
            false => Log::of(connection, lane, *age).tip()?,
        };
        if here.next < next {
            missing.push((lane, here.next..=next - 1));
        }
    }
    Ok(match (bad.is_empty(), missing.is_empty()) {
        (true, true) => None,
        (true, false) => Some((CutReason::Older, missing)),
        // The witness knows of the unreadable rows too, and perhaps of more behind them.
        (false, false) => Some((CutReason::Damaged, missing)),
        (false, true) => Some((CutReason::Damaged, bad)),
    })
}
