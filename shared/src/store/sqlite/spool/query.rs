//! Looking into the spool: single messages, and lists by filter in order of capture, page by page.
//!
//! There are no indexes for this: a page looks at a bounded number of rows and says where to go on. A person's question
//! may take a moment; a scan must not.

use rusqlite::Connection;

use super::SqliteSpoolReader;
use super::epochs::{self, Age};
use super::log::{Gone, Kept, Log};
use super::place::Life;
use super::read;
use crate::codec::binary;
use crate::envelope::Envelope;
use crate::ident::{Digest, Lane, Position};
use crate::message::Key;
use crate::store::spool::{Fate, Scan};
use crate::store::{GapKind, StoreError};

/// Most rows that one page looks at, found or not.
const LOOKS: usize = 20_000;

/// A message as the spool knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub position: Position,
    /// Its digest; none where the row is damaged.
    pub digest: Option<Digest>,
    /// What it says, or why that is no longer here.
    pub content: Content,
    /// Where it stands with the other end; none where that was pruned after settlement.
    pub fate: Option<Fate>,
}

/// What a row holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The envelope.
    Whole(Box<Envelope>),
    /// It is gone, for this reason.
    Gone(GapKind),
    /// It cannot be read: what was found.
    Damaged(String),
}

/// A word for where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Kept here only.
    Waiting,
    /// Kept at the other end too.
    Stored,
    /// Cannot take effect as it is.
    Dead,
    /// Final.
    Settled,
}

/// Which messages. Everything that is set must hold; an empty filter lets all pass, gone and damaged ones too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this lane.
    pub lane: Option<Lane>,
    /// With this key.
    pub key: Option<Key>,
    /// Of the kind with this name.
    pub kind: Option<String>,
    /// Standing there.
    pub state: Option<State>,
    /// From this source.
    pub source: Option<String>,
    /// Captured at this wall time (milliseconds since 1970-01-01 UTC) or later.
    pub since_ms: Option<i64>,
    /// Captured before this wall time.
    pub until_ms: Option<i64>,
}

/// In which direction a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As captured.
    OldestFirst,
    /// The latest first.
    NewestFirst,
}

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    order: Order,
    life: Life,
    /// The next sequence to look at in each lane of that life.
    at: [u64; 3],
}

/// Some messages, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What was found, in the list's order.
    pub entries: Vec<Entry>,
    /// Where to go on; at the end of an [`Order::OldestFirst`] list, where what comes later will be found.
    pub cursor: Cursor,
    /// Whether the list goes on now.
    pub more: bool,
}

impl SqliteSpoolReader {
    /// The message at a position.
    pub fn get(&self, position: Position) -> Result<Option<Entry>, StoreError> {
        self.view(|connection| {
            let Some(log) = read::log(connection, position.epoch, position.lane)? else {
                return Ok(None);
            };
            let kept = read_row(&log, position.sequence)?;
            kept.map(|kept| entry(connection, &log, position.sequence, kept))
                .transpose()
        })
    }

    /// Where a list in this order begins.
    pub fn begin(&self, order: Order) -> Result<Cursor, StoreError> {
        self.view(|connection| {
            let ages = epochs::all(connection)?;
            let age = match order {
                Order::OldestFirst => ages.first(),
                Order::NewestFirst => ages.last(),
            };
            match age {
                Some(age) => start(connection, order, *age),
                None => Err(StoreError::Damaged("the spool has no epoch".to_owned())),
            }
        })
    }

    /// Behind everything that is there now: an [`Order::OldestFirst`] list from here finds what comes later.
    pub fn end(&self) -> Result<Cursor, StoreError> {
        let last = self.begin(Order::NewestFirst)?;
        Ok(Cursor {
            order: Order::OldestFirst,
            at: last.at.map(|last| last + 1),
            ..last
        })
    }

