//! The inbox's writing side: each call one transaction.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;

use crate::ident::{AgentId, Epoch, Lane};
use crate::store::StoreError;
use crate::store::inbox::{
    Arrival, AuditHead, Change, Filter, Gap, Inbox, InboxView, LANE_BYTES, LaneFloors, Lineage, Note,
    Opening, PAGE, Remark, Request, Selection, Slot, Taken, Verdict, Worklist,
};
use crate::store::sqlite::open::Database;

use super::lanes::agent_id;
use super::read::Connected;
use super::schema::SCHEMA;
use super::work::{Head, Memory, Record, Work};
use super::{backlog, news};

/// Page cache of the writer, in KiB: the queues of a million keys stay in it.
const CACHE_KIB: i64 = 64 * 1024;
/// Prepared statements kept by the writer.
const STATEMENTS: usize = 160;
/// Pages given back to the file system after a prune that removed something.
const VACUUM_PAGES: u32 = 256;
/// Who is written into the audit for what arrives.
const LINK: &str = "link";

/// Bounds of an inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of unsettled messages that an agent may have in a lane; beyond it frames are refused.
    pub lane_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lane_bytes: LANE_BYTES,
        }
    }
}

/// An inbox on disk, open for writing.
#[derive(Debug)]
pub struct SqliteInbox {
    pub(super) database: Database,
    limits: Limits,
    opening: Opening,
    memory: Memory,
}

impl SqliteInbox {
    /// Opens the inbox at `path`, or makes it with the random number `store` as its name. `mark` is a random number for
    /// this opening.
    pub fn open(path: &Path, limits: Limits, store: u64, mark: u64) -> Result<Self, StoreError> {
        let mut database = Database::open(path, &SCHEMA)?;
        database
            .connection
            .pragma_update(None, "cache_size", -CACHE_KIB)?;
        database
            .connection
            .set_prepared_statement_cache_capacity(STATEMENTS);
        let tx = database.begin()?;
        let sql = "INSERT OR IGNORE INTO meta VALUES (1, ?1, 0, 0, 0, 0, 0, 0, 0, ?2)";
        tx.execute(sql, (store as i64, AuditHead::EMPTY.hash))?;
        let mut head = Head::load(&tx)?;
        head.opening.number += 1;
        head.opening.mark = mark;
        head.save(&tx)?;
        // What was claimed of an older state says nothing of rows that were moved since.
        tx.execute("DELETE FROM claim", [])?;
        tx.commit()?;
        Ok(Self {
            database,
            limits,
            opening: head.opening,
            memory: Memory::default(),
        })
    }

