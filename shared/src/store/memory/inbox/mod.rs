//! The inbox as a model in memory: what it must do, put as plainly as possible, at any price in time.
//!
//! Nothing is kept up to date beside the messages themselves: whether one is ready is worked out from the definition at
//! every question. So it is a model for simulations, and what the inbox on disk, with its edges and queues, is compared
//! with. Like that one, each call is all or nothing.

mod filter;
mod floor;
mod keep;
mod link;
mod prune;
mod state;
#[cfg(test)]
mod tests;
mod undo;
mod view;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use crate::envelope::Envelope;
use crate::ident::{AgentId, Digest, Epoch, Lane, MessageId, Position, Stamp};
use crate::message::{Behind, Key};
use crate::store::inbox::audit::hash;
use crate::store::inbox::ranges::Ranges;
use crate::store::inbox::{
    AuditHead, AuditRow, Clock, Declared, Floor, LANE_BYTES, Opening, Slot, State, rules,
};

/// A lane's name.
type LaneAt = (AgentId, Epoch, Lane);

/// The model. A clone of it is a backup.
#[derive(Debug, Clone)]
pub struct MemoryInbox {
    opening: Opening,
    lane_bytes: u64,
    agents: BTreeMap<AgentId, Vec<(Epoch, i64)>>,
    lanes: BTreeMap<LaneAt, MemLane>,
    rows: BTreeMap<i64, MemRow>,
    at: BTreeMap<(AgentId, Position), Vec<i64>>,
    by_key: BTreeMap<(AgentId, Key), BTreeSet<i64>>,
    first_users: BTreeMap<Key, Vec<(AgentId, MessageId)>>,
    moved: BTreeMap<(AgentId, Stamp), i64>,
    /// The open epochs of each agent's last hello.
    open: BTreeMap<AgentId, BTreeSet<Epoch>>,
    /// How far an agent's lanes reached at a hello, while not all of that is here.
    claimed: BTreeMap<AgentId, BTreeMap<(Epoch, Lane), Floor>>,
    /// The watermark in each lane.
    watermark: BTreeMap<LaneAt, u64>,
    /// Names that a person says will never come.
    given_up: BTreeSet<(AgentId, Stamp)>,
    audit: Vec<AuditRow>,
    notes: BTreeMap<String, String>,
    slot: i64,
    change: u64,
    /// Sequences that the frame at work will still bring.
    coming: Option<(LaneAt, std::ops::RangeInclusive<u64>)>,
}

/// What is here of a lane.
#[derive(Debug, Clone)]
struct MemLane {
    ranges: Ranges,
    stored: Floor,
    settled: Floor,
    acknowledged: u64,
    diverged: Option<u64>,
    /// First, last, and whether their content was moved.
    gaps: Vec<(u64, u64, bool)>,
    /// What was said of declared ranges, by the first of each part that was absent.
    declared: BTreeMap<u64, Declared>,
    /// Running digests that a sender claimed.
    anchors: BTreeMap<u64, Digest>,
}

/// A message.
#[derive(Debug, Clone)]
struct MemRow {
    slot: i64,
    version: u32,
    agent: AgentId,
    position: Position,
    /// The last sequence, for `lost`.
    last: Option<u64>,
    beside: bool,
    place: i64,
    bytes: Vec<u8>,
    digest: Option<Digest>,
    envelope: Option<Envelope>,
    keys: BTreeSet<Key>,
    /// `ready` in it means nothing; see [`MemoryInbox::is_ready`].
    state: State,
    attempt: u32,
    amendments: Vec<String>,
    approved: BTreeSet<String>,
    /// Later ones of its keys need not wait for it.
    passed: bool,
    /// All that its links name was accounted for.
    cleared: bool,
    /// It undoes another and it is not decided yet what that means; whether it is to be held if that took effect.
    undoing: Option<bool>,
    /// It was moved, and its copy under this name is at the target.
    copying: Option<Stamp>,
    received_ms: i64,
    clock: Option<Clock>,
    changed_ms: i64,
    change: Option<u64>,
    /// The copy that superseded it and has not settled; until then its agent does not hear of it.
    untold: Option<i64>,
    /// The record of its arrival.
    arrival: usize,
}

impl MemRow {
    fn kind(&self) -> &str {
        self.envelope.as_ref().map_or("", |envelope| &envelope.kind)
    }

    fn is_lost(&self) -> bool {
        self.last.is_some()
    }

    fn is_settled(&self) -> bool {
        matches!(self.state, State::Settled(_))
    }

