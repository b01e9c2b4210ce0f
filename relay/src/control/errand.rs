//! Carries out one order, a page of messages at a time, so that a large one does not keep the inbox from what arrives.

use millrace_shared::ident::MessageId;
use millrace_shared::outcome::Reason;
use millrace_shared::store::StoreError;
use millrace_shared::store::inbox::{
    Change, Entry, Hold, InboxView, Item, PAGE, Remark, Request, Slot, StateName, Verdict, Worklist,
};

use super::{Act, Done, IDS, MESSAGES, Order, REFUSALS, Refusal, Which, amend, holds};
use crate::flow::replay::Replay;
use crate::flow::tenure::Term;
use crate::govern::{REVIEW, StandingHold};

/// An order on its way.
#[derive(Debug)]
pub struct Errand {
    order: Order,
    who: String,
    now_ms: i64,
    began: bool,
    after: Option<Slot>,
    done: Done,
}

impl Errand {
    /// The order of this person, at this time.
    pub fn new(order: Order, who: String, now_ms: i64) -> Self {
        Self {
            order,
            who,
            now_ms,
            began: false,
            after: None,
            done: Done::default(),
        }
    }

    /// Carries it out over a store that nobody else waits for.
    pub fn run<S: Worklist + InboxView>(mut self, store: &mut S) -> Result<Done, Refusal> {
        loop {
            if let Some(done) = self.step(store)? {
                return Ok(done);
            }
        }
    }

    /// Does the next part, in one transaction, and says what was done once that is all.
    pub fn step<S: Worklist + InboxView>(&mut self, store: &mut S) -> Result<Option<Done>, Refusal> {
        let first = !std::mem::replace(&mut self.began, true);
        let finished = match self.order.clone() {
            Order::Change { which, act } => {
                if first && act == Act::Release && which.ids.is_empty() {
                    self.done.holds = holds::lift(store, &which.filter, self.author("release"))?;
                }
                self.change(store, &which, &act)?
            }
            Order::Amend { id, set, reason } => self.amend(store, &id, &set, reason)?,
            Order::Lay(hold) => self.lay(store, hold, first)?,
            Order::Resume { domain } => self.resume(store, &domain, "resume", None)?,
            Order::Replay { domain } => {
                let replay = Replay::ordered(&self.who);
                self.resume(store, &domain, "replay", Some(replay))?
            }
            Order::Flush => true,
        };
        Ok(finished.then(|| std::mem::take(&mut self.done)))
    }

    fn author<'a>(&'a self, what: &'a str) -> Remark<'a> {
        Remark {
            who: &self.who,
            what,
            detail: "",
            now_ms: self.now_ms,
        }
    }

    fn change<S: Worklist + InboxView>(
        &mut self,
        store: &mut S,
        which: &Which,
        act: &Act,
    ) -> Result<bool, Refusal> {
        let change = act.change(&self.who);
        if which.ids.len() > IDS {
            return Err(Refusal::Unsuited(format!(
                "name at most {IDS} messages, or use a filter"
            )));
        }
        if !which.ids.is_empty() {
            let entries: Result<Vec<Entry>, Refusal> =
                which.ids.iter().map(|id| Ok(find(store, id)?.entry)).collect();
            self.request(store, entries?, &change)?;
            return Ok(true);
        }
        let limit = which.limit.min(MESSAGES);
        let left = limit.saturating_sub(self.done.changed);
        let page = store.list(&which.filter, self.after, left.min(PAGE))?;
        let Some(last) = page.last() else { return Ok(true) };
        self.after = Some(last.ticket.slot);
        let full = page.len() == left.min(PAGE);
        self.request(store, page, &change)?;
        self.done.more = full && self.done.changed >= limit;
        Ok(!full || self.done.more)
    }

