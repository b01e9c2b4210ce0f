//! Changes that the flow, or a person through it, asks for.

use std::collections::BTreeSet;

use crate::ident::Stamp;
use crate::message::{Key, Kind, Message};
use crate::store::StoreError;
use crate::store::inbox::{
    Change, Filter, InboxView, PAGE, Remark, Request, Selection, Slot, State, Ticket, Verdict, Worklist,
    rules,
};

use super::state::Author;
use super::{MemoryInbox, record_of};

impl Worklist for MemoryInbox {
    fn change(&mut self, requests: &[Request], who: &str, now_ms: i64) -> Result<Vec<Verdict>, StoreError> {
        let by = Author { who, now_ms };
        Ok(requests.iter().map(|request| self.request(request, by)).collect())
    }

    fn change_where(
        &mut self,
        filter: &Filter,
        after: Option<Slot>,
        change: &Change,
        limit: usize,
        who: &str,
        now_ms: i64,
    ) -> Result<Selection, StoreError> {
        let limit = limit.min(PAGE);
        let found = self.list(filter, after, limit)?;
        let next = found
            .last()
            .filter(|_| found.len() == limit)
            .map(|entry| entry.ticket.slot);
        let requests: Vec<Request> = found
            .iter()
            .map(|entry| Request {
                ticket: entry.ticket,
                change: change.clone(),
            })
            .collect();
        let verdicts = self.change(&requests, who, now_ms)?;
        let changed = verdicts
            .iter()
            .filter(|verdict| matches!(verdict, Verdict::Done(..)))
            .count();
        Ok(Selection { changed, next })
    }

    fn set_note(
        &mut self,
        name: &str,
        text: Option<&str>,
        remark: Option<Remark<'_>>,
    ) -> Result<(), StoreError> {
        match text {
            Some(text) => self.notes.insert(name.to_owned(), text.to_owned()),
            None => self.notes.remove(name),
        };
        if let Some(Remark {
            who,
            what,
            detail,
            now_ms,
        }) = remark
        {
            let record = record_of(what, None, name.to_owned(), "", "", detail.to_owned());
            self.record(who, now_ms, record);
        }
        Ok(())
    }

    fn prune(&mut self, settled_before_ms: i64, max: usize) -> Result<usize, StoreError> {
        Ok(self.prune_settled(settled_before_ms, max))
    }
}

impl MemoryInbox {
    fn request(&mut self, request: &Request, by: Author<'_>) -> Verdict {
        let Ticket { slot, version } = request.ticket;
        let Some(row) = self.rows.get(&slot.0).filter(|row| row.version == version) else {
            return Verdict::Stale;
        };
        let state = match row.state {
            State::Waiting { .. } => State::Waiting {
                ready: self.is_ready(row),
            },
            ref state => state.clone(),
        };
        let next = rules::next(&state, row.attempt, row.is_lost(), &request.change, by.who);
        let (next, attempt) = match next {
            Ok(next) => next,
            Err(text) => return Verdict::Refused(text),
        };
        let given_up = match (&request.change, &state) {
            (Change::Approve, State::Waiting { .. }) => self.awaited_elsewhere(row),
            _ => BTreeSet::new(),
        };
        if request.change == Change::Approve && given_up.is_empty() && matches!(state, State::Waiting { .. })
        {
            return Verdict::Refused(rules::WAITS_HERE.into());
        }
        let agent = row.agent.clone();
        if let Err(text) = self.reopen_row(slot.0, &request.change, by) {
            return Verdict::Refused(text);
        }
        self.given_up
            .extend(given_up.into_iter().map(|stamp| (agent.clone(), stamp)));
        if let Some(row) = self.rows.get_mut(&slot.0) {
            row.attempt = attempt;
            if let (Change::Approve, State::Held(hold)) = (&request.change, &row.state) {
                row.approved.insert(hold.reason.code.clone());
            }
        }
        let detail = match &request.change {
            Change::Retry { reason } | Change::Amend { reason, .. } => reason.clone(),
            Change::Settle(crate::outcome::Outcome::Applied(record)) => {
                format!("applied: {} {} ({})", record.model, record.id, record.name)
            }
            _ => String::new(),
        };
        self.put(slot.0, next, by, request.change.word(), detail);
        self.follow_up(by);
        let row = &self.rows[&slot.0];
        let ticket = Ticket {
            slot,
            version: row.version,
        };
        Verdict::Done(ticket, self.shown(row))
    }

    /// What a row waits for that is not here: by its own links, and by those of settled ones before it.
    pub(super) fn awaited_elsewhere(&self, row: &super::MemRow) -> BTreeSet<Stamp> {
        let over = |other: &&super::MemRow| other.is_settled() || other.may_be_passed();
        let before = self
            .before(row)
            .filter(over)
            .filter(|other| !self.lets_pass(other));
        before.chain([row]).flat_map(|row| self.unmet(row)).collect()
    }

    /// What must be so before a message is tried again, and what that changes beside its state.
    fn reopen_row(&mut self, slot: i64, change: &Change, by: Author<'_>) -> Result<(), String> {
        if *change == Change::Replay {
            self.not_overtaken(&self.rows[&slot])?;
            if let Some(row) = self.rows.get_mut(&slot) {
                row.passed = false;
            }
            return Ok(());
        }
        if !matches!(change, Change::Retry { .. } | Change::Amend { .. }) {
            return Ok(());
        }
        let row = &self.rows[&slot];
        if row.envelope.is_none() {
            return rules::decode(&row.bytes).map(drop).map_err(|reason| reason.text);
        }
        if row.passed {
            self.not_overtaken(row)?;
        }
        let judged = match &row.state {
            State::Dead(reason) => !rules::never_judged(reason),
            _ => true,
        };
        let was_dead = matches!(row.state, State::Dead(_));
        let keys = self.amended_keys(slot, change)?;
        let (agent, id) = (row.agent.clone(), row.id());
        let undoes = row
            .envelope
            .as_ref()
            .is_some_and(|envelope| envelope.reverses.is_some());
        for key in keys {
            self.use_key(&agent, key.clone(), slot, id.as_ref());
            if let Some(row) = self.rows.get_mut(&slot) {
                row.keys.insert(key);
            }
        }
        if let Some(row) = self.rows.get_mut(&slot) {
            (row.passed, row.cleared) = (false, row.cleared && !was_dead);
            if undoes && was_dead {
                row.undoing = Some(!judged);
            }
            if let Change::Amend { body, .. } = change {
                row.amendments.push(body.clone());
            }
        }
        let _ = by;
        Ok(())
    }

    fn not_overtaken(&self, row: &super::MemRow) -> Result<(), String> {
        let overtaken = |other: &super::MemRow| {
            other.agent == row.agent
                && other.spot() > row.spot()
                && other.in_flight()
                && !other.passed
                && !other.keys.is_disjoint(&row.keys)
        };
        match self.rows.values().any(overtaken) {
            true => Err("a later message of its keys is being sent".into()),
            false => Ok(()),
        }
    }

    fn amended_keys(&self, slot: i64, change: &Change) -> Result<Vec<Key>, String> {
        let Change::Amend { body, .. } = change else {
            return Ok(Vec::new());
        };
        let Some(envelope) = &self.rows[&slot].envelope else {
            return Err("there is no body to amend".into());
        };
        let kind: Kind = envelope.kind.parse().map_err(|error| format!("{error}"))?;
        let message = Message::parse(kind, envelope.schema, body).map_err(|error| error.to_string())?;
        Ok(message.keys())
    }
}
