//! The relay's disk: the shipped model of the inbox, how many outcomes of the target were seen, and where planted faults
//! change what the inbox is told.

use millrace_shared::envelope::Envelope;
use millrace_shared::ident::{AgentId, Epoch, Lane, Stamp};
use millrace_shared::outcome::Outcome;
use millrace_shared::store::StoreError;
use millrace_shared::store::inbox::{
    Arrival, Change, Filter, Gap, GapKind, Inbox, InboxView, Item, Kept, LaneFloors, Lineage, Note, Opening,
    PAGE, ReadyFrom, Request, Slot, State, StateName, Taken, Verdict, WaitsFor, Worklist,
};
use millrace_shared::store::memory::MemoryInbox;

use super::bug::Bug;
use super::odoo::Name;

/// The relay's disk. A clone of it is a backup.
#[derive(Debug, Clone)]
pub struct RelayDisk {
    /// The store.
    pub inbox: MemoryInbox,
    /// How many of the target's outcomes were seen.
    pub seen: u64,
    /// A person ordered a replay, which comes before anything new.
    pub replay: bool,
    /// The fault that is planted.
    pub bug: Option<Bug>,
}

impl RelayDisk {
    /// An empty disk on which an agent may have so many bytes in a lane.
    pub fn new(store: u64, mark: u64, quota: u64, bug: Option<Bug>) -> Self {
        let mut inbox = MemoryInbox::new(store, mark);
        inbox.set_lane_bytes(quota);
        Self {
            inbox,
            seen: 0,
            replay: false,
            bug,
        }
    }

    /// The store is opened again.
    pub fn open(&mut self, mark: u64) {
        self.inbox = self.inbox.clone().reopen(mark);
    }

    /// Messages in these states (in all where none is named), oldest in capture first.
    pub fn items(&self, states: &[StateName]) -> Vec<Item> {
        let filter = Filter {
            states: states.to_vec(),
            ..Filter::default()
        };
        let found = self.inbox.list(&filter, None, PAGE).unwrap_or_default();
        let items = found.into_iter().filter_map(|entry| self.item(entry.ticket.slot));
        in_order(items.collect())
    }

    /// Messages that wait for nothing, oldest in capture first.
    pub fn ready(&self) -> Vec<Item> {
        let agents = self.inbox.agents().unwrap_or_default();
        let lanes = agents
            .iter()
            .flat_map(|agent| Lane::ALL.map(|lane| (agent, lane)));
        let ready = lanes.flat_map(|(agent, lane)| {
            let ready = self.inbox.ready(agent, lane, ReadyFrom::Oldest(None), PAGE);
            ready.unwrap_or_default()
        });
        in_order(ready.collect())
    }

    /// A message.
    pub fn item(&self, slot: Slot) -> Option<Item> {
        self.inbox.get(slot).ok().flatten()
    }

    /// The states of all copies of this scan that are here.
    fn copies(&self, agent: &AgentId, scan: usize) -> impl Iterator<Item = State> {
        let theirs = move |item: &Item| item.entry.agent == *agent && scan_of(item) == Some(scan);
        let items = self.items(&[]).into_iter();
        items.filter(theirs).map(|item| item.entry.state)
    }

    /// Whether this content is here in any form.
    pub fn has(&self, agent: &AgentId, scan: usize) -> bool {
        self.copies(agent, scan).next().is_some()
    }

    /// Whether this scan can take effect from here, again where it did: a copy that was superseded is never replayed, and
    /// the one that took effect may have been pruned before it.
    pub fn can_do(&self, agent: &AgentId, scan: usize) -> bool {
        let mut copies = self.copies(agent, scan);
        copies
            .any(|state| !matches!(state, State::Settled(outcome) if !matches!(outcome, Outcome::Applied(_))))
    }

    /// Whether a person discarded the message of this name here.
    pub fn discarded(&self, name: &Name) -> bool {
        let discarded = |item: &Item| matches!(item.entry.state, State::Settled(Outcome::Discarded { .. }));
        let settled = self.items(&[StateName::Settled]);
        settled
            .iter()
            .any(|item| discarded(item) && name_of(item).as_ref() == Some(name))
    }

    /// Takes away what was settled before this time and acknowledged.
    pub fn prune(&mut self, before_ms: i64) {
        let _ = self.inbox.prune(before_ms, PAGE);
    }

    /// Lets go on what waits so.
    fn let_go(&mut self, now_ms: i64, so: impl Fn(&Item, &WaitsFor) -> bool) {
        for item in self.items(&[StateName::Behind]) {
            if !self
                .inbox
                .waits_for(item.entry.ticket.slot)
                .is_ok_and(|waits| so(&item, &waits))
            {
                continue;
            }
            let request = Request {
                ticket: item.entry.ticket,
                change: Change::Approve,
            };
            let _ = self.inbox.change(&[request], "a bug", now_ms);
        }
    }

    /// Takes what came to a position that was filled for what is there.
    fn take_for_known(&mut self, arrival: &Arrival, kept: &mut Kept) {
        let beside: Vec<u64> = kept.conflicts.drain(..).chain(kept.late.drain(..)).collect();
        kept.known += beside.len();
        let letters = self.items(&[StateName::Dead]).into_iter();
        let theirs = letters.filter(|item| {
            item.entry.beside && lane_of(item) == (arrival.agent.clone(), arrival.epoch, arrival.lane)
        });
        for item in theirs.filter(|item| beside.contains(&item.entry.position.sequence)) {
            self.end(&item, Outcome::Superseded { by: None }, arrival.received_ms);
        }
    }