    /// Asks for the same change to all of these.
    fn request<S: Worklist>(
        &mut self,
        store: &mut S,
        entries: Vec<Entry>,
        change: &Change,
    ) -> Result<(), StoreError> {
        let request = |entry: &Entry| Request {
            ticket: entry.ticket,
            change: change.clone(),
        };
        let requests: Vec<Request> = entries.iter().map(request).collect();
        let verdicts = store.change(&requests, &self.who, self.now_ms)?;
        for (entry, verdict) in entries.iter().zip(verdicts) {
            let why = match verdict {
                Verdict::Done(..) => {
                    self.done.changed += 1;
                    continue;
                }
                Verdict::Stale => "it changed at this moment: look again".to_owned(),
                Verdict::Refused(text) => text,
            };
            self.done.refused += 1;
            if self.done.refusals.len() < REFUSALS {
                let name = entry
                    .id
                    .as_ref()
                    .map_or_else(|| lost(entry), MessageId::to_string);
                self.done.refusals.push((name, why));
            }
        }
        Ok(())
    }

    fn amend<S: Worklist + InboxView>(
        &mut self,
        store: &mut S,
        id: &MessageId,
        set: &[(String, String)],
        reason: String,
    ) -> Result<bool, Refusal> {
        let item = find(store, id)?;
        let body = amend::amended(&item, set).map_err(Refusal::Unsuited)?;
        self.request(store, vec![item.entry], &Change::Amend { body, reason })?;
        match self.done.refusals.pop() {
            Some((_, why)) => Err(Refusal::Unsuited(why)),
            None => Ok(true),
        }
    }

    /// Lays a standing hold, and holds what waits already, so that it can be reviewed while the target is away.
    fn lay<S: Worklist + InboxView>(
        &mut self,
        store: &mut S,
        hold: StandingHold,
        first: bool,
    ) -> Result<bool, Refusal> {
        let hold = StandingHold {
            by: self.who.clone(),
            ..hold
        };
        if first {
            holds::lay(store, &hold, self.author("hold"))?;
            self.done.holds = 1;
        }
        let mut page = store.list(&hold.waiting(), self.after, PAGE)?;
        let Some(last) = page.last() else { return Ok(true) };
        self.after = Some(last.ticket.slot);
        let full = page.len() == PAGE;
        page.retain(|entry| hold.is_over(entry));
        self.request(store, page, &Change::Hold(hold.hold()))?;
        Ok(!full)
    }

    fn resume<S: Worklist + InboxView>(
        &mut self,
        store: &mut S,
        domain: &str,
        what: &str,
        replay: Option<Replay>,
    ) -> Result<bool, Refusal> {
        let term = Term::load(store, domain)?.ok_or_else(|| {
            Refusal::NotFound(format!(
                "domain `{domain}` was never taken: see `domain` in the configuration"
            ))
        })?;
        let replay = replay.or(term.replay.clone());
        let text = Term {
            replay,
            ..term.resume()
        }
        .text();
        store.set_note(&Term::note(domain), Some(&text), Some(self.author(what)))?;
        Ok(true)
    }
}

impl Act {
    fn change(&self, who: &str) -> Change {
        match self {
            Act::Retry { reason } => Change::Retry {
                reason: reason.clone(),
            },
            Act::Release => Change::Approve,
            Act::Hold { reason } => Change::Hold(Hold {
                reason: Reason::new(REVIEW, format!("held by {who}: {reason}")),
                subject: None,
            }),
            Act::Discard { reason } => Change::Discard {
                reason: reason.clone(),
            },
        }
    }

    /// The states of messages that it can be made to.
    pub fn states(&self) -> Vec<StateName> {
        match self {
            Act::Retry { .. } | Act::Discard { .. } => vec![StateName::Dead],
            Act::Release => vec![StateName::Held],
            Act::Hold { .. } => vec![StateName::Ready, StateName::Behind],
        }
    }
}

fn find(store: &impl InboxView, id: &MessageId) -> Result<Item, Refusal> {
    let none = || {
        Refusal::NotFound(format!(
            "there is no message {id}; settled ones are kept for a while only"
        ))
    };
    let slot = store.find(id)?.ok_or_else(none)?;
    store.get(slot)?.ok_or_else(none)
}

/// How a range of lost positions is called.
fn lost(entry: &Entry) -> String {
    format!("{}:{}-{}", entry.agent, entry.position, entry.last)
}
