//! What follows from the messages that are here: which is meant by a name, which is ready, and what must change by
//! itself.

use std::collections::BTreeSet;

use crate::envelope::Envelope;
use crate::ident::{AgentId, Epoch, Stamp};
use crate::outcome::Outcome;
use crate::store::inbox::{State, rules};

use super::{MemRow, MemoryInbox, record_of};

/// What a name stands for.
pub(super) enum Meant {
    Here(i64),
    /// It was settled, here or before, and is kept no longer.
    Gone,
    Missing,
}

/// Who makes a change, and when.
#[derive(Clone, Copy)]
pub(super) struct Author<'a> {
    pub who: &'a str,
    pub now_ms: i64,
}

impl MemoryInbox {
    /// The newest copy of the message of this name; for a lost position, the loss.
    pub(super) fn meant(&self, agent: &AgentId, stamp: &Stamp) -> Meant {
        if let Some(moved) = self.moved.get(&(agent.clone(), *stamp)) {
            let Some(row) = self.rows.get(moved) else {
                return Meant::Gone;
            };
            let next = row
                .stamp()
                .filter(|stamp| self.moved.contains_key(&(agent.clone(), *stamp)));
            return next.map_or(Meant::Here(*moved), |next| self.meant(agent, &next));
        }
        let first = self.first_at(agent, stamp);
        if let Some(first) = first
            && (first.is_lost() || first.stamp() == Some(*stamp))
        {
            return Meant::Here(first.slot);
        }
        let here = self
            .at
            .get(&(agent.clone(), stamp.position))
            .into_iter()
            .flatten();
        if let Some(slot) = here.copied().find(|slot| self.rows[slot].stamp() == Some(*stamp)) {
            return Meant::Here(slot);
        }
        let lane = self
            .lanes
            .get(&(agent.clone(), stamp.position.epoch, stamp.position.lane));
        let sequence = stamp.position.sequence;
        let at = (agent.clone(), stamp.position.epoch, stamp.position.lane);
        if self
            .coming
            .as_ref()
            .is_some_and(|(lane, coming)| *lane == at && coming.contains(&sequence))
        {
            return Meant::Missing;
        }
        if self.is_over(agent, stamp.position.epoch) {
            return Meant::Gone;
        }
        let stepped_over = lane.is_some_and(|lane| {
            let moved = lane
                .gaps
                .iter()
                .any(|gap| gap.2 && (gap.0..=gap.1).contains(&sequence));
            lane.ranges.contains(sequence) && !moved
        });
        if first.is_none() && stepped_over {
            Meant::Gone
        } else {
            Meant::Missing
        }
    }

    /// What was first at a position, or the loss that covers it.
    pub(super) fn first_at(&self, agent: &AgentId, stamp: &Stamp) -> Option<&MemRow> {
        let at = stamp.position;
        self.rows.values().find(|row| {
            let last = row.last.unwrap_or(row.position.sequence);
            row.agent == *agent
                && (row.position.epoch, row.position.lane) == (at.epoch, at.lane)
                && !row.beside
                && (row.position.sequence..=last).contains(&at.sequence)
        })
    }

    /// Whether the agent has settled all of an epoch of which nothing is here.
    fn is_over(&self, agent: &AgentId, epoch: Epoch) -> bool {
        let mut lanes = self
            .lanes
            .iter()
            .filter(|(at, _)| at.0 == *agent && at.1 == epoch);
        let is_here = lanes.any(|(_, lane)| lane.ranges.floor > 0 || !lane.ranges.above.is_empty());
        !is_here && self.open.get(agent).is_some_and(|open| !open.contains(&epoch))
    }

    /// The definition: a waiting message is ready when no earlier one of its keys holds them, all that its links name is
    /// accounted for, and nothing is undecided about what it undoes or copies.
    pub(super) fn is_ready(&self, row: &MemRow) -> bool {
        if row.undoing.is_some() || row.copying.is_some() {
            return false;
        }
        if !rules::waits(row.kind()) {
            return true;
        }
        row.keys.iter().all(|key| self.is_first(row, key)) && self.is_clear(row)
    }

    /// Whether all that its links name is accounted for.
    pub(super) fn is_clear(&self, row: &MemRow) -> bool {
        let mut links = row.envelope.iter().flat_map(Envelope::links);
        row.cleared || links.all(|after| self.is_met(row, after))
    }

    /// What was accounted for once stays so, whatever a copy of the agent says later.
    fn note_cleared(&mut self) {
        let clear = |row: &&MemRow| !row.cleared && self.is_clear(row);
        let clear: Vec<i64> = self.rows.values().filter(clear).map(|row| row.slot).collect();
        for slot in clear {
            if let Some(row) = self.rows.get_mut(&slot) {
                row.cleared = true;
                row.passed |= row.may_be_passed();
            }
        }
    }

    /// Whether later ones of its keys need not wait for it. What ended without having waited for its turn (annulled,
    /// discarded, passed) holds its keys until nothing that it came after is still to come.
    pub(super) fn lets_pass(&self, row: &MemRow) -> bool {
        let waited = matches!(row.state, State::Settled(Outcome::Applied(_)));
        waited || row.passed || (row.is_settled() && self.is_clear(row))
    }

