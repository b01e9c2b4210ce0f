//! A model of the relay's flow: asks first, then commits the intent, then posts, then commits the outcome. Pure: it
//! looks at the inbox and says what is to be done next; the world does it.

use super::bug::Bug;
use super::dice::Dice;
use super::model::inbox::InboxModel;
use super::model::message::State;
use super::model::odoo::{Known, Name, Posted, Reply, Request};
use super::model::work::{Change, Slot};

/// How long an answer of the target is waited for.
const PATIENCE_MS: u64 = 20_000;

/// After so long without a question it asks whether the target is still the one it knows.
const IDLE_MS: u64 = 60_000;

/// Where the poster stands.
#[derive(Debug, Default)]
pub struct Poster {
    /// The fence that it took.
    pub fence: Option<u64>,
    /// Agents listen to this term: the next one must be above it.
    pub outranked: u64,
    /// Told that another instance took over: it does nothing any more.
    pub stale: bool,
    /// The request that is under way: its number, what it is for, and since when.
    pub asked: Option<(u64, Purpose, u64)>,
    requests: u64,
    /// When it last asked the target for anything.
    asked_ms: u64,
    /// After a split, messages go one by one.
    single: u32,
}

/// What a request is for.
#[derive(Debug, Clone)]
pub enum Purpose {
    /// The fence.
    Take,
    /// Messages with an intent: what became of them?
    Recover(Vec<Slot>),
    /// Messages that are ready: are they known?
    First(Vec<Slot>),
    /// Messages are posted.
    Post(Vec<Slot>),
    /// A message is voided.
    Void(Slot),
}

/// What the world shall do for the poster.
#[derive(Debug)]
pub enum Step {
    /// Send this to the target.
    Send(u64, Request),
    /// Commit these changes; then, where it is named, post those messages.
    Commit(Vec<(Slot, Change)>, Vec<Slot>),
    /// The fence is ours under this number.
    Fenced(u64),
    /// The target was restored: a person orders a replay.
    Replay,
    /// Another instance took over: stop.
    Stop,
}

impl Poster {
    /// What to do now, with nothing under way.
    pub fn next(&mut self, inbox: &InboxModel, group: usize, now_ms: u64, dice: &mut Dice) -> Option<Step> {
        if self.stale {
            return None;
        }
        if let Some((_, _, since)) = &self.asked {
            if now_ms < since + PATIENCE_MS {
                return None;
            }
            self.asked = None;
        }
        if self.fence.is_none() {
            let above = inbox.opening.term.max(self.outranked);
            return Some(self.ask(Purpose::Take, Request::Take(above), now_ms));
        }
        let group = if self.single > 0 { 1 } else { group };
        self.single = self.single.saturating_sub(1);
        let bug = inbox.bug;
        let sent = first(inbox.in_state(|state| *state == State::Sent), group);
        if !sent.is_empty() {
            if bug == Some(Bug::ValidationBeforeAsking) && dice.chance(200) {
                return Some(Step::Commit(
                    vec![(sent[0].clone(), Change::Dead("locked"))],
                    Vec::new(),
                ));
            }
            let request = Request::Ask(names(inbox, &sent));
            return Some(self.ask(Purpose::Recover(sent), request, now_ms));
        }
        if let Some(slot) = inbox
            .in_state(|state| *state == State::Voiding)
            .into_iter()
            .next()
        {
            if bug == Some(Bug::DiscardWithoutVoid) {
                return Some(Step::Commit(vec![(slot, Change::Discarded)], Vec::new()));
            }
            let name = names(inbox, std::slice::from_ref(&slot)).pop()?;
            return Some(self.ask(Purpose::Void(slot), Request::Void(name), now_ms));
        }
        let ready = first(inbox.ready(), group);
        if ready.is_empty() {
            // Idle or not: a target that was restored must be noticed.
            let idle = now_ms >= self.asked_ms + IDLE_MS;
            return idle.then(|| self.ask(Purpose::First(Vec::new()), Request::Ask(Vec::new()), now_ms));
        }
        if bug == Some(Bug::ValidationBeforeAsking) && dice.chance(200) {
            return Some(Step::Commit(
                vec![(ready[0].clone(), Change::Dead("locked"))],
                Vec::new(),
            ));
        }
        let request = Request::Ask(names(inbox, &ready));
        Some(self.ask(Purpose::First(ready), request, now_ms))
    }

