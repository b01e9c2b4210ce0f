//! Looking into the spool: single messages, and lists by filter in order of capture, page by page.
//!
//! There are no indexes for this: a page looks at a bounded number of rows and says where to go on. A person's question
//! may take a moment; a scan must not.

use rusqlite::Connection;

use super::SqliteSpoolReader;
use super::epochs;
use super::log::{Gone, Log};
use super::read;
use super::walk::{Cursor, Found, Order, Walk, read_row, start};
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
