//! What arrives in the model of the inbox, and what is declared.

use millrace_shared::envelope::Envelope;
use millrace_shared::ident::{AgentId, Digest, Position, Stamp};
use millrace_shared::outcome::Outcome;
use millrace_shared::store::inbox::{Arrival, Gap, GapKind, Kept, RANGES, Refusal, Taken, why};

use super::inbox::{InboxModel, because};
use super::lane::Cell;
use super::message::{Item, State, scan_of};
use crate::simulation::bug::Bug;

/// What a row is to the store.
enum Standing {
    Fresh,
    Known,
    Conflict,
    Late,
}

impl InboxModel {
    pub(super) fn take_one(&mut self, arrival: &Arrival) -> Taken {
        let bytes: u64 = arrival.rows.iter().map(|row| row.len() as u64).sum();
        let peer = self.peers.entry(arrival.agent.clone()).or_default();
        let lane = peer.lanes.entry((arrival.epoch, arrival.lane)).or_default();
        let mut after = lane.clone();
        for (sequence, _) in (arrival.first..).zip(&arrival.rows) {
            after.cells.entry(sequence).or_insert(Cell::Settled);
        }
        let floor = (1..)
            .take_while(|sequence| after.cells.contains_key(sequence))
            .count() as u64;
        let grows = after.cells.len() > lane.cells.len();
        if grows && after.ranges(floor).len() > RANGES {
            return Taken::Refused(Refusal::Ranges);
        }
        if grows && self.room_left(&arrival.agent, arrival) < bytes {
            return Taken::Refused(Refusal::Full);
        }
        let mut kept = Kept::default();
        for (sequence, bytes) in (arrival.first..).zip(&arrival.rows) {
            let position = Position {
                epoch: arrival.epoch,
                lane: arrival.lane,
                sequence,
            };
            let digest = Digest::of(bytes);
            match self.judge(&arrival.agent, position, digest) {
                Standing::Known => kept.known += 1,
                Standing::Fresh => {
                    kept.fresh += 1;
                    self.keep(&arrival.agent, position, digest, bytes, None);
                }
                Standing::Conflict => {
                    kept.conflicts.push(sequence);
                    self.keep(&arrival.agent, position, digest, bytes, Some(why::CONFLICT));
                }
                Standing::Late => {
                    kept.late.push(sequence);
                    self.keep(&arrival.agent, position, digest, bytes, Some(why::LATE));
                }
            }
        }
        Taken::Kept(kept)
    }

    fn room_left(&self, agent: &AgentId, arrival: &Arrival) -> u64 {
        use millrace_shared::store::inbox::Inbox;
        self.room(agent, arrival.lane).unwrap_or(0)
    }

    fn judge(&self, agent: &AgentId, position: Position, digest: Digest) -> Standing {
        let stamp = Stamp {
            position,
            digest: digest.short(),
        };
        let Some(peer) = self.peers.get(agent) else {
            return Standing::Fresh;
        };
        let cell = peer.cell(&stamp);
        match cell {
            None => return Standing::Fresh,
            Some(Cell::Row(slot)) if peer.items[slot].digest == digest => return Standing::Known,
            Some(Cell::Pruned(known)) if known == digest => return Standing::Known,
            Some(_) if self.bug == Some(Bug::DedupByPosition) => return Standing::Known,
            Some(_) => {}
        }
        let beside = peer.items.iter().find(|item| item.at == stamp);
        match (beside, cell) {
            (Some(letter), Some(Cell::Row(_))) if letter.is_settled() || letter.effective => Standing::Known,
            (_, Some(Cell::Row(_))) => Standing::Conflict,
            (Some(_), _) => Standing::Known,
            (None, _) => Standing::Late,
        }
    }

    /// Keeps content at its position, or beside it where it is no match.
    fn keep(
        &mut self,
        agent: &AgentId,
        position: Position,
        digest: Digest,
        bytes: &[u8],
        beside: Option<&str>,
    ) {
        let Ok(envelope) = Envelope::open(bytes) else {
            return;
        };
        let at = Stamp {
            position,
            digest: digest.short(),
        };
        let name = envelope.name(at);
        let change = self.next_change();
        let Some(peer) = self.peers.get_mut(agent) else {
            return;
        };
        if peer.items.iter().any(|item| item.at == at) {
            return;
        }
        let slot = peer.items.len();
        let elsewhere = peer.named(&name);
        let effective = beside.is_none() && elsewhere.is_none();
        let state = match (beside, elsewhere) {
            (_, Some(other)) => {
                let by = Some(peer.items[other].at.of(agent));
                State::Settled(Outcome::Superseded { by })
            }
            (Some(word), None) => State::Dead(because(word)),
            (None, None) => State::Waiting,
        };
        if effective {
            for letter in peer
                .items
                .iter_mut()
                .filter(|item| item.name == name && !item.is_settled())
            {
                let by = Some(at.of(agent));
                letter.state = State::Settled(Outcome::Superseded { by });
                letter.change = change;
            }
        }
        peer.items.push(Item {
            name,
            at,
            digest,
            bytes: bytes.len() as u64,
            scan: scan_of(&envelope),
            keys: envelope.keys.clone(),
            place: (peer.rank(name.position.epoch), envelope.ordinal, slot),
            change: if state == State::Waiting { 0 } else { change },
            state,
            attempt: 1,
            effective,
            released: false,
            reopened: false,
        });
        if beside.is_none()
            && let Some(lane) = peer.lanes.get_mut(&(position.epoch, position.lane))
        {
            lane.cells.insert(position.sequence, Cell::Row(slot));
        }
    }

    pub(super) fn declare_one(&mut self, agent: &AgentId, gap: &Gap) {
        let wipes = self.bug == Some(Bug::LostDeclaredThoughStored) && gap.kind == GapKind::Lost;
        let change = self.next_change();
        let peer = self.peers.entry(agent.clone()).or_default();
        let lane = peer.lanes.entry((gap.epoch, gap.lane)).or_default();
        let (mut letter, mut part) = (None, false);
        for sequence in gap.from..=gap.to {
            if wipes && let Some(Cell::Row(slot)) = lane.cells.remove(&sequence) {
                peer.items[slot].state = State::Settled(Outcome::Lost);
                peer.items[slot].change = change;
            }
            let absent = !lane.cells.contains_key(&sequence);
            if absent && !part {
                lane.declared.insert(sequence, gap.declared(sequence));
            }
            part = absent;
            if !absent {
                continue;
            }
            let position = Position {
                epoch: gap.epoch,
                lane: gap.lane,
                sequence,
            };
            let cell = match gap.kind {
                GapKind::Settled => Cell::Settled,
                GapKind::Moved => Cell::Moved,
                GapKind::Lost => {
                    let slot = *letter.get_or_insert(peer.items.len());
                    if slot == peer.items.len() {
                        peer.items.push(lost(position, slot));
                    }
                    Cell::Lost(slot)
                }
            };
            lane.cells.insert(sequence, cell);
        }
    }
}

fn lost(position: Position, slot: usize) -> Item {
    let at = Stamp {
        position,
        digest: [0; 8],
    };
    Item {
        name: at,
        at,
        digest: Digest([0; 32]),
        bytes: 0,
        scan: None,
        keys: Vec::new(),
        place: (usize::MAX, 0, slot),
        state: State::Dead(because(why::LOST)),
        attempt: 1,
        effective: false,
        released: false,
        change: 0,
        reopened: false,
    }
}
