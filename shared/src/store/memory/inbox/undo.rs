//! Undoing and moving.

use crate::ident::Stamp;
use crate::outcome::{Outcome, Reason};
use crate::store::inbox::{Hold, State, why};

use super::state::{Author, Meant};
use super::{MemRow, MemoryInbox};

impl MemoryInbox {
    /// Decides about one undo, if any can be decided.
    pub(super) fn next_undo(&mut self, by: Author<'_>) -> bool {
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
    pub(super) fn next_copy(&mut self, by: Author<'_>) -> bool {
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
        let meant = self.meant(&agent, origin);
        let open = matches!(self.rows[&slot].state, State::Waiting { .. } | State::Held(_));
        if open && matches!(meant, Meant::Gone) {
            let reason = Reason::new(why::LATE, "what it is a copy of was settled");
            return self.put(slot, State::Dead(reason), by, "dead", String::new());
        }
        let copy = match meant {
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
            return self.supersede(slot, copy.slot, by);
        }
        if copy.in_flight() {
            if let Some(row) = self.rows.get_mut(&slot) {
                row.copying = copy.stamp();
            }
            return;
        }
        self.inherit(slot, &copy, by);
        self.moved.insert((agent, *origin), slot);
        self.supersede(copy.slot, slot, by);
    }

    /// Settles a message that another copy of it stands for, and tells its agent once that one is over too.
    pub(super) fn supersede(&mut self, slot: i64, copy: i64, by: Author<'_>) {
        let copy = self.rows.get(&copy);
        let open = copy.filter(|copy| !copy.is_over()).map(|copy| copy.slot);
        let outcome = Outcome::Superseded {
            by: copy.and_then(MemRow::id),
        };
        if let Some(row) = self.rows.get_mut(&slot) {
            row.untold = open;
        }
        self.settle(slot, outcome, by, "supersede");
    }

    /// Tells agents of those whose copy is over by now.
    pub(super) fn tell_of_superseded(&mut self, by: Author<'_>) {
        while let Some(slot) = self.next_to_tell() {
            self.change += 1;
            if let Some(row) = self.rows.get_mut(&slot) {
                (row.untold, row.change, row.changed_ms) = (None, Some(self.change), by.now_ms);
            }
        }
    }

    fn next_to_tell(&self) -> Option<i64> {
        let is_over = |slot: i64| self.rows.get(&slot).is_none_or(MemRow::is_over);
        let mut rows = self.rows.values();
        rows.find(|row| row.untold.is_some_and(is_over))
            .map(|row| row.slot)
    }

    fn inherit(&mut self, slot: i64, copy: &MemRow, by: Author<'_>) {
        let Some(row) = self.rows.get_mut(&slot) else {
            return;
        };
        row.attempt = copy.attempt;
        row.amendments.splice(..0, copy.amendments.iter().cloned());
        row.approved.extend(copy.approved.iter().cloned());
        if !matches!(row.state, State::Waiting { .. }) {
            return;
        }
        match &copy.state {
            State::Held(_) => self.put(slot, copy.state.clone(), by, "hold", String::new()),
            State::Dead(reason) if reason.code != why::CONFLICT => {
                self.put(slot, copy.state.clone(), by, "dead", String::new());
            }
            _ => {}
        }
    }
}