    /// Settles what stands where a loss is declared.
    fn wipe(&mut self, agent: &AgentId, gap: &Gap, now_ms: i64) {
        let open = [
            StateName::Ready,
            StateName::Behind,
            StateName::Held,
            StateName::Dead,
        ];
        for item in self.items(&open) {
            let inside = (gap.from..=gap.to).contains(&item.entry.position.sequence);
            let theirs = lane_of(&item) == (agent.clone(), gap.epoch, gap.lane);
            if inside && theirs && item.envelope.is_some() {
                self.end(&item, Outcome::Lost, now_ms);
            }
        }
    }

    fn end(&mut self, item: &Item, outcome: Outcome, now_ms: i64) {
        let reason = "a bug".to_owned();
        for change in [Change::Discard { reason }, Change::Settle(outcome)] {
            let Some(now) = self.item(item.entry.ticket.slot) else {
                return;
            };
            let ticket = now.entry.ticket;
            let _ = self.inbox.change(&[Request { ticket, change }], "a bug", now_ms);
        }
    }
}

impl Inbox for RelayDisk {
    fn opening(&self) -> Opening {
        self.inbox.opening()
    }

    fn raise_term(&mut self, term: u64) -> Result<Opening, StoreError> {
        self.inbox.raise_term(term)
    }

    fn announce(&mut self, agent: &AgentId, epochs: &[Lineage], now_ms: i64) -> Result<(), StoreError> {
        self.inbox.announce(agent, epochs, now_ms)
    }

    fn take(&mut self, arrivals: &[Arrival]) -> Result<Vec<Taken>, StoreError> {
        let mut taken = self.inbox.take(arrivals)?;
        match self.bug {
            Some(Bug::DedupByPosition) => {
                for (arrival, taken) in arrivals.iter().zip(&mut taken) {
                    if let Taken::Kept(kept) = taken {
                        self.take_for_known(arrival, kept);
                    }
                }
            }
            Some(Bug::AfterForgotten) => {
                let now_ms = arrivals.first().map_or(0, |arrival| arrival.received_ms);
                self.let_go(now_ms, |_, _| true);
            }
            _ => {}
        }
        Ok(taken)
    }

    fn declare(&mut self, agent: &AgentId, gaps: &[Gap], now_ms: i64) -> Result<(), StoreError> {
        if self.bug == Some(Bug::LostDeclaredThoughStored) {
            for gap in gaps.iter().filter(|gap| gap.kind == GapKind::Lost) {
                self.wipe(agent, gap, now_ms);
            }
        }
        self.inbox.declare(agent, gaps, now_ms)
    }

    fn acknowledge(
        &mut self,
        agent: &AgentId,
        epoch: Epoch,
        lane: Lane,
        settled: u64,
    ) -> Result<(), StoreError> {
        self.inbox.acknowledge(agent, epoch, lane, settled)
    }

    fn floors(&self, agent: &AgentId) -> Result<Vec<LaneFloors>, StoreError> {
        self.inbox.floors(agent)
    }

    fn news(&self, agent: &AgentId, after: u64, max: usize) -> Result<Vec<Note>, StoreError> {
        self.inbox.news(agent, after, max)
    }

    fn room(&self, agent: &AgentId, lane: Lane) -> Result<u64, StoreError> {
        self.inbox.room(agent, lane)
    }
}

/// Makes changes one after the other; one that is stale or does not suit changes nothing.
pub fn commit(disk: &mut RelayDisk, requests: &[Request], now_ms: i64) -> Vec<Verdict> {
    let verdicts = disk.inbox.change(requests, "the flow", now_ms);
    if disk.bug == Some(Bug::DiscardedLetsGo) {
        disk.let_go(now_ms, |item, waits| {
            let elsewhere: Vec<&Stamp> = waits.missing.iter().chain(&waits.gone).collect();
            waits.here.is_empty()
                && !item
                    .envelope
                    .iter()
                    .flat_map(Envelope::links)
                    .any(|after| elsewhere.contains(&after))
        });
    }
    verdicts.unwrap_or_default()
}

/// The name of a message in the target; none of a loss, or of what is no envelope.
pub fn name_of(item: &Item) -> Option<Name> {
    let id = item.entry.id.as_ref()?;
    Some((id.agent.clone(), item.envelope.as_ref()?.name(id.stamp())))
}

/// The number of the scan that a message is.
pub fn scan_of(item: &Item) -> Option<usize> {
    scan_in(item.envelope.as_ref()?)
}

/// The number of the scan that an envelope carries.
pub fn scan_in(envelope: &Envelope) -> Option<usize> {
    envelope.capture.source_id.as_ref()?.parse().ok()
}

/// Why a message is dead, in a word; none where it is not.
pub fn dead(item: &Item) -> Option<&str> {
    match &item.entry.state {
        State::Dead(reason) => Some(&reason.code),
        _ => None,
    }
}

fn lane_of(item: &Item) -> (AgentId, Epoch, Lane) {
    let at = item.entry.position;
    (item.entry.agent.clone(), at.epoch, at.lane)
}

fn in_order(mut items: Vec<Item>) -> Vec<Item> {
    items.sort_by_key(|item| (item.entry.agent.clone(), item.entry.place, item.entry.ticket.slot));
    items
}
