//! What follows from the messages that are here: which is meant by a name, which is ready, and what must change by
//! itself.

use crate::envelope::KeyLink;
use crate::ident::{AgentId, Stamp};
use crate::message::Behind;
use crate::outcome::{Outcome, Reason};
use crate::store::inbox::{Hold, State, rules, why};

use super::{MemRow, MemoryInbox, record_of};

/// What a name stands for.
pub(super) enum Meant {
    Here(i64),
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

    /// The definition: a waiting message is ready when no earlier one of its keys holds them, everything that its links
    /// name is here (and settled, where its keys are unknown), and nothing is undecided about what it undoes or copies.
    pub(super) fn is_ready(&self, row: &MemRow) -> bool {
        if row.undoing.is_some() || row.copying.is_some() {
            return false;
        }
        if !rules::waits(row.kind()) {
            return true;
        }
        let links = row.envelope.iter().flat_map(|envelope| &envelope.keys);
        row.keys.iter().all(|key| self.is_first(row, key)) && links.clone().all(|link| self.is_met(row, link))
    }

    fn is_first(&self, row: &MemRow, key: &crate::message::Key) -> bool {
        let users = self
            .by_key
            .get(&(row.agent.clone(), key.clone()))
            .into_iter()
            .flatten();
        users
            .map(|slot| &self.rows[slot])
            .all(|other| other.spot() >= row.spot() || other.is_settled() || other.passed)
    }

    fn is_met(&self, row: &MemRow, link: &KeyLink) -> bool {
        let Some(after) = &link.after else { return true };
        match self.meant(&row.agent, after) {
            Meant::Missing => false,
            Meant::Gone => true,
            Meant::Here(slot) => {
                let other = &self.rows[&slot];
                !other.keys.is_empty() || other.is_settled() || slot == row.slot
            }
        }
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
        if reopened || matches!(row.state, State::Dead(_) | State::Settled(_)) {
            self.change += 1;
            row.change = Some(self.change);
        }
        if matches!(row.state, State::Dead(_)) && !row.keys.is_empty() {
            row.passed = rules::behind(row.kind()) == Behind::Pass;
        }
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
        while self.next_undo(by) || self.next_copy(by) || self.next_overtaken(by) {}
        self.move_settled_floors();
    }

    /// Decides about one undo, if any can be decided.
    fn next_undo(&mut self, by: Author<'_>) -> bool {
        let open = |row: &&MemRow| matches!(row.state, State::Waiting { .. } | State::Held(_));
        let undoing: Vec<(i64, bool)> = self
            .rows
            .values()
            .filter(open)
            .filter_map(|row| row.undoing.map(|holds| (row.slot, holds)))
            .collect();
        undoing
            .into_iter()
            .any(|(slot, holds)| self.undo(slot, holds, by))
    }

    fn undo(&mut self, slot: i64, holds: bool, by: Author<'_>) -> bool {
        let row = &self.rows[&slot];
        let Some(original) = row
            .envelope
            .as_ref()
            .and_then(|envelope| envelope.reverses.clone())
        else {
            return false;
        };
        if original.agent != row.agent {
            return self.undo_is_dead(slot, by);
        }
        let other = match self.meant(&row.agent, &original.stamp()) {
            Meant::Missing => return self.still_undoing(slot),
            Meant::Gone => return self.undo_is_held(slot, holds, "something kept no longer", by),
            Meant::Here(other) => self.rows[&other].clone(),
        };
        let undoes = other
            .envelope
            .as_ref()
            .is_some_and(|envelope| envelope.reverses.is_some());
        if undoes || other.is_lost() {
            return self.undo_is_dead(slot, by);
        }
        let (this_id, other_id) = (self.rows[&slot].id(), other.id());
        let (Some(this_id), Some(other_id)) = (this_id, other_id) else {
            return false;
        };
        match other.state {
            State::Sent | State::Voiding { .. } => return self.still_undoing(slot),
            State::Settled(Outcome::Applied(record)) => {
                return self.undo_is_held(slot, holds, &record.name, by);
            }
            State::Settled(_) => {}
            _ => self.settle(other.slot, Outcome::Annulled { with: this_id }, by, "annul"),
        }
        self.decided(slot);
        self.settle(slot, Outcome::Annulled { with: other_id }, by, "annul");
        true
    }

