//! The people in the office: they try dead letters again or discard them, and decide on what can never come.

use millrace_shared::ident::Stamp;
use millrace_shared::store::inbox::{Inbox, why};

use super::model::message::State;
use super::model::odoo::Known;
use super::model::work::{Change, Slot};
use super::world::{Event, Job, Node, World};

/// After so long without any movement people look at what still waits.
const PATIENCE_MS: u64 = 15 * 60 * 1000;

/// With less room than this no message may fit.
const FULL_BYTES: u64 = 1_000;

impl World {
    /// One person looks at one dead letter.
    pub fn look_at_dead_letters(&mut self) {
        let after_ms = self.dice.between(2_000, 10_000);
        self.later(after_ms, Event::Person);
        let relay = self.relay();
        if !self.relays[relay].up {
            return;
        }
        let dead = self.relays[relay]
            .disk
            .in_state(|state| matches!(state, State::Dead(_)));
        if !dead.is_empty() {
            let slot = dead[self.dice.index(dead.len())].clone();
            if let Some(change) = self.decide(&slot) {
                self.ask_store(Node::Relay(relay), Job::Poster(vec![(slot, change)], Vec::new()));
            }
        }
        if self.mended && self.now_ms > self.moved_ms + PATIENCE_MS {
            self.let_go(relay);
        }
    }

    fn decide(&mut self, slot: &Slot) -> Option<Change> {
        let item = self.relays[self.relay()].disk.item(slot)?;
        match item.dead()? {
            // It will be moved, unless nobody has it any more, or its lane is full of what waits for it: two twins can fill
            // it, and then only what is here already can go on.
            why::CONFLICT => {
                let (name, lane) = (item.name, item.at.position.lane);
                let quiet = self.mended && self.now_ms > self.moved_ms + PATIENCE_MS / 2;
                let full = self.relays[self.relay()]
                    .disk
                    .room(&slot.0, lane)
                    .is_ok_and(|room| room < FULL_BYTES);
                (quiet && (full || !self.is_kept(slot, &name))).then_some(Change::Retry)
            }
            why::LOST => self.mended.then_some(Change::Discard),
            // It had been declared lost and others may have passed it since: that is the person's decision.
            why::LATE => {
                let scan = item.scan?;
                self.scans[scan].late = true;
                Some(Change::Retry)
            }
            _ if self.dice.chance(750) => Some(Change::Retry),
            _ => Some(Change::Discard),
        }
    }

    fn is_kept(&self, slot: &Slot, name: &Stamp) -> bool {
        let agents = self
            .agents
            .iter()
            .filter(|agent| agent.exists && agent.id == slot.0);
        agents
            .into_iter()
            .any(|agent| agent.disk.unsettled().contains(name))
    }

    /// What waits for something that can never come here goes on when a person says so: every copy of it was destroyed,
    /// or the target has it, though this relay's disk is too young to know.
    fn let_go(&mut self, relay: usize) {
        let disk = &self.relays[relay].disk;
        let waiting = disk.in_state(|state| *state == State::Waiting);
        let hopeless = |slot: &&Slot| {
            let Some(item) = disk.item(slot) else { return false };
            let over = |after: Stamp| {
                let name = (slot.0.clone(), after);
                let scan = self.scans.iter().find(|scan| scan.name.as_ref() == Some(&name));
                let done = self.odoo.known.get(&name) == Some(&Known::Done);
                done || self.discarded.contains(&name) || scan.is_none_or(|scan| scan.destroyed)
            };
            let mut links = item.keys.iter().filter_map(|link| link.after);
            disk.is_blocked(slot) && links.any(over)
        };
        let freed: Vec<_> = waiting
            .iter()
            .filter(hopeless)
            .map(|slot| (slot.clone(), Change::Release))
            .collect();
        if !freed.is_empty() {
            self.ask_store(Node::Relay(relay), Job::Poster(freed, Vec::new()));
        }
    }
}
