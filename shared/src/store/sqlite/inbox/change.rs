//! Changes that the flow, or a person through it, asks for.

use std::collections::BTreeSet;

use crate::envelope::Envelope;
use crate::message::{Kind, Message};
use crate::store::StoreError;
use crate::store::inbox::{Change, Request, Slot, State, Ticket, Verdict, rules};

use super::columns::{Gate, Undoes};
use super::message::{Msg, detail, pack};
use super::order::ended_before;
use super::work::Work;

impl Work<'_> {
    /// Makes a change to a message as it was seen.
    pub fn request(&mut self, request: &Request) -> Result<Verdict, StoreError> {
        let Ticket { slot, version } = request.ticket;
        match self.message(slot.0)? {
            Some(msg) if msg.version == version => self.make(msg, &request.change),
            _ => Ok(Verdict::Stale),
        }
    }

    /// Makes a change to a message as it is.
    pub fn make(&mut self, mut msg: Msg, change: &Change) -> Result<Verdict, StoreError> {
        let lost = msg.is_lost();
        let (state, attempt) = match rules::next(&msg.state, msg.attempt, lost, change, self.who) {
            Ok(next) => next,
            Err(text) => return Ok(Verdict::Refused(text)),
        };
        let reopens = matches!(change, Change::Retry { .. } | Change::Amend { .. });
        if reopens && let Err(text) = self.prepare(&mut msg, change)? {
            return Ok(Verdict::Refused(text));
        }
        if let (Change::Approve, State::Held(hold)) = (change, &msg.state) {
            let approved = (msg.slot, &hold.reason.code);
            self.run("INSERT OR IGNORE INTO approval VALUES (?1, ?2)", approved)?;
        }
        let mut freed = BTreeSet::new();
        if let (Change::Approve, State::Waiting { .. }) = (change, &msg.state) {
            freed = self.give_up(&msg)?;
            if freed.is_empty() {
                return Ok(Verdict::Refused(rules::WAITS_HERE.into()));
            }
        }
        if *change == Change::Replay
            && let Err(text) = self.unsettle(&mut msg)?
        {
            return Ok(Verdict::Refused(text));
        }
        msg.attempt = attempt;
        let flew = msg.in_flight();
        match state {
            State::Settled(outcome) => self.settle(&mut msg, outcome, change.word())?,
            State::Dead(reason) => self.die(&mut msg, reason)?,
            State::Waiting { .. } => self.wait(&mut msg, change, flew)?,
            state => {
                let detail = detail(&state);
                self.put(&mut msg, state, change.word(), detail)?;
                if flew {
                    self.after_flight(msg.slot)?;
                }
            }
        }
        for slot in freed {
            self.look_again(slot, true)?;
        }
        let now = self.need(msg.slot)?;
        let ticket = Ticket {
            slot: Slot(now.slot),
            version: now.version,
        };
        Ok(Verdict::Done(ticket, now.state))
    }

    /// Has nobody wait any more for what a message waits for that is not here, by its own links or by those of ended ones
    /// before it. Returns who waited for any of it.
    fn give_up(&mut self, msg: &Msg) -> Result<BTreeSet<i64>, StoreError> {
        let mut freed = BTreeSet::new();
        for slot in ended_before(self.tx, msg)?.into_iter().chain([msg.slot]) {
            let envelope = self.envelope(slot)?;
            for after in envelope.iter().flat_map(Envelope::links) {
                let missed = self.missed(msg.agent, after)?;
                if missed.contains(&slot) && !self.is_given_up(msg.agent, after)? {
                    freed.extend(missed);
                    self.note_given_up(msg.agent, after)?;
                }
            }
        }
        Ok(freed)
    }

    /// Back to waiting: in its place among its keys, behind what it names, and undone where it is to be.
    fn wait(&mut self, msg: &mut Msg, change: &Change, flew: bool) -> Result<(), StoreError> {
        let before = msg.state.clone();
        let detail = match change {
            Change::Retry { reason } | Change::Amend { reason, .. } => rules::cut_text(reason),
            _ => String::new(),
        };
        self.put(msg, State::Waiting { ready: false }, change.word(), detail)?;
        if msg.gate == Gate::Passed {
            self.hold_again(msg)?;
        }
        match before {
            State::Dead(reason) => {
                if msg.undoes == Undoes::Decided {
                    self.set_undoes(msg, Undoes::Undecided)?;
                }
                self.look_again(msg.slot, rules::never_judged(&reason))?;
            }
            _ => self.refresh(msg.slot)?,
        }
        if flew {
            self.after_flight(msg.slot)?;
        }
        Ok(())
    }

    /// What must be so before a message is tried again, or as amended: it can be decoded, nothing of its keys is being
    /// sent past it, and the new body is one.
    fn prepare(&mut self, msg: &mut Msg, change: &Change) -> Result<Result<(), String>, StoreError> {
        if msg.kind.is_empty() {
            return match change {
                Change::Amend { .. } => Ok(Err("nobody knows what is in it: retry it first".into())),
                _ => self.decode_again(msg),
            };
        }
        if msg.gate == Gate::Passed
            && let Err(text) = self.not_overtaken(msg)?
        {
            return Ok(Err(text));
        }
        if let Change::Amend { body, reason } = change {
            return self.amend(msg, body, reason);
        }
        Ok(Ok(()))
    }

    fn not_overtaken(&mut self, msg: &Msg) -> Result<Result<(), String>, StoreError> {
        let Some(other) = self.overtaker(msg)? else {
            return Ok(Ok(()));
        };
        let other = self.need(other)?;
        let name = self.name(&other)?;
        Ok(Err(format!(
            "a later message of its keys is being sent ({name}): try again when that is answered"
        )))
    }

    /// Puts a settled message back into its place among its keys, before what waits there now.
    fn unsettle(&mut self, msg: &mut Msg) -> Result<Result<(), String>, StoreError> {
        if let Err(text) = self.not_overtaken(msg)? {
            return Ok(Err(text));
        }
        let lane = self.lane_name(msg.lane)?.lane;
        if let Some(used) = self.memory.used.get_mut(&(msg.agent, lane)) {
            *used = used.saturating_add(msg.bytes);
        }
        self.hold_again(msg)?;
        Ok(Ok(()))
    }

    /// A dead letter `undecodable` after this program learned more: what it is and what it touches.
    fn decode_again(&mut self, msg: &mut Msg) -> Result<Result<(), String>, StoreError> {
        let envelope = match rules::decode(&self.content(msg.slot)?) {
            Ok(envelope) => envelope,
            Err(reason) => return Ok(Err(reason.text)),
        };
        let name = self.name(msg)?;
        for link in &envelope.keys {
            let key = self.key(msg.agent, &link.key, &|| name.clone())?;
            msg.keys.push(key);
        }
        msg.keys.sort_unstable();
        msg.keys.dedup();
        let rank = self.lane_name(msg.lane)?.rank;
        msg.undoes = Undoes::of(&envelope);
        msg.kind = envelope.kind;
        msg.place = rules::place(rank, envelope.ordinal);
        self.run(
            "UPDATE message SET kind = ?2, undoes = ?3, place = ?4, keys = ?5, captured_ms = ?6, station = ?7, \
             operator = ?8 WHERE slot = ?1",
            (
                msg.slot,
                &msg.kind,
                msg.undoes as u8,
                msg.place,
                pack(&msg.keys),
                envelope.capture.moment.wall_ms,
                envelope.capture.station,
                envelope.capture.operator,
            ),
        )?;
        // Those who waited for its name alone wait for it by its keys now, as far as they share one.
        let waiters = self.waiters(msg.slot)?;
        self.run("DELETE FROM behind WHERE before = ?1", [msg.slot])?;
        self.touch(msg, &msg.keys.clone())?;
        for waiter in waiters {
            self.look_again(waiter, true)?;
        }
        Ok(Ok(()))
    }

    /// Puts a new body beside the original. Keys that it adds are waited for as well.
    fn amend(&mut self, msg: &mut Msg, body: &str, reason: &str) -> Result<Result<(), String>, StoreError> {
        let parsed = self.envelope(msg.slot)?.map(|envelope| {
            let kind = envelope.kind.parse::<Kind>()?;
            Message::parse(kind, envelope.schema, body)
        });
        let message = match parsed {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Ok(Err(error.to_string())),
            None => return Ok(Err("its bytes are no envelope: there is no body to amend".into())),
        };
        let name = self.name(msg)?;
        let mut added = Vec::new();
        for key in message.keys() {
            let key = self.key(msg.agent, &key, &|| name.clone())?;
            if !msg.keys.contains(&key) {
                added.push(key);
            }
        }
        msg.keys.extend(&added);
        msg.amended += 1;
        self.run(
            "UPDATE message SET keys = ?2, amended = ?3 WHERE slot = ?1",
            (msg.slot, pack(&msg.keys), msg.amended),
        )?;
        self.run(
            "INSERT INTO amendment VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                msg.slot,
                msg.amended,
                body,
                self.who,
                rules::cut_text(reason),
                self.now_ms,
            ),
        )?;
        self.touch(msg, &added)?;
        Ok(Ok(()))
    }
}
