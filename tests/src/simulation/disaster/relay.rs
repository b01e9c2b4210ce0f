//! What can happen to the relay's disk and to the target's books.

use std::collections::BTreeSet;

use millrace_shared::outcome::Outcome;
use millrace_shared::store::inbox::{Item, State, StateName};

use crate::simulation::inbox::{RelayDisk, name_of};
use crate::simulation::odoo::{Known, Name, Odoo};
use crate::simulation::poster::Poster;
use crate::simulation::relay::RelayNode;
use crate::simulation::world::{Event, Node, World};

impl World {
    pub(super) fn restore_relay(&mut self) {
        if self.relay_images.is_empty() || self.is_replaying() {
            return;
        }
        let image = self.relay_images[self.dice.index(self.relay_images.len())].clone();
        self.replace_relay_disk(image);
    }

    /// The relay's disk is another one from now on; images of the target that need the old one's history are no more.
    pub(super) fn replace_relay_disk(&mut self, disk: RelayDisk) {
        if self.is_replaying() {
            return;
        }
        let relay = self.relay();
        self.kill(Node::Relay(relay));
        self.relays[relay].disk = disk;
        self.odoo_image = None;
    }

    /// Whether the target was restored: until everything is there again, the relay's disk is the only copy.
    pub(super) fn is_replaying(&self) -> bool {
        let disk = &self.relays[self.relay()].disk;
        disk.replay
            || disk.seen > self.odoo.count
            || disk
                .items(&[StateName::Settled])
                .iter()
                .any(|item| self.is_forgotten(item))
    }

    /// Whether the target was told the end of this message, and does not know it any more.
    pub fn is_forgotten(&self, item: &Item) -> bool {
        let told = |outcome: &Outcome| matches!(outcome, Outcome::Applied(_) | Outcome::Discarded { .. });
        let ended = matches!(&item.entry.state, State::Settled(outcome) if told(outcome));
        let known = name_of(item).and_then(|name| self.odoo.known.get(&name));
        ended && !matches!(known, Some(Known::Done | Known::Void))
    }

    pub(super) fn take_over(&mut self, while_ms: u64) {
        if self.relays.len() >= 3 || !self.relays[self.relay()].up || self.is_replaying() {
            return;
        }
        let old = self.relay();
        let disk = self.relays[old].disk.clone();
        self.relays[old].deposed = true;
        self.relays[old].paused_until_ms = self.now_ms + while_ms / 4;
        self.relays.push(RelayNode {
            disk,
            run: 0,
            up: false,
            deposed: false,
            paused_until_ms: 0,
            receivers: Default::default(),
            poster: Poster::default(),
            store_free_ms: 0,
            wake_ms: None,
        });
        self.odoo_image = None;
        let new = self.relay();
        self.later(100, Event::Start(Node::Relay(new), 0));
    }

    pub(super) fn restore_target(&mut self) {
        let zombies = self.relays.iter().any(|relay| relay.deposed && relay.up);
        let Some(image) = self.odoo_image.clone() else {
            return;
        };
        let disk = &self.relays[self.relay()].disk;
        let replayable = |scan: &usize| disk.can_do(&self.scans[*scan].agent, *scan);
        let lost: BTreeSet<usize> = self.odoo.effects[image.effects.len()..]
            .iter()
            .map(|e| e.scan)
            .collect();
        let voids = |books: &Odoo| -> BTreeSet<Name> {
            let known = books.known.iter().filter(|(_, known)| **known == Known::Void);
            known.map(|(name, _)| name.clone()).collect()
        };
        let forgotten = &voids(&self.odoo) - &voids(&image);
        let remembered = |name: &Name| disk.discarded(name);
        let whole = lost.iter().all(replayable) && forgotten.iter().all(remembered);
        if zombies || !whole || self.is_replaying() {
            return;
        }
        for scan in lost {
            self.effect_ms.remove(&scan);
        }
        self.odoo = image;
        self.odoo_image = None;
        // They know nothing of it: put back later, nobody would be told what the target forgot.
        self.relay_images.clear();
    }
}
