//! The ends of a message, final or not, and what follows from each for others.

use crate::outcome::{Outcome, Reason};
use crate::store::StoreError;
use crate::store::inbox::State;

use super::columns::Gate;
use super::message::{Msg, detail};
use super::work::Work;

/// What is noted of a message only until it is settled.
const FORGET: [&str; 2] = [
    "DELETE FROM undo WHERE slot = ?1",
    "DELETE FROM twin WHERE slot = ?1",
];

impl Work<'_> {
    /// Settles a message: its keys are free, and what waited for its outcome learns it.
    pub fn settle(&mut self, msg: &mut Msg, outcome: Outcome, what: &str) -> Result<(), StoreError> {
        let applied = matches!(outcome, Outcome::Applied(_));
        let state = State::Settled(outcome);
        let detail = detail(&state);
        self.put(msg, state, what, detail)?;
        let named = if msg.is_keyless() {
            self.waiters(msg.slot)?
        } else {
            Vec::new()
        };
        for forget in FORGET {
            self.run(forget, [msg.slot])?;
        }
        if applied || !self.comes_after_what_is_to_come(msg)? {
            self.let_go(msg, Gate::Done)?;
        }
        named
            .into_iter()
            .try_for_each(|slot| self.look_again(slot, true))?;
        let lane = self.lane_name(msg.lane)?.lane;
        if let Some(used) = self.memory.used.get_mut(&(msg.agent, lane)) {
            *used = used.saturating_sub(msg.bytes);
        }
        if !msg.beside {
            self.settled_in.insert(msg.lane);
        }
        if applied {
            self.supersede_passed(msg)?;
        }
        self.after_flight(msg.slot)?;
        self.tell_of_superseded(msg.slot)
    }

    /// Settles a message that another copy of it stands for; none where that is kept no longer. Its agent is told once
    /// that copy is over too.
    pub fn supersede(&mut self, msg: &mut Msg, copy: Option<&Msg>) -> Result<(), StoreError> {
        if let Some(copy) = copy
            && (!copy.is_settled() || self.is_untold(copy.slot)?)
        {
            self.run("INSERT INTO untold VALUES (?1, ?2)", (msg.slot, copy.slot))?;
        }
        let by = copy.map(|copy| self.named(copy)).transpose()?;
        self.settle(msg, Outcome::Superseded { by }, "supersede")
    }

    /// Whether a message is superseded by one that is not over, so that its agent must not forget it yet.
    pub fn is_untold(&self, slot: i64) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM untold WHERE slot = ?1";
        Ok(self.find(sql, [slot], |_| Ok(()))?.is_some())
    }

    /// Tells agents of those that this one superseded, unless it is not over itself.
    fn tell_of_superseded(&mut self, copy: i64) -> Result<(), StoreError> {
        let sql = "SELECT slot FROM untold WHERE until = ?1";
        let superseded: Vec<i64> = self.all(sql, [copy], |row| row.get(0))?;
        if superseded.is_empty() || self.is_untold(copy)? {
            return Ok(());
        }
        for slot in superseded {
            let change = self.next_change();
            self.run("DELETE FROM untold WHERE slot = ?1", [slot])?;
            let sql = "UPDATE message SET change = ?2, changed_ms = ?3 WHERE slot = ?1";
            self.run(sql, (slot, change, self.now_ms))?;
            self.settled_in.insert(self.need(slot)?.lane);
            self.tell_of_superseded(slot)?;
        }
        Ok(())
    }

    /// Makes a dead letter of a message: it holds its keys, or is passed, as its kind wants it.
    pub fn die(&mut self, msg: &mut Msg, reason: Reason) -> Result<(), StoreError> {
        let state = State::Dead(reason);
        let detail = detail(&state);
        self.put(msg, state, "dead", detail)?;
        if msg.may_be_passed() && !self.comes_after_what_is_to_come(msg)? {
            self.let_go(msg, Gate::Passed)?;
        }
        self.after_flight(msg.slot)?;
        *msg = self.need(msg.slot)?;
        self.supersede_if_overtaken(msg)
    }

    /// Whether something that a message came after is still to come. It ended without having waited for that, and holds
    /// its keys until it is here: those behind it know of nothing that came before it.
    fn comes_after_what_is_to_come(&mut self, msg: &Msg) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM missing WHERE slot = ?1) OR EXISTS (SELECT 1 FROM behind \
                   JOIN message ON message.slot = behind.before WHERE behind.slot = ?1 AND message.keys = x'')";
        let any: bool = self
            .tx
            .prepare_cached(sql)?
            .query_row([msg.slot], |row| row.get(0))?;
        if msg.gate != Gate::Holds || !any {
            return Ok(false);
        }
        self.run("DELETE FROM missing WHERE slot = ?1", [msg.slot])?;
        match self.envelope(msg.slot)? {
            Some(envelope) => self.wait_for_links(msg, &envelope),
            None => Ok(false),
        }
    }

    /// Supersedes the passed dead letters before a message that took effect.
    fn supersede_passed(&mut self, applied: &Msg) -> Result<(), StoreError> {
        let by = Some(self.named(applied)?);
        for &key in &applied.keys {
            let sql = "SELECT slot FROM touch WHERE key = ?1 AND gate = 1 AND (place, slot) < (?2, ?3)";
            let passed: Vec<i64> = self.all(sql, (key, applied.place, applied.slot), |row| row.get(0))?;
            for slot in passed {
                let mut dead = self.need(slot)?;
                if matches!(dead.state, State::Dead(_)) {
                    self.settle(&mut dead, Outcome::Superseded { by: by.clone() }, "supersede")?;
                }
            }
        }
        Ok(())
    }

    /// Supersedes a passed dead letter where a later message of one of its keys took effect before.
    pub fn supersede_if_overtaken(&mut self, msg: &mut Msg) -> Result<(), StoreError> {
        if msg.gate != Gate::Passed || !matches!(msg.state, State::Dead(_)) {
            return Ok(());
        }
        for &key in &msg.keys.clone() {
            let sql = "SELECT message.slot FROM touch JOIN message ON message.slot = touch.slot \
                       WHERE touch.key = ?1 AND touch.gate = 2 AND (touch.place, touch.slot) > (?2, ?3) \
                       AND message.reason = 'applied' LIMIT 1";
            let later: Option<i64> = self.find(sql, (key, msg.place, msg.slot), |row| row.get(0))?;
            if let Some(later) = later {
                let later = self.need(later)?;
                let by = Some(self.named(&later)?);
                return self.settle(msg, Outcome::Superseded { by }, "supersede");
            }
        }
        Ok(())
    }
}