    /// Does some work in one transaction: all of it is on disk afterwards, or nothing.
    fn transact<T>(
        &mut self,
        who: &str,
        now_ms: i64,
        work: impl FnOnce(&mut Work<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let done = Self::attempt(&mut self.database, &mut self.memory, who, now_ms, work);
        if done.is_err() {
            self.memory = Memory::default();
        }
        done
    }

    fn attempt<T>(
        database: &mut Database,
        memory: &mut Memory,
        who: &str,
        now_ms: i64,
        work: impl FnOnce(&mut Work<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let tx = database.begin()?;
        let found = Head::load(&tx)?;
        let mut head = found.clone();
        let mut at_work = Work {
            tx: &tx,
            head: &mut head,
            memory,
            who,
            now_ms,
            settled_in: BTreeSet::new(),
            coming: (0, 0..=0),
        };
        let answer = work(&mut at_work)?;
        at_work.move_settled_floors()?;
        if head != found {
            head.save(&tx)?;
        }
        tx.commit()?;
        Ok(answer)
    }
}

impl Connected for SqliteInbox {
    fn connection(&self) -> &Connection {
        &self.database.connection
    }
}

impl Inbox for SqliteInbox {
    fn opening(&self) -> Opening {
        self.opening
    }

    fn raise_term(&mut self, term: u64) -> Result<Opening, StoreError> {
        self.opening = self.transact(LINK, 0, |work| {
            work.head.opening.term = work.head.opening.term.max(term);
            Ok(work.head.opening)
        })?;
        Ok(self.opening)
    }

    fn announce(&mut self, agent: &AgentId, epochs: &[Lineage], now_ms: i64) -> Result<(), StoreError> {
        self.transact(LINK, now_ms, |work| {
            let agent = work.agent(agent)?;
            work.announce(agent, epochs)?;
            work.claim(agent, epochs)
        })
    }

    fn take(&mut self, arrivals: &[Arrival]) -> Result<Vec<Taken>, StoreError> {
        let most = self.limits.lane_bytes;
        self.transact(LINK, 0, |work| {
            let all = arrivals.iter().map(|arrival| {
                work.now_ms = arrival.received_ms;
                work.take(arrival, most)
            });
            all.collect()
        })
    }

    fn declare(&mut self, agent: &AgentId, gaps: &[Gap], now_ms: i64) -> Result<(), StoreError> {
        self.transact(LINK, now_ms, |work| {
            gaps.iter().try_for_each(|gap| work.declare(agent, gap))
        })
    }

    fn acknowledge(
        &mut self,
        agent: &AgentId,
        epoch: Epoch,
        lane: Lane,
        settled: u64,
    ) -> Result<(), StoreError> {
        self.transact(LINK, 0, |work| work.acknowledge(agent, epoch, lane, settled))
    }

    fn floors(&self, agent: &AgentId) -> Result<Vec<LaneFloors>, StoreError> {
        let snapshot = self.database.connection.unchecked_transaction()?;
        news::floors(&snapshot, agent)
    }

    fn news(&self, agent: &AgentId, after: u64, max: usize) -> Result<Vec<Note>, StoreError> {
        news::news(&self.database.connection, agent, after, max)
    }

    fn room(&self, agent: &AgentId, lane: Lane) -> Result<u64, StoreError> {
        let connection = &self.database.connection;
        let Some(agent) = agent_id(connection, agent)? else {
            return Ok(self.limits.lane_bytes);
        };
        let used = match self.memory.used.get(&(agent, lane)) {
            Some(used) => *used,
            None => backlog::open_bytes(connection, agent, lane)?,
        };
        Ok(self.limits.lane_bytes.saturating_sub(used))
    }
}

impl Worklist for SqliteInbox {
    fn change(&mut self, requests: &[Request], who: &str, now_ms: i64) -> Result<Vec<Verdict>, StoreError> {
        self.transact(who, now_ms, |work| {
            requests.iter().map(|request| work.request(request)).collect()
        })
    }

    fn change_where(
        &mut self,
        filter: &Filter,
        after: Option<Slot>,
        change: &Change,
        limit: usize,
        who: &str,
        now_ms: i64,
    ) -> Result<Selection, StoreError> {
        let limit = limit.min(PAGE);
        let found = self.list(filter, after, limit)?;
        let next = found
            .last()
            .filter(|_| found.len() == limit)
            .map(|entry| entry.ticket.slot);
        let requests = found.iter().map(|entry| Request {
            ticket: entry.ticket,
            change: change.clone(),
        });
        let verdicts = self.change(&requests.collect::<Vec<_>>(), who, now_ms)?;
        let changed = verdicts
            .iter()
            .filter(|verdict| matches!(verdict, Verdict::Done(..)))
            .count();
        Ok(Selection { changed, next })
    }

    fn set_note(
        &mut self,
        name: &str,
        text: Option<&str>,
        remark: Option<Remark<'_>>,
    ) -> Result<(), StoreError> {
        let (who, now_ms) = remark.map_or(("", 0), |remark| (remark.who, remark.now_ms));
        self.transact(who, now_ms, |work| {
            match text {
                Some(text) => work.run("INSERT OR REPLACE INTO note VALUES (?1, ?2)", (name, text))?,
                None => work.run("DELETE FROM note WHERE name = ?1", [name])?,
            };
            let Some(remark) = remark else { return Ok(()) };
            work.record(Record {
                what: remark.what,
                slot: None,
                subject: name.to_owned(),
                before: "",
                after: "",
                detail: remark.detail.to_owned(),
            })
        })
    }

    fn prune(&mut self, settled_before_ms: i64, max: usize) -> Result<usize, StoreError> {
        let pruned = self.transact(LINK, 0, |work| work.prune(settled_before_ms, max))?;
        if pruned > 0 {
            self.database.vacuum(VACUUM_PAGES)?;
        }
        Ok(pruned)
    }
}
