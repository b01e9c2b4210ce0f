//! A model of the relay's flow: asks first, then commits the intent, then posts, then commits the outcome. Pure: it
//! looks at the inbox and says what is to be done next; the world does it.

use millrace_shared::outcome::{Outcome, Reason, Record};
use millrace_shared::store::inbox::{Change, Inbox, Item, Request, Slot, State, StateName};

use super::bug::Bug;
use super::dice::Dice;
use super::inbox::{RelayDisk, name_of, scan_of};
use super::odoo::{Ask, Known, Name, Posted, Reply};

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
    Send(u64, Ask),
    /// Commit these changes; then, where it is named, post those messages.
    Commit(Vec<Request>, Vec<Slot>),
    /// The fence is ours under this number.
    Fenced(u64),
    /// The target was restored: a person orders a replay.
    Restored,
    /// All that was under way is known: what the target does not have any more is given back to the flow.
    Replay,
    /// Another instance took over: stop.
    Stop,
}

impl Poster {
    /// What to do now, with nothing under way.
    pub fn next(&mut self, disk: &RelayDisk, group: usize, now_ms: u64, dice: &mut Dice) -> Option<Step> {
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
            let above = disk.opening().term.max(self.outranked);
            return Some(self.ask(Purpose::Take, Ask::Take(above), now_ms));
        }
        let group = if self.single > 0 { 1 } else { group };
        self.single = self.single.saturating_sub(1);
        let early = disk.bug == Some(Bug::ValidationBeforeAsking) && dice.chance(200);
        let sent = first(disk.items(&[StateName::Sent]), group);
        if let Some(oldest) = sent.first() {
            return Some(match early {
                true => Step::Commit(vec![request(oldest, refused("locked"))], Vec::new()),
                false => self.ask(Purpose::Recover(slots(&sent)), Ask::Known(names(&sent)), now_ms),
            });
        }
        if let Some(item) = disk.items(&[StateName::Voiding]).first() {
            if disk.bug == Some(Bug::DiscardWithoutVoid) {
                return Some(Step::Commit(vec![request(item, discarded())], Vec::new()));
            }
            let purpose = Purpose::Void(item.entry.ticket.slot);
            return Some(self.ask(purpose, Ask::Void(name_of(item)?), now_ms));
        }
        if disk.replay {
            return Some(Step::Replay);
        }
        let ready = first(disk.ready(), group);
        match ready.first() {
            // Idle or not: a target that was restored must be noticed.
            None if now_ms >= self.asked_ms + IDLE_MS => {
                Some(self.ask(Purpose::First(Vec::new()), Ask::Known(Vec::new()), now_ms))
            }
            None => None,
            Some(oldest) if early => Some(Step::Commit(vec![request(oldest, refused("locked"))], Vec::new())),
            Some(_) => Some(self.ask(Purpose::First(slots(&ready)), Ask::Known(names(&ready)), now_ms)),
        }
    }

    /// What follows from an answer.
    pub fn hear(&mut self, number: u64, reply: Reply, disk: &RelayDisk, dice: &mut Dice) -> Option<Step> {
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
                Some(Step::Restored)
            }
            Reply::Told(told) | Reply::Split(told) => {
                if matches!(purpose, Purpose::Post(_)) {
                    self.single = 4;
                }
                Some(told_of(&purpose, &told, disk, dice))
            }
            Reply::Done(names) => {
                let told: Vec<_> = names.into_iter().map(|name| (name, Some(Known::Done))).collect();
                Some(told_of(&purpose, &told, disk, dice))
            }
            Reply::Rejected(name) => {
                let mut items = items_of(&purpose, disk).into_iter();
                let item = items.find(|item| name_of(item).as_ref() == Some(&name))?;
                Some(Step::Commit(vec![request(&item, refused("refused"))], Vec::new()))
            }
        }
    }

    /// The request that posts messages whose intent is committed.
    pub fn post(&mut self, slots: &[Slot], disk: &RelayDisk, now_ms: u64) -> Option<Step> {
        let items = slots.iter().filter_map(|slot| disk.item(*slot));
        let items: Vec<Item> = items.filter(|item| item.entry.state == State::Sent).collect();
        let posted: Vec<Posted> = items.iter().filter_map(posted).collect();
        if posted.is_empty() || self.stale || self.fence.is_none() {
            return None;
        }
        let slots = items.iter().map(|item| item.entry.ticket.slot).collect();
        Some(self.ask(Purpose::Post(slots), Ask::Post(posted), now_ms))
    }

    fn ask(&mut self, purpose: Purpose, ask: Ask, now_ms: u64) -> Step {
        self.requests += 1;
        self.asked_ms = now_ms;
        self.asked = Some((self.requests, purpose, now_ms));
        Step::Send(self.requests, ask)
    }
}

