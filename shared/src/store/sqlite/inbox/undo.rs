//! Undoing and moving: a message that takes another one back, and one that is another one under a new name.

use crate::envelope::Envelope;
use crate::ident::{MessageId, Stamp};
use crate::outcome::{Outcome, Reason};
use crate::store::StoreError;
use crate::store::inbox::{Hold, State, why};

use super::columns::{Gate, Undoes};
use super::message::{Msg, detail};
use super::resolve::{Found, spell};
use super::work::Work;

impl Work<'_> {
    /// Decides what becomes of a message that undoes another, as far as that can be known now.
    pub fn settle_undo(&mut self, msg: &mut Msg, envelope: &Envelope, holds: bool) -> Result<(), StoreError> {
        let Some(original) = &envelope.reverses else {
            return Ok(());
        };
        if msg.is_settled() || msg.undoes != Undoes::Undecided {
            return Ok(());
        }
        let open = matches!(msg.state, State::Waiting { .. } | State::Held(_));
        if *original.agent.as_str() != *self.lane_name(msg.lane)?.agent_name.as_str() {
            return if open {
                self.unknown_original(msg, "it undoes a message of another agent")
            } else {
                Ok(())
            };
        }
        match self.resolve(msg.agent, &original.stamp())? {
            Found::Missing => {
                self.miss(msg.slot, msg.agent, &original.stamp(), false)?;
                self.refresh(msg.slot)
            }
            // Whoever tries a dead letter again has this asked once more.
            _ if !open => Ok(()),
            Found::Gone if !holds => self.set_undoes(msg, Undoes::Decided),
            Found::Gone => self.hold_undo(
                msg,
                "the message that it undoes settled long ago and is kept no longer",
            ),
            Found::Here(other) => self.undo_of(msg, *other, holds),
        }
    }

    fn undo_of(&mut self, msg: &mut Msg, mut original: Msg, holds: bool) -> Result<(), StoreError> {
        if original.undoes != Undoes::Nothing {
            return self.unknown_original(msg, "it undoes an undo: capture again what is meant instead");
        }
        if original.is_lost() {
            return self.unknown_original(msg, "the content of the message that it undoes is lost");
        }
        match &original.state {
            State::Sent | State::Voiding { .. } => {
                self.run(
                    "INSERT OR REPLACE INTO undo VALUES (?1, ?2)",
                    (msg.slot, original.slot),
                )?;
                self.edge(msg.slot, original.slot)?;
                self.refresh(msg.slot)
            }
            State::Settled(Outcome::Applied(_)) if !holds => self.set_undoes(msg, Undoes::Decided),
            State::Settled(Outcome::Applied(record)) => {
                let text = format!(
                    "the message that it undoes has taken effect as {} {} ({}): correct it there, or release this \
                     where the opposite movement is meant",
                    record.model, record.id, record.name
                );
                self.hold_undo(msg, &text)
            }
            State::Settled(_) => {
                let with = self.named(&original)?;
                self.settle(msg, Outcome::Annulled { with }, "annul")
            }
            State::Waiting { .. } | State::Held(_) | State::Dead(_) => {
                let (this, other) = (self.named(msg)?, self.named(&original)?);
                self.settle(&mut original, Outcome::Annulled { with: this }, "annul")?;
                self.settle(msg, Outcome::Annulled { with: other }, "annul")
            }
        }
    }

    fn hold_undo(&mut self, msg: &mut Msg, text: &str) -> Result<(), StoreError> {
        let hold = Hold {
            reason: Reason::new(why::UNDO_APPLIED, text),
            subject: None,
        };
        let state = State::Held(hold);
        let detail = detail(&state);
        self.set_undoes(msg, Undoes::Decided)?;
        self.put(msg, state, "hold", detail)
    }

    fn unknown_original(&mut self, msg: &mut Msg, text: &str) -> Result<(), StoreError> {
        self.set_undoes(msg, Undoes::Decided)?;
        self.die(msg, Reason::new(why::UNDO_UNKNOWN, text))
    }

    /// Notes whether it is decided what an undo means.
    pub fn set_undoes(&mut self, msg: &mut Msg, undoes: Undoes) -> Result<(), StoreError> {
        msg.undoes = undoes;
        self.run(
            "UPDATE message SET undoes = ?2 WHERE slot = ?1",
            (msg.slot, undoes as u8),
        )?;
        Ok(())
    }

    /// Once a message is no longer at the target: decides for those that waited to know what became of it.
    pub fn after_flight(&mut self, slot: i64) -> Result<(), StoreError> {
        let sql = "SELECT slot FROM undo WHERE original = ?1";
        let undoing: Vec<i64> = self.all(sql, [slot], |row| row.get(0))?;
        for undo in undoing {
            self.run("DELETE FROM undo WHERE slot = ?1", [undo])?;
            self.run("DELETE FROM behind WHERE slot = ?1 AND before = ?2", (undo, slot))?;
            self.queue_again(undo)?;
            self.look_again(undo, true)?;
        }
        let sql = "SELECT slot FROM twin WHERE original = ?1";
        let twins: Vec<i64> = self.all(sql, [slot], |row| row.get(0))?;
        for twin in twins {
            self.run("DELETE FROM twin WHERE slot = ?1", [twin])?;
            self.run("DELETE FROM behind WHERE slot = ?1 AND before = ?2", (twin, slot))?;
            self.queue_again(twin)?;
            let mut msg = self.need(twin)?;
            if let Some(original) = self.message(slot)?.filter(|_| !msg.is_settled())
                && let Some(id) = self.id(&original)?
            {
                self.take_over(&mut msg, &id.stamp())?;
            }
            self.refresh(twin)?;
        }
        Ok(())
    }

    /// The copy of a message that counts now: where it was moved to, or where it stands under its own name.
    pub fn copy_of(&mut self, agent: i64, stamp: &Stamp) -> Result<Option<Msg>, StoreError> {
        self.resolve(agent, stamp).map(copy)
    }

    /// Ties a message to those before it in the queues of its keys again.
    fn queue_again(&mut self, slot: i64) -> Result<(), StoreError> {
        let msg = self.need(slot)?;
        if msg.gate == Gate::Holds && !msg.is_settled() {
            self.touch(&msg, &msg.keys)?;
        }
        Ok(())
    }

    /// Makes a moved message the one that counts, instead of the copy under its old name. That copy wins where it has
    /// settled; where it is at the target now, this one waits for what becomes of it. Where all that is known is that it
    /// settled once, a person has to say whether this one is still wanted.
    pub fn take_over(&mut self, msg: &mut Msg, origin: &Stamp) -> Result<(), StoreError> {
        let found = self.resolve(msg.agent, origin)?;
        if matches!(found, Found::Gone) && matches!(msg.state, State::Waiting { .. } | State::Held(_)) {
            let text = "it was captured before under another name, and what stood there was settled and is kept no \
                        longer: retry it only if it has not taken effect";
            return self.die(msg, Reason::new(why::LATE, text));
        }
        let Some(mut copy) = copy(found).filter(|copy| copy.slot != msg.slot) else {
            self.note_moved(msg, origin)?;
            return self.show_to_waiting(msg, origin);
        };
        if copy.is_settled() {
            return self.supersede(msg, Some(&copy));
        }
        if copy.in_flight() {
            self.run(
                "INSERT OR REPLACE INTO twin VALUES (?1, ?2)",
                (msg.slot, copy.slot),
            )?;
            self.edge(msg.slot, copy.slot)?;
            return self.refresh(msg.slot);
        }
        self.inherit(msg, &copy)?;
        self.note_moved(msg, origin)?;
        self.supersede(&mut copy, Some(msg))?;
        self.show_to_waiting(msg, origin)
    }

    /// Has those look again who look for a message under its old name. They may change it in turn, and it may be one of
    /// them.
    fn show_to_waiting(&mut self, msg: &mut Msg, origin: &Stamp) -> Result<(), StoreError> {
        self.wake(msg.agent, origin)?;
        *msg = self.need(msg.slot)?;
        Ok(())
    }

    /// A message whose newer copy came first never takes effect. What it is itself a copy of is that one's to take over.
    pub fn give_way(&mut self, msg: &mut Msg, later: i64, origin: Option<&Stamp>) -> Result<(), StoreError> {
        let mut later = self.message(later)?;
        if let Some(later) = &mut later
            && let Some(origin) = origin.filter(|_| !later.is_settled() && !later.in_flight())
        {
            self.take_over(later, origin)?;
        }
        self.supersede(msg, later.as_ref())
    }

    /// What a person or the target decided about the old copy holds for the new one, and what a person has yet to. Only a
    /// conflict is over: the new copy has its position for itself.
    fn inherit(&mut self, msg: &mut Msg, copy: &Msg) -> Result<(), StoreError> {
        // What was amended of this one is newer: its numbers make room. By way of negative ones, as they are unique.
        self.run(
            "UPDATE amendment SET number = -number - ?2 WHERE slot = ?1",
            (msg.slot, copy.amended),
        )?;
        self.run(
            "UPDATE amendment SET number = -number WHERE slot = ?1 AND number < 0",
            [msg.slot],
        )?;
        self.run(
            "UPDATE amendment SET slot = ?1 WHERE slot = ?2",
            (msg.slot, copy.slot),
        )?;
        self.run(
            "INSERT OR IGNORE INTO approval SELECT ?1, reason FROM approval WHERE slot = ?2",
            (msg.slot, copy.slot),
        )?;
        (msg.attempt, msg.amended) = (copy.attempt, copy.amended + msg.amended);
        self.run(
            "UPDATE message SET attempt = ?2, amended = ?3 WHERE slot = ?1",
            (msg.slot, msg.attempt, msg.amended),
        )?;
        if !matches!(msg.state, State::Waiting { .. }) {
            return Ok(());
        }
        match &copy.state {
            State::Held(hold) => {
                let state = State::Held(hold.clone());
                let detail = detail(&state);
                self.put(msg, state, "hold", detail)
            }
            State::Dead(reason) if reason.code != why::CONFLICT => self.die(msg, reason.clone()),
            _ => Ok(()),
        }
    }

    /// Notes where the message of this name is to be found from now on.
    pub fn note_moved(&mut self, msg: &Msg, origin: &Stamp) -> Result<(), StoreError> {
        let (epoch, lane, sequence, digest) = spell(origin);
        self.run(
            "INSERT OR REPLACE INTO moved VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (msg.agent, epoch, lane, sequence, digest, msg.slot),
        )?;
        Ok(())
    }

    /// A message's name, which it has unless it is lost.
    pub fn named(&mut self, msg: &Msg) -> Result<MessageId, StoreError> {
        let unnamed = || StoreError::Damaged(format!("message {} has no content digest", msg.slot));
        self.id(msg)?.ok_or_else(unnamed)
    }
}

fn copy(found: Found) -> Option<Msg> {
    match found {
        Found::Here(msg) if !msg.is_lost() => Some(*msg),
        _ => None,
    }
}
