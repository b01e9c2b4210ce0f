//! The ends of a message, final or not, and what follows from each for others.

use crate::message::Behind;
use crate::outcome::{Outcome, Reason};
use crate::store::StoreError;
use crate::store::inbox::{State, rules};

use super::columns::Gate;
use super::message::{Msg, detail};
use super::work::Work;

impl Work<'_> {
    /// Settles a message: its keys are free, and what waited for its outcome learns it.
    pub fn settle(&mut self, msg: &mut Msg, outcome: Outcome, what: &str) -> Result<(), StoreError> {
        let applied = matches!(outcome, Outcome::Applied(_));
        let state = State::Settled(outcome);
        let detail = detail(&state);
        self.put(msg, state, what, detail)?;
        self.let_go(msg, Gate::Done)?;
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
        self.after_flight(msg.slot)
    }

    /// Makes a dead letter of a message: it holds its keys, or is passed, as its kind wants it.
    pub fn die(&mut self, msg: &mut Msg, reason: Reason) -> Result<(), StoreError> {
        let state = State::Dead(reason);
        let detail = detail(&state);
        self.put(msg, state, "dead", detail)?;
        if !msg.is_keyless() && rules::behind(&msg.kind) == Behind::Pass {
            self.let_go(msg, Gate::Passed)?;
        }
        self.after_flight(msg.slot)?;
        *msg = self.need(msg.slot)?;
        self.supersede_if_overtaken(msg)
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
