//! What the flow does with the model of the inbox: what is ready, and the changes of a message's state.

use millrace_shared::ident::{AgentId, Stamp};
use millrace_shared::outcome::{Outcome, Record};
use millrace_shared::store::inbox::why;

use super::inbox::{InboxModel, Peer, because};
use super::lane::Cell;
use super::message::{Item, State};
use crate::simulation::bug::Bug;

/// A message of an agent.
pub type Slot = (AgentId, usize);

/// A change of a message's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The intent to post it.
    Send,
    /// The target does not have it after all.
    Return,
    /// It took effect.
    Applied,
    /// It is discarded for good.
    Discarded,
    /// The target never will run it.
    Dead(&'static str),
    /// A person tries it again.
    Retry,
    /// A person gives it up: the intent to void it.
    Discard,
    /// A person lets it go on although what it came after never came.
    Release,
    /// It was applied or discarded, but the target was restored: it is to be posted or voided again, under its name.
    Replay,
}

impl InboxModel {
    /// Messages in this state, oldest in capture first.
    pub fn in_state(&self, is: impl Fn(&State) -> bool) -> Vec<Slot> {
        let mut found = Vec::new();
        for (agent, peer) in &self.peers {
            let mut slots: Vec<usize> = (0..peer.items.len())
                .filter(|slot| is(&peer.items[*slot].state))
                .collect();
            slots.sort_by_key(|slot| peer.items[*slot].place);
            found.extend(slots.into_iter().map(|slot| (agent.clone(), slot)));
        }
        found
    }

    /// Messages that wait for nothing.
    pub fn ready(&self) -> Vec<Slot> {
        let waiting = self.in_state(|state| *state == State::Waiting).into_iter();
        waiting.filter(|slot| !self.is_blocked(slot)).collect()
    }

    /// A message.
    pub fn item(&self, (agent, slot): &Slot) -> Option<&Item> {
        self.peers.get(agent)?.items.get(*slot)
    }

    /// Whether it waits for another one, here or not.
    pub fn is_blocked(&self, (agent, slot): &Slot) -> bool {
        let Some(peer) = self.peers.get(agent) else {
            return true;
        };
        let item = &peer.items[*slot];
        let earlier = |other: &Item| {
            other.effective && !other.is_settled() && other.place < item.place && other.touches(item)
        };
        peer.items.iter().any(earlier) || self.misses(peer, item)
    }

    /// Whether it comes after something that is not settled or not here.
    pub fn misses(&self, peer: &Peer, item: &Item) -> bool {
        let forgets = self.bug == Some(Bug::AfterForgotten) || item.released;
        let mut links = item.keys.iter().filter_map(|link| link.after);
        !forgets && links.any(|after| !is_over(peer, &after))
    }

    /// Makes a change. What does not suit the state any more changes nothing.
    pub fn change(&mut self, (agent, slot): &Slot, change: &Change) {
        let number = self.next_change();
        let Some(peer) = self.peers.get_mut(agent) else {
            return;
        };
        let Some(item) = peer.items.get_mut(*slot) else {
            return;
        };
        let next = match (change, &item.state) {
            (Change::Send, State::Waiting) => State::Sent,
            (Change::Return, State::Sent) => State::Waiting,
            (Change::Applied, State::Waiting | State::Sent | State::Voiding | State::Dead(_)) => applied(),
            (Change::Discarded, State::Voiding | State::Dead(_) | State::Waiting | State::Sent) => {
                discarded()
            }
            (Change::Dead(word), State::Waiting | State::Sent) => State::Dead(because(word)),
            (Change::Retry, State::Dead(_)) => {
                item.attempt += 1;
                item.effective = true;
                State::Waiting
            }
            (Change::Discard, State::Dead(reason)) if reason.code == why::LOST => {
                State::Settled(Outcome::Lost)
            }
            (Change::Discard, State::Dead(_) | State::Waiting) => State::Voiding,
            (Change::Release, State::Waiting) => {
                item.released = true;
                State::Waiting
            }
            (Change::Replay, State::Settled(Outcome::Applied(_))) => State::Waiting,
            (Change::Replay, State::Settled(Outcome::Discarded { .. })) => State::Voiding,
            _ => return,
        };
        let heard = matches!(next, State::Dead(_) | State::Settled(_));
        if heard || matches!(change, Change::Retry) {
            item.change = number;
        }
        item.state = next;
    }

    /// Takes away what was settled and acknowledged; only the digests stay.
    pub fn prune(&mut self) {
        for peer in self.peers.values_mut() {
            for lane in peer.lanes.values_mut() {
                for (_, cell) in lane.cells.range_mut(..=lane.acknowledged) {
                    if let Cell::Row(slot) = *cell
                        && peer.items[slot].is_settled()
                    {
                        *cell = Cell::Pruned(peer.items[slot].digest);
                    }
                }
            }
        }
    }
}

/// Whether the message of this name needs no more waiting for.
fn is_over(peer: &Peer, name: &Stamp) -> bool {
    if let Some(slot) = peer.named(name) {
        return peer.items[slot].is_settled();
    }
    match peer.cell(name) {
        Some(Cell::Settled) => true,
        Some(Cell::Pruned(digest)) => digest.short() == name.digest,
        Some(Cell::Lost(slot)) => peer.items[slot].is_settled(),
        Some(Cell::Row(_) | Cell::Moved) => false,
        None => {
            let epoch = name.position.epoch;
            let known = peer.lanes.keys().any(|(known, _)| *known == epoch);
            !known && !peer.open.contains(&epoch)
        }
    }
}

fn applied() -> State {
    State::Settled(Outcome::Applied(Record {
        model: "simulated".into(),
        id: 1,
        name: "simulated".into(),
    }))
}

fn discarded() -> State {
    State::Settled(Outcome::Discarded {
        by: "a person".into(),
        reason: "simulated".into(),
    })
}