    /// At most `count` messages that pass the filter, from the cursor on.
    pub fn list(&self, filter: &Filter, cursor: &Cursor, count: usize) -> Result<Page, StoreError> {
        self.view(|connection| {
            let ages = epochs::all(connection)?;
            let mut walk = Walk::new(connection, &ages, cursor.clone())?;
            let (mut entries, mut looks) = (Vec::new(), 0);
            while entries.len() < count && looks < LOOKS {
                let Some((log, sequence, row)) = walk.step(filter.lane)? else {
                    let cursor = walk.cursor;
                    return Ok(Page {
                        entries,
                        cursor,
                        more: false,
                    });
                };
                looks += 1;
                if may_pass(filter, &row) {
                    let found = entry(connection, &log, sequence, row)?;
                    entries.extend(Some(found).filter(|entry| passes(filter, entry)));
                }
            }
            Ok(Page {
                entries,
                cursor: walk.cursor,
                more: true,
            })
        })
    }

    /// Scans from the journal, from this number on, at most `count`, each with its number.
    pub fn scans(&self, from: u64, count: usize) -> Result<Vec<(u64, Scan)>, StoreError> {
        let sql = "SELECT number, scan FROM scan WHERE number >= ? ORDER BY number LIMIT ?";
        self.view(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let bounds = [super::place::signed(from), super::place::signed(count as u64)];
            let rows = statement.query_map(bounds, |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
            })?;
            let mut scans = Vec::new();
            for row in rows {
                let (number, bytes) = row?;
                let damaged = |_| StoreError::Damaged(format!("the scan number {number} cannot be read"));
                let (station, name, moment, raw) = binary::decode(&bytes).map_err(damaged)?;
                let scan = Scan {
                    station,
                    connection: name,
                    moment,
                    raw,
                };
                scans.push((number.unsigned_abs(), scan));
            }
            Ok(scans)
        })
    }
}

/// A row, or what is wrong with it.
type Found = Result<Kept, String>;

/// A walk over all lanes at once, in order of capture.
struct Walk<'c> {
    connection: &'c Connection,
    ages: &'c [Age],
    cursor: Cursor,
    /// The next row of each lane, where it was read already.
    ahead: [Option<(u64, Found)>; 3],
    /// The last ordinal seen in each lane: a damaged row is taken to stand behind it.
    ordinals: [u64; 3],
}

impl<'c> Walk<'c> {
    fn new(connection: &'c Connection, ages: &'c [Age], cursor: Cursor) -> Result<Self, StoreError> {
        Ok(Self {
            connection,
            ages,
            cursor,
            ahead: [None, None, None],
            ordinals: [0; 3],
        })
    }

    fn step(&mut self, only: Option<Lane>) -> Result<Option<(Log<'c>, u64, Found)>, StoreError> {
        loop {
            if let Some(index) = self.ages.iter().position(|age| age.life >= self.cursor.life) {
                let age = self.ages[index];
                if age.life != self.cursor.life {
                    self.cursor = start(self.connection, self.cursor.order, age)?;
                }
                if let Some(found) = self.step_in(age, only)? {
                    return Ok(Some(found));
                }
                if let Some(next) = self.neighbour(index) {
                    self.cursor = start(self.connection, self.cursor.order, next)?;
                    self.ordinals = [0; 3];
                    continue;
                }
            }
            return Ok(None);
        }
    }

    fn neighbour(&self, index: usize) -> Option<Age> {
        match self.cursor.order {
            Order::OldestFirst => self.ages.get(index + 1).copied(),
            Order::NewestFirst => index.checked_sub(1).map(|index| self.ages[index]),
        }
    }

    fn step_in(&mut self, age: Age, only: Option<Lane>) -> Result<Option<(Log<'c>, u64, Found)>, StoreError> {
        let lanes = Lane::ALL
            .into_iter()
            .filter(|lane| only.is_none_or(|only| only == *lane));
        for lane in lanes {
            if self.ahead[lane as usize].is_none() {
                self.ahead[lane as usize] = self.look(Log::of(self.connection, lane, age))?;
            }
        }
        let ordinal = |lane: Lane| match &self.ahead[lane as usize] {
            Some((_, Ok(kept))) => Some(kept.ordinal),
            Some((_, Err(_))) => Some(self.ordinals[lane as usize]),
            None => None,
        };
        let there = Lane::ALL
            .into_iter()
            .filter_map(|lane| Some((ordinal(lane)?, lane)));
        let next = match self.cursor.order {
            Order::OldestFirst => there.min(),
            Order::NewestFirst => there.max(),
        };
        let Some((ordinal, lane)) = next else {
            return Ok(None);
        };
        let Some((sequence, found)) = self.ahead[lane as usize].take() else {
            return Ok(None);
        };
        self.ordinals[lane as usize] = ordinal;
        self.cursor.at[lane as usize] = match self.cursor.order {
            Order::OldestFirst => sequence + 1,
            Order::NewestFirst => sequence - 1,
        };
        Ok(Some((Log::of(self.connection, lane, age), sequence, found)))
    }