    fn is_first(&self, row: &MemRow, key: &crate::message::Key) -> bool {
        let users = self
            .by_key
            .get(&(row.agent.clone(), key.clone()))
            .into_iter()
            .flatten();
        users
            .map(|slot| &self.rows[slot])
            .all(|other| other.spot() >= row.spot() || self.lets_pass(other))
    }

    /// Those before it that share a key with it.
    pub(super) fn before<'r>(&'r self, row: &'r MemRow) -> impl Iterator<Item = &'r MemRow> {
        let before = move |other: &&MemRow| other.agent == row.agent && other.spot() < row.spot();
        let shares = move |other: &&MemRow| !other.keys.is_disjoint(&row.keys);
        self.rows.values().filter(before).filter(shares)
    }

    /// What its links name that is not here and not accounted for, in order.
    pub(super) fn unmet(&self, row: &MemRow) -> Vec<Stamp> {
        let undecided = |after: &Stamp| match self.meant(&row.agent, after) {
            Meant::Here(slot) => !self.rows[&slot].is_settled(),
            Meant::Gone | Meant::Missing => false,
        };
        let links = row
            .envelope
            .iter()
            .filter(|_| !row.cleared)
            .flat_map(Envelope::links);
        let unmet = links.filter(|after| !self.is_met(row, after) && !undecided(after));
        let unmet: BTreeSet<Stamp> = unmet.copied().collect();
        unmet.into_iter().collect()
    }

    fn is_met(&self, row: &MemRow, after: &Stamp) -> bool {
        if self.given_up.contains(&(row.agent.clone(), *after)) {
            return true;
        }
        match self.meant(&row.agent, after) {
            Meant::Missing => false,
            Meant::Gone => self.is_below_watermark(row),
            Meant::Here(slot) => {
                let other = &self.rows[&slot];
                let keyed = !other.keys.is_empty() || slot == row.slot;
                keyed || (other.is_settled() && self.is_below_watermark(row))
            }
        }
    }

    fn is_below_watermark(&self, row: &MemRow) -> bool {
        let mark = self.watermark.get(&row.lane_at());
        mark.is_some_and(|mark| row.position.sequence <= *mark)
    }

    /// Puts a message into another state, with its version, news and record.
    pub(super) fn put(&mut self, slot: i64, state: State, by: Author<'_>, what: &str, detail: String) {
        let Some(before) = self.rows.get(&slot).map(|row| self.name_of(row)) else {
            return;
        };
        let Some(mut row) = self.rows.remove(&slot) else {
            return;
        };
        let reopened = matches!((&row.state, &state), (State::Dead(_), State::Waiting { .. }));
        row.state = state;
        row.version += 1;
        row.changed_ms = by.now_ms;
        if row.untold.is_some() {
            row.change = None;
        } else if reopened || matches!(row.state, State::Dead(_) | State::Settled(_)) {
            self.change += 1;
            row.change = Some(self.change);
        }
        row.passed |= row.may_be_passed() && self.is_clear(&row);
        let (subject, after) = (row.subject(), row.state.name().word());
        self.rows.insert(slot, row);
        self.record(
            by.who,
            by.now_ms,
            record_of(what, Some(slot), subject, before, after, detail),
        );
    }

    fn name_of(&self, row: &MemRow) -> &'static str {
        match row.state {
            State::Waiting { .. } => State::Waiting {
                ready: self.is_ready(row),
            }
            .name()
            .word(),
            _ => row.state.name().word(),
        }
    }

    pub(super) fn settle(&mut self, slot: i64, outcome: Outcome, by: Author<'_>, what: &str) {
        self.put(slot, State::Settled(outcome), by, what, String::new());
    }

    /// Makes what follows by itself happen, until nothing more does.
    pub(super) fn follow_up(&mut self, by: Author<'_>) {
        self.note_cleared();
        while self.next_undo(by) || self.next_copy(by) || self.next_overtaken(by) {
            self.note_cleared();
        }
        self.tell_of_superseded(by);
        self.move_settled_floors();
    }

    /// Supersedes one passed dead letter that a later message of one of its keys has overtaken, if there is one.
    fn next_overtaken(&mut self, by: Author<'_>) -> bool {
        let applied = |row: &&MemRow| matches!(row.state, State::Settled(Outcome::Applied(_)));
        let overtaken = self.rows.values().find_map(|dead| {
            let passed = dead.passed && matches!(dead.state, State::Dead(_));
            let mut later = self
                .rows
                .values()
                .filter(applied)
                .filter(|_| passed)
                .filter(|later| {
                    later.agent == dead.agent
                        && later.spot() > dead.spot()
                        && !later.keys.is_disjoint(&dead.keys)
                });
            later.next().map(|later| (dead.slot, later.id()))
        });
        let Some((slot, later)) = overtaken else {
            return false;
        };
        self.settle(slot, Outcome::Superseded { by: later }, by, "supersede");
        true
    }
}
