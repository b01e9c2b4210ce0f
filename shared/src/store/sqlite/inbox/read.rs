//! The inbox's reading side, on a connection of its own or the writer's.

use std::path::Path;

use rusqlite::Connection;

use crate::ident::{AgentId, Epoch, Lane, MessageId};
use crate::store::StoreError;
use crate::store::inbox::{
    AuditHead, AuditRow, Balance, Entry, Filter, GroupBy, InboxView, Item, LaneBacklog, LaneFloors,
    ReadyFrom, SharedKey, Slot, WaitsFor,
};
use crate::store::sqlite::open::open_reader;

use super::schema::SCHEMA;
use super::verify::{self, Checked};
use super::{backlog, news, query, trail, view};

/// Looks at an inbox, beside the process that writes it or without one.
#[derive(Debug)]
pub struct SqliteInboxReader {
    connection: Connection,
}

impl SqliteInboxReader {
    /// Opens the inbox at `path` for reading.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = open_reader(path, &SCHEMA)?;
        Ok(Self { connection })
    }

    /// What is here of each lane of the agent; see [`Inbox::floors`](crate::store::inbox::Inbox::floors).
    pub fn floors(&self, agent: &AgentId) -> Result<Vec<LaneFloors>, StoreError> {
        on_one_snapshot(&self.connection, |connection| news::floors(connection, agent))
    }

    /// Checks the messages behind `after`, at most `limit`, and says where to go on.
    pub fn verify(&self, after: Option<Slot>, limit: usize) -> Result<Checked, StoreError> {
        on_one_snapshot(&self.connection, |connection| {
            verify::stretch(connection, after, limit)
        })
    }
}

/// Has a connection to an inbox.
pub(super) trait Connected {
    fn connection(&self) -> &Connection;
}

impl Connected for SqliteInboxReader {
    fn connection(&self) -> &Connection {
        &self.connection
    }
}

/// Runs a reading of several statements on one snapshot.
fn on_one_snapshot<T>(
    connection: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let snapshot = connection.unchecked_transaction()?;
    read(&snapshot)
}

impl<C: Connected> InboxView for C {
    fn note(&self, name: &str) -> Result<Option<String>, StoreError> {
        view::note(self.connection(), name)
    }

    fn agents(&self) -> Result<Vec<AgentId>, StoreError> {
        view::agents(self.connection())
    }

    fn ready(
        &self,
        agent: &AgentId,
        lane: Lane,
        from: ReadyFrom,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        on_one_snapshot(self.connection(), |connection| {
            view::ready(connection, agent, lane, from, limit)
        })
    }

    fn sent(&self, after: Option<Slot>, limit: usize) -> Result<Vec<Item>, StoreError> {
        on_one_snapshot(self.connection(), |connection| {
            view::sent(connection, after, limit)
        })
    }

    fn find(&self, id: &MessageId) -> Result<Option<Slot>, StoreError> {
        view::slot_of(self.connection(), id)
    }

    fn get(&self, slot: Slot) -> Result<Option<Item>, StoreError> {
        on_one_snapshot(self.connection(), |connection| view::get(connection, slot))
    }

    fn list(&self, filter: &Filter, after: Option<Slot>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        on_one_snapshot(self.connection(), |connection| {
            query::list(connection, filter, after, limit)
        })
    }

    fn counts(&self, filter: &Filter, by: GroupBy) -> Result<Vec<(String, u64)>, StoreError> {
        query::counts(self.connection(), filter, by)
    }

    fn backlog(&self) -> Result<Vec<LaneBacklog>, StoreError> {
        on_one_snapshot(self.connection(), backlog::backlog)
    }

    fn balance(&self, agent: &AgentId, epoch: Epoch, lane: Lane, cut: u64) -> Result<Balance, StoreError> {
        on_one_snapshot(self.connection(), |connection| {
            backlog::balance(connection, agent, epoch, lane, cut)
        })
    }

    fn waits_for(&self, slot: Slot) -> Result<WaitsFor, StoreError> {
        on_one_snapshot(self.connection(), |connection| view::waits_for(connection, slot))
    }

    fn trace(&self, slot: Slot) -> Result<Vec<AuditRow>, StoreError> {
        on_one_snapshot(self.connection(), |connection| trail::trace(connection, slot))
    }

    fn audit(&self, after: u64, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        trail::audit(self.connection(), after, limit)
    }

    fn audit_verify(&self) -> Result<AuditHead, StoreError> {
        trail::verify(self.connection())
    }

    fn shared_keys(&self, limit: usize) -> Result<Vec<SharedKey>, StoreError> {
        on_one_snapshot(self.connection(), |connection| {
            view::shared_keys(connection, limit)
        })
    }
}