/// What follows from what the target knows.
fn told_of(purpose: &Purpose, told: &[(Name, Option<Known>)], disk: &RelayDisk, dice: &mut Dice) -> Step {
    let (mut changes, mut to_post) = (Vec::new(), Vec::new());
    for item in items_of(purpose, disk) {
        let name = name_of(&item);
        let known = told.iter().find(|(told, _)| Some(told) == name.as_ref());
        let known = known.and_then(|(_, known)| known.clone());
        let slot = item.entry.ticket.slot;
        let change = match (known, purpose) {
            // What is known already gets its intent as well; asking for what became of that settles it.
            (Some(Known::Done | Known::Void), Purpose::First(_)) => Change::Send,
            (Some(Known::Done), _) => applied(),
            (Some(Known::Void), _) => discarded(),
            (Some(Known::Rejected(attempt)), Purpose::Recover(_) | Purpose::Post(_) | Purpose::First(_))
                if attempt >= item.entry.attempt =>
            {
                refused("refused")
            }
            (_, Purpose::First(_)) if dice.chance(20) => refused("locked"),
            (_, Purpose::First(_)) => {
                to_post.push(slot);
                Change::Send
            }
            (_, Purpose::Recover(_) | Purpose::Post(_)) => Change::Return,
            (_, Purpose::Void(_) | Purpose::Take) => continue,
        };
        changes.push(request(&item, change));
    }
    Step::Commit(changes, to_post)
}

/// A change of a message as it is now.
pub fn request(item: &Item, change: Change) -> Request {
    Request {
        ticket: item.entry.ticket,
        change,
    }
}

fn applied() -> Change {
    Change::Settle(Outcome::Applied(Record {
        model: "simulated".into(),
        id: 1,
        name: "simulated".into(),
    }))
}

fn discarded() -> Change {
    Change::Settle(Outcome::Discarded {
        by: "a person".into(),
        reason: "simulated".into(),
    })
}

fn refused(word: &str) -> Change {
    Change::Dead(Reason::new(word, "simulated"))
}

fn first(items: Vec<Item>, group: usize) -> Vec<Item> {
    items.into_iter().take(group).collect()
}

fn names(items: &[Item]) -> Vec<Name> {
    items.iter().filter_map(name_of).collect()
}

fn slots(items: &[Item]) -> Vec<Slot> {
    items.iter().map(|item| item.entry.ticket.slot).collect()
}

fn posted(item: &Item) -> Option<Posted> {
    Some(Posted {
        name: name_of(item)?,
        scan: scan_of(item)?,
        attempt: item.entry.attempt,
    })
}

fn items_of(purpose: &Purpose, disk: &RelayDisk) -> Vec<Item> {
    let slots = match purpose {
        Purpose::Take => &[],
        Purpose::Recover(slots) | Purpose::First(slots) | Purpose::Post(slots) => slots.as_slice(),
        Purpose::Void(slot) => std::slice::from_ref(slot),
    };
    slots.iter().filter_map(|slot| disk.item(*slot)).collect()
}
