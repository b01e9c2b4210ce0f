//! The people in the office: they try dead letters again or discard them, and decide on what can never come.

use millrace_shared::ident::Stamp;
use millrace_shared::store::inbox::{Change, Inbox, InboxView, Item, StateName, why};

use super::bug::Bug;
use super::inbox::{dead, name_of, scan_of};
use super::odoo::{Known, Name};
use super::poster::request;
use super::world::{Event, Job, Node, World};

/// After so long without any movement people look at what still waits.
const PATIENCE_MS: u64 = 15 * 60 * 1000;

/// How often in a thousand people discard what waits, because it was typed in by hand during the storm.
const TYPED_IN: u32 = 60;

/// With less room than this no message may fit.
const FULL_BYTES: u64 = 1_000;

impl World {
    /// One person looks at one dead letter, or at one that waits.
    pub fn look_at_dead_letters(&mut self) {
        let after_ms = self.dice.between(2_000, 10_000);
        self.later(after_ms, Event::Person);
        let relay = self.relay();
        if !self.relays[relay].up {
            return;
        }
        let (dead, behind) = (StateName::Dead, StateName::Behind);
        let sought = self.bug == Some(Bug::DiscardedLetsGo);
        let often = if sought { 10 * TYPED_IN } else { TYPED_IN };
        let typed_in = !self.mended && self.dice.chance(often);
        let seen = self.relays[relay]
            .disk
            .items(&[if typed_in { behind } else { dead }]);
        if !seen.is_empty() {
            let item = &seen[self.dice.index(seen.len())];
            if let Some(change) = self.decide(item) {
                self.ask_store(
                    Node::Relay(relay),
                    Job::Poster(vec![request(item, change)], Vec::new()),
                );
            }
        }
        if self.mended && self.now_ms > self.moved_ms + PATIENCE_MS {
            self.let_go(relay);
        }
    }

    fn decide(&mut self, item: &Item) -> Option<Change> {
        let retry = Change::Retry {
            reason: "simulated".into(),
        };
        let discard = Change::Discard {
            reason: "simulated".into(),
        };
        let Some(word) = dead(item) else {
            return Some(discard); // It was typed in by hand.
        };
        match word {
            // It will be moved, unless nobody has it any more, or its lane is full of what waits for it: two twins can fill
            // it, and then only what is here already can go on.
            why::CONFLICT => {
                let (name, entry) = (name_of(item)?, &item.entry);
                let quiet = self.mended && self.now_ms > self.moved_ms + PATIENCE_MS / 2;
                let disk = &self.relays[self.relay()].disk;
                let room = disk.room(&entry.agent, entry.position.lane);
                let full = room.is_ok_and(|room| room < FULL_BYTES);
                (quiet && (full || !self.is_kept(&name))).then_some(retry)
            }
            why::LOST => self.mended.then_some(discard),
            // It had been declared lost and others may have passed it since: that is the person's decision.
            why::LATE => {
                self.scans[scan_of(item)?].late = true;
                Some(retry)
            }
            _ if self.dice.chance(750) => Some(retry),
            _ => Some(discard),
        }
    }

    fn is_kept(&self, (agent, stamp): &Name) -> bool {
        let agents = self.agents.iter();
        let mut agents = agents.filter(|node| node.exists && node.id == *agent);
        agents.any(|node| node.disk.unsettled().contains(stamp))
    }

    /// What waits for something that can never come here goes on when a person says so: every copy of it was destroyed,
    /// or the target has it, though this relay's disk is too young to know. The oldest first, and then people look again:
    /// it may make room for what was captured before the next.
    fn let_go(&mut self, relay: usize) {
        self.count_destroyed();
        let disk = &self.relays[relay].disk;
        let hopeless = |item: &Item| {
            let over = |after: &Stamp| {
                let name = (item.entry.agent.clone(), *after);
                let scan = self.scans.iter().find(|scan| scan.name.as_ref() == Some(&name));
                let done = self.odoo.known.get(&name) == Some(&Known::Done);
                done || self.discarded.contains(&name) || scan.is_none_or(|scan| scan.destroyed)
            };
            let waits = disk.inbox.waits_for(item.entry.ticket.slot);
            waits.is_ok_and(|waits| waits.missing.iter().chain(&waits.gone).any(over))
        };
        let waiting = disk.items(&[StateName::Behind]);
        if let Some(oldest) = waiting.iter().find(|item| hopeless(item)) {
            let freed = vec![request(oldest, Change::Approve)];
            self.ask_store(Node::Relay(relay), Job::Poster(freed, Vec::new()));
        }
    }
}
