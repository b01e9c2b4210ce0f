//! The contract of the durable incoming log.
//!
//! It keeps what arrives, out of order too, recognises what it has, knows for each message what it waits for, and
//! notes every change of a message's state with who made it. Three narrow doors: the link takes in through [`Inbox`],
//! the flow moves messages through [`Worklist`], everybody looks through [`InboxView`].
//!
//! Every call that changes something is one transaction: after `Ok` it is on disk, after an error nothing of it is.
//! No call assumes that it is the only process: whoever moves a message names the version that he saw, and is told
//! [`Verdict::Stale`] where another was quicker. It reads no clock and makes no random number; those are arguments.

mod arrival;
pub(crate) mod audit;
mod chain;
mod item;
mod query;
pub(crate) mod ranges;
pub(crate) mod rules;

pub use super::GapKind;
pub use arrival::{
    Arrival, Clock, Floor, Gap, Kept, LaneFloors, Lineage, Note, Opening, Refusal, Taken, Told,
};
pub use chain::{Chain, Declared};
pub use item::{Change, Entry, Hold, Item, Request, Slot, State, StateName, Ticket, Verdict, why};
pub use query::{
    AuditHead, AuditRow, Balance, Filter, GroupBy, LaneBacklog, ReadyFrom, Remark, Selection, SharedKey,
    WaitsFor,
};

use crate::ident::{AgentId, Epoch, Lane, MessageId};

use super::StoreError;

/// What the link may do.
///
/// ```text
/// hello   → announce, then floors + news: the answer
/// frame   → take: keeps, recognises, or refuses; then floors
/// declared gap → declare
/// acknowledged settled floor → acknowledge
/// ```
pub trait Inbox {
    /// Which store this is and which of its openings; every receipt names it.
    fn opening(&self) -> Opening;

    /// Raises the term to `term`; a lower one changes nothing.
    fn raise_term(&mut self, term: u64) -> Result<Opening, StoreError>;

    /// Notes an agent's open epochs, all of them, oldest first, each with its predecessor, so that their order is known
    /// before any of their rows. What is known keeps its place. An epoch that is not among them and of which nothing is
    /// here is gone: the agent has settled all of it.
    ///
    /// The heads are what the agent had given numbers to. Once everything up to them is here, with their digests, they are
    /// the agent's *watermark*: nothing that it captured before any message below is still to come. A message that names
    /// something of which nothing is left but its number (declared, pruned, lost) goes on only below the watermark, for
    /// nobody knows any more what that came after.
    fn announce(&mut self, agent: &AgentId, epochs: &[Lineage], now_ms: i64) -> Result<(), StoreError>;

    /// Keeps all these arrivals in one transaction and says what became of each, in their order. A refused arrival
    /// leaves nothing and does not harm its neighbours.
    fn take(&mut self, arrivals: &[Arrival]) -> Result<Vec<Taken>, StoreError>;

    /// Notes positions that will never come. Positions that are here, or were declared before, keep what they have. A gap
    /// that breaks a bound, or would make one range too many, is not noted: the floors show what was.
    fn declare(&mut self, agent: &AgentId, gaps: &[Gap], now_ms: i64) -> Result<(), StoreError>;

    /// Notes up to where the agent knows that everything is settled. Never beyond the settled floor; it may fall, as
    /// with an agent restored from an old image. Pruning keeps below it.
    fn acknowledge(
        &mut self,
        agent: &AgentId,
        epoch: Epoch,
        lane: Lane,
        settled: u64,
    ) -> Result<(), StoreError>;

    /// Every lane of every known epoch of the agent, oldest epoch first.
    fn floors(&self, agent: &AgentId) -> Result<Vec<LaneFloors>, StoreError>;

    /// What the agent should hear of its messages, by rising change number, from behind `after`, at most `max`. A
    /// message appears once, with its newest change; asking again from 0 repeats all that is still kept.
    ///
    /// One that is superseded by a copy under another name is told, and counts for the settled floor, only when that copy
    /// has settled in turn. Another clone of the agent may be the only one that has the copy: if this store is lost, the
    /// message must come again from whoever still has it.
    fn news(&self, agent: &AgentId, after: u64, max: usize) -> Result<Vec<Note>, StoreError>;

    /// How many more bytes of unsettled messages this agent may bring into this lane; what a credit is made from.
    fn room(&self, agent: &AgentId, lane: Lane) -> Result<u64, StoreError>;
}