    fn look(&self, log: Log<'c>) -> Result<Option<(u64, Found)>, StoreError> {
        let next = log.next()?;
        let first = log.first()?.unwrap_or(next);
        let at = self.cursor.at[log.lane as usize];
        let at = match self.cursor.order {
            Order::OldestFirst => at.max(first),
            Order::NewestFirst => at,
        };
        if at < first || at >= next {
            return Ok(None);
        }
        let missing = || Err("it is missing".to_owned());
        Ok(Some((at, read_row(&log, at)?.unwrap_or_else(missing))))
    }
}

fn start(connection: &Connection, order: Order, age: Age) -> Result<Cursor, StoreError> {
    let mut at = [1; 3];
    if order == Order::NewestFirst {
        for lane in Lane::ALL {
            at[lane as usize] = Log::of(connection, lane, age).next()? - 1;
        }
    }
    Ok(Cursor {
        order,
        life: age.life,
        at,
    })
}

fn read_row(log: &Log<'_>, sequence: u64) -> Result<Option<Found>, StoreError> {
    match log.get(sequence) {
        Ok(row) => Ok(row.map(Ok)),
        Err(StoreError::DamagedRow { text, .. }) => Ok(Some(Err(text))),
        Err(error) => Err(error),
    }
}

fn entry(connection: &Connection, log: &Log<'_>, sequence: u64, row: Found) -> Result<Entry, StoreError> {
    let position = log.position(sequence);
    let digest = row.as_ref().ok().map(|kept| kept.digest);
    let content = match row {
        Err(text) => Content::Damaged(text),
        Ok(kept) => match kept.gone {
            Gone::Pruned => Content::Gone(GapKind::Settled),
            Gone::Moved => Content::Gone(GapKind::Moved),
            Gone::Dropped => Content::Gone(GapKind::Lost),
            Gone::Not => match Envelope::open(&kept.bytes) {
                Ok(envelope) => Content::Whole(Box::new(envelope)),
                Err(error) => Content::Damaged(error.to_string()),
            },
        },
    };
    Ok(Entry {
        position,
        digest,
        content,
        fate: read::fate(connection, position)?,
    })
}

/// Whether it is worth while to look closer: decoding and the fate cost more than the row.
fn may_pass(filter: &Filter, row: &Found) -> bool {
    let about_content = filter.key.is_some()
        || filter.kind.is_some()
        || filter.source.is_some()
        || filter.since_ms.is_some()
        || filter.until_ms.is_some();
    !about_content || row.as_ref().is_ok_and(|kept| kept.gone == Gone::Not)
}

fn passes(filter: &Filter, entry: &Entry) -> bool {
    let state = match &entry.fate {
        Some(Fate::Waiting) => State::Waiting,
        Some(Fate::Stored) => State::Stored,
        Some(Fate::Dead(_)) => State::Dead,
        Some(Fate::Settled(_)) | None => State::Settled,
    };
    filter.state.is_none_or(|wanted| wanted == state)
        && match &entry.content {
            Content::Whole(envelope) => content_passes(filter, envelope),
            Content::Gone(_) | Content::Damaged(_) => may_pass(filter, &Err(String::new())),
        }
}

fn content_passes(filter: &Filter, envelope: &Envelope) -> bool {
    let wall_ms = envelope.capture.moment.wall_ms;
    filter.kind.as_ref().is_none_or(|kind| *kind == envelope.kind)
        && filter
            .source
            .as_ref()
            .is_none_or(|source| *source == envelope.capture.source)
        && filter.since_ms.is_none_or(|since| wall_ms >= since)
        && filter.until_ms.is_none_or(|until| wall_ms < until)
        && filter
            .key
            .as_ref()
            .is_none_or(|key| envelope.keys.iter().any(|link| link.key == *key))
}