    /// What follows from an answer.
    pub fn hear(&mut self, number: u64, reply: Reply, inbox: &InboxModel, dice: &mut Dice) -> Option<Step> {
        let (_, purpose, _) = self.asked.take_if(|(asked, _, _)| *asked == number)?;
        match reply {
            Reply::Taken(fence) => {
                self.fence = Some(fence);
                Some(Step::Fenced(fence))
            }
            Reply::Stale => {
                self.stale = true;
                Some(Step::Stop)
            }
            Reply::Restored => {
                self.fence = None;
                Some(Step::Replay)
            }
            Reply::Told(told) | Reply::Split(told) => {
                if matches!(purpose, Purpose::Post(_)) {
                    self.single = 4;
                }
                Some(self.told(&purpose, &told, inbox, dice))
            }
            Reply::Done(names) => {
                let told: Vec<_> = names.into_iter().map(|name| (name, Some(Known::Done))).collect();
                Some(self.told(&purpose, &told, inbox, dice))
            }
            Reply::Rejected(name) => {
                let slots = slots(&purpose);
                let slot = slots
                    .into_iter()
                    .find(|slot| names(inbox, std::slice::from_ref(slot)).contains(&name))?;
                Some(Step::Commit(vec![(slot, Change::Dead("refused"))], Vec::new()))
            }
        }
    }

    /// The request that posts messages whose intent is committed.
    pub fn post(&mut self, slots: Vec<Slot>, inbox: &InboxModel, now_ms: u64) -> Option<Step> {
        let posted: Vec<Posted> = slots.iter().filter_map(|slot| posted(inbox, slot)).collect();
        if posted.is_empty() || self.stale || self.fence.is_none() {
            return None;
        }
        Some(self.ask(Purpose::Post(slots), Request::Post(posted), now_ms))
    }

    fn told(
        &self,
        purpose: &Purpose,
        told: &[(Name, Option<Known>)],
        inbox: &InboxModel,
        dice: &mut Dice,
    ) -> Step {
        let (mut changes, mut to_post) = (Vec::new(), Vec::new());
        for slot in slots(purpose) {
            let Some(item) = inbox.item(&slot) else { continue };
            let name = (slot.0.clone(), item.name);
            let known = told
                .iter()
                .find(|(told, _)| *told == name)
                .and_then(|(_, known)| known.clone());
            match (known, purpose) {
                (Some(Known::Done), _) => changes.push((slot, Change::Applied)),
                (Some(Known::Void), _) => changes.push((slot, Change::Discarded)),
                (
                    Some(Known::Rejected(attempt)),
                    Purpose::Recover(_) | Purpose::Post(_) | Purpose::First(_),
                ) if attempt >= item.attempt => {
                    changes.push((slot, Change::Dead("refused")));
                }
                (_, Purpose::First(_)) => {
                    if dice.chance(20) {
                        changes.push((slot, Change::Dead("locked")));
                    } else {
                        changes.push((slot.clone(), Change::Send));
                        to_post.push(slot);
                    }
                }
                (_, Purpose::Recover(_) | Purpose::Post(_)) => changes.push((slot, Change::Return)),
                (_, Purpose::Void(_) | Purpose::Take) => {}
            }
        }
        Step::Commit(changes, to_post)
    }

    fn ask(&mut self, purpose: Purpose, request: Request, now_ms: u64) -> Step {
        self.requests += 1;
        self.asked_ms = now_ms;
        self.asked = Some((self.requests, purpose, now_ms));
        Step::Send(self.requests, request)
    }
}

/// The first few, each key once.
fn first(slots: Vec<Slot>, group: usize) -> Vec<Slot> {
    slots.into_iter().take(group).collect()
}

fn names(inbox: &InboxModel, slots: &[Slot]) -> Vec<Name> {
    let name = |slot: &Slot| Some((slot.0.clone(), inbox.item(slot)?.name));
    slots.iter().filter_map(name).collect()
}

fn posted(inbox: &InboxModel, slot: &Slot) -> Option<Posted> {
    let item = inbox.item(slot)?;
    Some(Posted {
        name: (slot.0.clone(), item.name),
        scan: item.scan?,
        attempt: item.attempt,
    })
}

fn slots(purpose: &Purpose) -> Vec<Slot> {
    match purpose {
        Purpose::Take => Vec::new(),
        Purpose::Recover(slots) | Purpose::First(slots) | Purpose::Post(slots) => slots.clone(),
        Purpose::Void(slot) => vec![slot.clone()],
    }
}