    /// Whether its agent may forget it.
    fn is_over(&self) -> bool {
        self.is_settled() && self.untold.is_none()
    }

    /// Whether it is a dead letter that later ones of its keys need not wait for.
    fn may_be_passed(&self) -> bool {
        let passes = !self.keys.is_empty() && rules::behind(self.kind()) == Behind::Pass;
        passes && matches!(self.state, State::Dead(_))
    }

    fn in_flight(&self) -> bool {
        matches!(self.state, State::Sent | State::Voiding { .. })
    }

    fn spot(&self) -> (i64, i64) {
        (self.place, self.slot)
    }

    fn id(&self) -> Option<MessageId> {
        let digest = self.digest.filter(|_| !self.is_lost())?;
        Some(MessageId::new(self.agent.clone(), self.position, &digest))
    }

    fn stamp(&self) -> Option<Stamp> {
        self.id().map(|id| id.stamp())
    }

    fn lane_at(&self) -> LaneAt {
        (self.agent.clone(), self.position.epoch, self.position.lane)
    }

    fn subject(&self) -> String {
        let last = self.last.unwrap_or(self.position.sequence);
        self.id().map_or_else(
            || format!("{}:{}-{last}", self.agent, self.position),
            |id| id.to_string(),
        )
    }
}

impl MemoryInbox {
    /// An empty inbox.
    pub fn new(store: u64, mark: u64) -> Self {
        Self {
            opening: Opening {
                store,
                number: 1,
                mark,
                term: 0,
            },
            lane_bytes: LANE_BYTES,
            agents: BTreeMap::new(),
            lanes: BTreeMap::new(),
            rows: BTreeMap::new(),
            at: BTreeMap::new(),
            by_key: BTreeMap::new(),
            first_users: BTreeMap::new(),
            moved: BTreeMap::new(),
            open: BTreeMap::new(),
            claimed: BTreeMap::new(),
            watermark: BTreeMap::new(),
            given_up: BTreeSet::new(),
            audit: Vec::new(),
            notes: BTreeMap::new(),
            slot: 0,
            change: 0,
            coming: None,
        }
    }

    /// The same inbox after its process was started again, or after this backup of it was put back.
    pub fn reopen(mut self, mark: u64) -> Self {
        self.opening.number += 1;
        self.opening.mark = mark;
        // What was claimed of an older state says nothing of rows that were moved since.
        self.claimed.clear();
        self
    }

    /// Bounds the bytes of unsettled messages that an agent may have in a lane.
    pub fn set_lane_bytes(&mut self, bytes: u64) {
        self.lane_bytes = bytes;
    }

    /// The places of all epochs of an agent, by their rank.
    fn rank(&self, agent: &AgentId, epoch: Epoch) -> Option<i64> {
        let known = self.agents.get(agent)?;
        known
            .iter()
            .find(|(other, _)| *other == epoch)
            .map(|(_, rank)| *rank)
    }

    fn lane(&mut self, agent: &AgentId, epoch: Epoch, lane: Lane) -> &mut MemLane {
        let empty = || {
            let floor = Floor::origin(epoch, lane);
            MemLane {
                ranges: Ranges::default(),
                stored: floor,
                settled: floor,
                acknowledged: 0,
                diverged: None,
                gaps: Vec::new(),
                declared: BTreeMap::new(),
                anchors: BTreeMap::new(),
            }
        };
        self.lanes
            .entry((agent.clone(), epoch, lane))
            .or_insert_with(empty)
    }

    fn record(&mut self, who: &str, at_ms: i64, record: AuditRow) {
        let before = self.head();
        let mut row = AuditRow {
            number: before.number + 1,
            at_ms,
            who: who.to_owned(),
            ..record
        };
        row.hash = hash(&before.hash, &row);
        self.audit.push(row);
    }

    fn head(&self) -> AuditHead {
        self.audit.last().map_or(AuditHead::EMPTY, |row| AuditHead {
            number: row.number,
            hash: row.hash,
        })
    }
}

/// A record about a message or a range, without number, author and hash.
fn record_of(
    what: &str,
    slot: Option<i64>,
    subject: String,
    before: &str,
    after: &str,
    detail: String,
) -> AuditRow {
    AuditRow {
        number: 0,
        at_ms: 0,
        who: String::new(),
        what: what.to_owned(),
        slot: slot.map(Slot),
        subject,
        before: before.to_owned(),
        after: after.to_owned(),
        detail,
        hash: [0; 32],
    }
}
