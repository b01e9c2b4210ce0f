//! Reading a spool beside its writer, or without one. Cannot write: its connection is opened for reading only.

use std::path::Path;

use rusqlite::Connection;

use super::schema::SCHEMA;
use super::{epochs, note, read, tally};
use crate::envelope::Row;
use crate::ident::{AgentId, Digest, Epoch, Lane, MessageId, Position};
use crate::store::StoreError;
use crate::store::spool::{Fate, Gap, Head, SpoolReader, Tally};
use crate::store::sqlite::open::open_reader;

/// The reading side of the spool at a path. Each call sees one state of it; two calls may see two.
#[derive(Debug)]
pub struct SqliteSpoolReader {
    connection: Connection,
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
        Ok(Self { connection, agent })
    }

    /// Whose messages it keeps.
    pub fn agent(&self) -> &AgentId {
        &self.agent
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