    fn still_undoing(&mut self, slot: i64) -> bool {
        if let Some(row) = self.rows.get_mut(&slot) {
            row.undoing = Some(true);
        }
        false
    }

    fn decided(&mut self, slot: i64) {
        if let Some(row) = self.rows.get_mut(&slot) {
            row.undoing = None;
        }
    }

    fn undo_is_dead(&mut self, slot: i64, by: Author<'_>) -> bool {
        self.decided(slot);
        let reason = Reason::new(why::UNDO_UNKNOWN, "there is nothing that this can undo");
        self.put(slot, State::Dead(reason), by, "dead", String::new());
        true
    }

    fn undo_is_held(&mut self, slot: i64, holds: bool, record: &str, by: Author<'_>) -> bool {
        self.decided(slot);
        if holds {
            let hold = Hold {
                reason: Reason::new(why::UNDO_APPLIED, format!("it undoes {record}")),
                subject: None,
            };
            self.put(slot, State::Held(hold), by, "hold", String::new());
        }
        true
    }

    /// Decides about one moved message whose old copy was at the target, if any can be decided.
    fn next_copy(&mut self, by: Author<'_>) -> bool {
        let copying: Vec<(i64, Stamp)> = self
            .rows
            .values()
            .filter_map(|row| row.copying.map(|origin| (row.slot, origin)))
            .collect();
        copying.into_iter().any(|(slot, origin)| {
            let flies = match self.meant(&self.rows[&slot].agent, &origin) {
                Meant::Here(copy) => self.rows[&copy].in_flight(),
                _ => false,
            };
            if flies {
                return false;
            }
            if let Some(row) = self.rows.get_mut(&slot) {
                row.copying = None;
            }
            if !self.rows[&slot].is_settled() {
                self.take_over(slot, &origin, by);
            }
            true
        })
    }

    /// Makes a moved message the one that counts, instead of its copy under an older name.
    pub(super) fn take_over(&mut self, slot: i64, origin: &Stamp, by: Author<'_>) {
        let agent = self.rows[&slot].agent.clone();
        let copy = match self.meant(&agent, origin) {
            Meant::Here(copy) if copy != slot && !self.rows[&copy].is_lost() => {
                Some(self.rows[&copy].clone())
            }
            _ => None,
        };
        let Some(copy) = copy else {
            self.moved.insert((agent, *origin), slot);
            return;
        };
        if copy.is_settled() {
            return self.settle(slot, Outcome::Superseded { by: copy.id() }, by, "supersede");
        }
        if copy.in_flight() {
            if let Some(row) = self.rows.get_mut(&slot) {
                row.copying = copy.stamp();
            }
            return;
        }
        self.inherit(slot, &copy, by);
        self.moved.insert((agent, *origin), slot);
        let new = self.rows[&slot].id();
        self.settle(copy.slot, Outcome::Superseded { by: new }, by, "supersede");
    }

    fn inherit(&mut self, slot: i64, copy: &MemRow, by: Author<'_>) {
        let Some(row) = self.rows.get_mut(&slot) else {
            return;
        };
        row.attempt = copy.attempt;
        row.amendments.clone_from(&copy.amendments);
        if !matches!(row.state, State::Waiting { .. }) {
            return;
        }
        match &copy.state {
            State::Held(_) => self.put(slot, copy.state.clone(), by, "hold", String::new()),
            State::Dead(reason) if ![why::CONFLICT, why::LATE].contains(&reason.code.as_str()) => {
                self.put(slot, copy.state.clone(), by, "dead", String::new());
            }
            _ => {}
        }
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
