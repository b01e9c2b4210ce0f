//! A model of the inbox: plain maps and searches, so that it is easy to see that it is right.

use std::collections::{BTreeMap, BTreeSet};

use millrace_shared::ident::{AgentId, Epoch, Lane, Stamp};
use millrace_shared::outcome::{Outcome, Reason};
use millrace_shared::store::StoreError;
use millrace_shared::store::inbox::{Arrival, Gap, Inbox, LaneFloors, Lineage, Note, Opening, Taken, Told};

use super::lane::{Cell, LaneModel};
use super::message::{Item, State};
use super::odoo::Name;
use crate::simulation::bug::Bug;

/// The relay's store.
#[derive(Debug, Clone)]
pub struct InboxModel {
    /// Which opening this is.
    pub opening: Opening,
    /// How many of the target's outcomes were seen.
    pub seen: u64,
    /// What it has of each agent.
    pub peers: BTreeMap<AgentId, Peer>,
    /// Bytes of unsettled messages that an agent may have in a lane.
    pub quota: u64,
    /// The fault that is planted.
    pub bug: Option<Bug>,
    pub(super) changes: u64,
}

/// What the store has of one agent.
#[derive(Debug, Clone, Default)]
pub struct Peer {
    /// Epochs in their order.
    pub ranks: Vec<Epoch>,
    /// Those of the last hello.
    pub open: BTreeSet<Epoch>,
    /// Lanes.
    pub lanes: BTreeMap<(Epoch, Lane), LaneModel>,
    /// Messages, by arrival.
    pub items: Vec<Item>,
}

impl InboxModel {
    /// An empty store.
    pub fn new(store: u64, mark: u64, quota: u64, bug: Option<Bug>) -> Self {
        let opening = Opening {
            store,
            number: 1,
            mark,
            term: 0,
        };
        Self {
            opening,
            seen: 0,
            peers: BTreeMap::new(),
            quota,
            bug,
            changes: 0,
        }
    }

    /// The store is opened again.
    pub fn open(&mut self, mark: u64) {
        self.opening.number += 1;
        self.opening.mark = mark;
    }

    /// Whether this content is here in any form.
    pub fn has(&self, agent: &AgentId, scan: usize) -> bool {
        let peer = self.peers.get(agent);
        peer.is_some_and(|peer| peer.items.iter().any(|item| item.scan == Some(scan)))
    }

    /// Whether a person discarded the message of this name here.
    pub fn discarded(&self, (agent, name): &Name) -> bool {
        let discarded = |item: &Item| matches!(item.state, State::Settled(Outcome::Discarded { .. }));
        let peer = self.peers.get(agent);
        peer.is_some_and(|peer| {
            let mut named = peer.items.iter().filter(|item| item.name == *name);
            named.any(discarded)
        })
    }

    pub(super) fn next_change(&mut self) -> u64 {
        self.changes += 1;
        self.changes
    }
}

impl Peer {
    /// The rank of an epoch in the order of capture; what is not known is older than all that is.
    pub fn rank(&self, epoch: Epoch) -> usize {
        self.ranks
            .iter()
            .position(|known| *known == epoch)
            .map_or(0, |rank| rank + 1)
    }

    /// The message of this name that may take effect.
    pub fn named(&self, name: &Stamp) -> Option<usize> {
        self.items
            .iter()
            .position(|item| item.effective && item.name == *name)
    }

    /// What stands at a position.
    pub fn cell(&self, at: &Stamp) -> Option<Cell> {
        let lane = self.lanes.get(&(at.position.epoch, at.position.lane))?;
        lane.cells.get(&at.position.sequence).copied()
    }
}

impl Inbox for InboxModel {
    fn opening(&self) -> Opening {
        self.opening
    }

    fn raise_term(&mut self, term: u64) -> Result<Opening, StoreError> {
        self.opening.term = self.opening.term.max(term);
        Ok(self.opening)
    }

    fn announce(&mut self, agent: &AgentId, epochs: &[Lineage]) -> Result<(), StoreError> {
        let peer = self.peers.entry(agent.clone()).or_default();
        peer.open = epochs.iter().map(|lineage| lineage.epoch).collect();
        let mut at = 0;
        for (index, Lineage { epoch, .. }) in epochs.iter().enumerate() {
            match peer.ranks.iter().position(|known| known == epoch) {
                Some(known) => at = known + 1,
                None => {
                    // Before the next one that is known; the first of a new disk comes after all that there was.
                    let mut later = epochs[index + 1..].iter();
                    let known = |later: &Lineage| peer.ranks.iter().position(|known| *known == later.epoch);
                    let next = later.find_map(known);
                    let free = next.filter(|_| at == 0).unwrap_or(peer.ranks.len());
                    peer.ranks.insert(free, *epoch);
                    at = free + 1;
                }
            }
        }
        peer.rerank();
        Ok(())
    }

    fn take(&mut self, arrivals: &[Arrival]) -> Result<Vec<Taken>, StoreError> {
        Ok(arrivals.iter().map(|arrival| self.take_one(arrival)).collect())
    }

    fn declare(&mut self, agent: &AgentId, gaps: &[Gap], _now_ms: i64) -> Result<(), StoreError> {
        for gap in gaps {
            self.declare_one(agent, gap);
        }
        Ok(())
    }

    fn acknowledge(
        &mut self,
        agent: &AgentId,
        epoch: Epoch,
        lane: Lane,
        settled: u64,
    ) -> Result<(), StoreError> {
        if let Some(peer) = self.peers.get_mut(agent)
            && let Some(model) = peer.lanes.get_mut(&(epoch, lane))
        {
            let known = model.floors(epoch, lane, &peer.items).settled.sequence;
            model.acknowledged = settled.min(known);
        }
        Ok(())
    }

    fn floors(&self, agent: &AgentId) -> Result<Vec<LaneFloors>, StoreError> {
        let Some(peer) = self.peers.get(agent) else {
            return Ok(Vec::new());
        };
        let lanes = peer.lanes.iter();
        Ok(lanes
            .map(|((epoch, lane), model)| model.floors(*epoch, *lane, &peer.items))
            .collect())
    }

    fn news(&self, agent: &AgentId, after: u64, max: usize) -> Result<Vec<Note>, StoreError> {
        let Some(peer) = self.peers.get(agent) else {
            return Ok(Vec::new());
        };
        let mut changed: Vec<&Item> = peer.items.iter().filter(|item| item.change > after).collect();
        changed.sort_by_key(|item| item.change);
        let note = |item: &Item| Note {
            change: item.change,
            id: item.at.of(agent),
            told: match &item.state {
                State::Dead(reason) => Told::Dead(reason.clone()),
                State::Settled(outcome) => Told::Settled(outcome.clone()),
                State::Waiting | State::Sent | State::Voiding => Told::Reopened,
            },
        };
        Ok(changed.into_iter().take(max).map(note).collect())
    }

    fn room(&self, agent: &AgentId, lane: Lane) -> Result<u64, StoreError> {
        let Some(peer) = self.peers.get(agent) else {
            return Ok(self.quota);
        };
        let in_lane = |item: &&Item| item.at.position.lane == lane && !item.is_settled();
        let used: u64 = peer.items.iter().filter(in_lane).map(|item| item.bytes).sum();
        Ok(self.quota.saturating_sub(used))
    }
}

impl Peer {
    fn rerank(&mut self) {
        for index in 0..self.items.len() {
            let rank = self.rank(self.items[index].name.position.epoch);
            self.items[index].place.0 = rank;
        }
    }
}

/// A reason of this word.
pub fn because(word: &str) -> Reason {
    Reason::new(word, "simulated")
}