/// What the flow may do.
///
/// ```text
///             ┌────────── Return ─────────┐
///             ▼                           │
///  ready ◄─ waiting ──── Send ─────────► sent ── Settle ──► settled
///             │ ▲ ▲                       │ │                  ▲
///        Hold │ │ └─ Retry, Amend ─ dead ◄┘ └ Hold ► held      │ Settle
///             ▼ │ Release, Amend      │ └── Discard ──────► voiding
///            held ────────────────────┴──── Discard ──────────►
/// ```
/// `waiting` and `held` may be declared `Dead` and discarded too. `Replay` leads back from `settled`: to `waiting` what
/// was applied, to `voiding` what was discarded. What the inbox does by itself, in the same
/// transaction: it releases what waited, annuls a message with its undo, supersedes a passed dead letter once a later
/// message of one of its keys was applied, and a message that was moved to another epoch.
pub trait Worklist {
    /// Makes all these changes in one transaction, each with its audit record, and says what became of each, in their
    /// order. A request that is stale or refused leaves nothing and does not harm its neighbours.
    fn change(&mut self, requests: &[Request], who: &str, now_ms: i64) -> Result<Vec<Verdict>, StoreError>;

    /// Makes one change to at most `limit` messages that match, oldest first, and returns how many it was made to and
    /// where to go on; those that the change does not suit are skipped. Call it until nothing is left.
    fn change_where(
        &mut self,
        filter: &Filter,
        after: Option<Slot>,
        change: &Change,
        limit: usize,
        who: &str,
        now_ms: i64,
    ) -> Result<Selection, StoreError>;

    /// Keeps a note under this name, or takes it away. For what the flow must know after a restart; few and small.
    fn set_note(
        &mut self,
        name: &str,
        text: Option<&str>,
        remark: Option<Remark<'_>>,
    ) -> Result<(), StoreError>;

    /// Removes at most `max` messages that were settled before `settled_before_ms` and stand below the settled floor
    /// that their agent has acknowledged. Returns how many. Their audit records stay. What stands at a position of which
    /// a message that is here awaits other content stays too: it shows that this has not come.
    fn prune(&mut self, settled_before_ms: i64, max: usize) -> Result<usize, StoreError>;
}

/// What everybody may look at. Every list is bounded by [`PAGE`], whatever is asked.
pub trait InboxView {
    /// The note of this name; see [`Worklist::set_note`].
    fn note(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// All agents that were ever heard.
    fn agents(&self) -> Result<Vec<AgentId>, StoreError>;

    /// Messages of this agent and lane that wait for nothing, in order of capture from either end, at most `limit`.
    fn ready(
        &self,
        agent: &AgentId,
        lane: Lane,
        from: ReadyFrom,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError>;

    /// Messages with an intent and no outcome ([`State::Sent`] and [`State::Voiding`]), to be asked for before
    /// anything else is done after a start. Oldest arrival first, from behind `after`.
    fn sent(&self, after: Option<Slot>, limit: usize) -> Result<Vec<Item>, StoreError>;

    /// The slot of a message, where it is kept.
    fn find(&self, id: &MessageId) -> Result<Option<Slot>, StoreError>;

    /// One message whole; none where it was pruned or never was.
    fn get(&self, slot: Slot) -> Result<Option<Item>, StoreError>;

    /// Messages that match, by arrival, from behind `after`.
    fn list(&self, filter: &Filter, after: Option<Slot>, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// How many messages match, by group, largest first.
    fn counts(&self, filter: &Filter, by: GroupBy) -> Result<Vec<(String, u64)>, StoreError>;

    /// What each agent has in each lane.
    fn backlog(&self) -> Result<Vec<LaneBacklog>, StoreError>;

    /// The relay's half of the balance of a lane up to and including sequence `cut`.
    fn balance(&self, agent: &AgentId, epoch: Epoch, lane: Lane, cut: u64) -> Result<Balance, StoreError>;

    /// What this message waits for.
    fn waits_for(&self, slot: Slot) -> Result<WaitsFor, StoreError>;

    /// What happened to a message, from arrival on.
    fn trace(&self, slot: Slot) -> Result<Vec<AuditRow>, StoreError>;

    /// The audit from behind record `after`, at most `limit` records.
    fn audit(&self, after: u64, limit: usize) -> Result<Vec<AuditRow>, StoreError>;

    /// Walks the whole chain of the audit. [`StoreError::Damaged`] names the first record that is not what was
    /// written; otherwise the head, which may be noted elsewhere to prove later that nothing was cut off.
    fn audit_verify(&self) -> Result<AuditHead, StoreError>;

    /// Keys that more than one agent uses.
    fn shared_keys(&self, limit: usize) -> Result<Vec<SharedKey>, StoreError>;
}

/// Most items that one call returns.
pub const PAGE: usize = 1000;

/// Most disjoint ranges above the floor of a lane. An arrival that would make one more is refused; what fills a hole
/// never does.
pub const RANGES: usize = 64;

/// Most epochs of one agent, over all time. An arrival of one more is refused until a person has looked.
pub const EPOCHS: usize = 4096;

/// Bytes of unsettled messages that an agent may have in a lane, where the configuration says nothing else.
pub const LANE_BYTES: u64 = 8 * 1024 * 1024 * 1024;
