//! Reading a spool beside its writer, or without one. Cannot write: its connection is opened for reading only.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::schema::SCHEMA;
use super::{Held, SqliteSpool, claims, epochs, held, note, read, tally};
use crate::envelope::Row;
use crate::ident::{AgentId, Digest, Epoch, Lane, MessageId, Position};
use crate::store::StoreError;
use crate::store::spool::{Fate, Gap, Head, SpoolReader, Tally};
use crate::store::sqlite::open::{Footprint, footprint, open_reader};

/// The reading side of the spool at a path. Each call sees one state of it; two calls may see two.
#[derive(Debug)]
pub struct SqliteSpoolReader {
    connection: Connection,
    path: PathBuf,
    agent: AgentId,
}

impl SqliteSpoolReader {
    /// Opens the spool at `path`, which must exist.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = open_reader(path, &SCHEMA)?;
        let name = note::get(&connection, "agent")?.and_then(|name| String::from_utf8(name).ok());
        let agent = name.and_then(|name| name.parse().ok());
        let nameless = || StoreError::Damaged(format!("{} does not say whose it is", path.display()));
        let agent = agent.ok_or_else(nameless)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            agent,
        })
    }

    /// Whose messages it keeps.
    pub fn agent(&self) -> &AgentId {
        &self.agent
    }

    /// Bytes on disk.
    pub fn footprint(&self) -> Result<Footprint, StoreError> {
        footprint(&self.connection, &self.path)
    }

    /// What is stored at the other end and waits behind a dead letter of one of its keys.
    pub fn held(&self) -> Result<Held, StoreError> {
        self.view(held::held)
    }

    /// The messages that any source handed over under this id of its own, by source.
    pub fn claimed_by_any(&self, id: &str) -> Result<Vec<(String, Vec<MessageId>)>, StoreError> {
        self.view(|connection| {
            let mut found = Vec::new();
            for source in claims::sources(connection)? {
                if let Some(ids) = read::claimed(connection, &self.agent, &source, id)? {
                    found.push((source, ids));
                }
            }
            Ok(found)
        })
    }

    /// Several reads of one state.
    pub(super) fn view<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let snapshot = self.connection.unchecked_transaction()?;
        read(&snapshot)
    }
}

impl SpoolReader for SqliteSpoolReader {
    fn heads(&self) -> Result<Vec<Head>, StoreError> {
        self.view(epochs::heads)
    }

    fn rows(
        &self,
        epoch: Epoch,
        lane: Lane,
        from: u64,
        count: usize,
        bytes: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.view(|connection| read::rows(connection, (epoch, lane), from, count, bytes))
    }

    fn gaps(
        &self,
        epoch: Epoch,
        lane: Lane,
        from: u64,
        to: u64,
        count: usize,
    ) -> Result<Vec<Gap>, StoreError> {
        self.view(|connection| read::gaps(connection, (epoch, lane), from, to, count))
    }

    fn running(&self, epoch: Epoch, lane: Lane, sequence: u64) -> Result<Option<Digest>, StoreError> {
        self.view(|connection| read::running(connection, (epoch, lane), sequence))
    }

    fn fate(&self, position: Position) -> Result<Option<Fate>, StoreError> {
        self.view(|connection| read::fate(connection, position))
    }

    fn tally(&self, lane: Lane) -> Result<Tally, StoreError> {
        self.view(|connection| tally::tally(connection, lane))
    }

    fn dialogue(&self, station: &str, connection: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.view(|found| read::dialogue(found, station, connection))
    }

    fn claimed(&self, source: &str, id: &str) -> Result<Option<Vec<MessageId>>, StoreError> {
        self.view(|connection| read::claimed(connection, &self.agent, source, id))
    }
}

impl SpoolReader for SqliteSpool {
    fn heads(&self) -> Result<Vec<Head>, StoreError> {
        epochs::heads(&self.database.connection)
    }

    fn rows(
        &self,
        epoch: Epoch,
        lane: Lane,
        from: u64,
        count: usize,
        bytes: usize,
    ) -> Result<Vec<Row>, StoreError> {
        read::rows(&self.database.connection, (epoch, lane), from, count, bytes)
    }

    fn gaps(
        &self,
        epoch: Epoch,
        lane: Lane,
        from: u64,
        to: u64,
        count: usize,
    ) -> Result<Vec<Gap>, StoreError> {
        read::gaps(&self.database.connection, (epoch, lane), from, to, count)
    }

    fn running(&self, epoch: Epoch, lane: Lane, sequence: u64) -> Result<Option<Digest>, StoreError> {
        read::running(&self.database.connection, (epoch, lane), sequence)
    }

    fn fate(&self, position: Position) -> Result<Option<Fate>, StoreError> {
        read::fate(&self.database.connection, position)
    }

    fn tally(&self, lane: Lane) -> Result<Tally, StoreError> {
        tally::tally(&self.database.connection, lane)
    }

    fn dialogue(&self, station: &str, connection: &str) -> Result<Option<Vec<u8>>, StoreError> {
        read::dialogue(&self.database.connection, station, connection)
    }

    fn claimed(&self, source: &str, id: &str) -> Result<Option<Vec<MessageId>>, StoreError> {
        read::claimed(&self.database.connection, &self.agent, source, id)
    }
}
