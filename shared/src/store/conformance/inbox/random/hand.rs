//! What a person, the flow or the target decides about one message, told to both stores.

use std::collections::BTreeSet;

use proptest::sample::Index;

use crate::ident::MessageId;
use crate::outcome::{Outcome, Reason};
use crate::store::inbox::{Change, Entry, Filter, Request, State, StateName, Verdict, why};

use super::super::kit::{Store, applied, hold};
use super::world::{World, alike};

/// Of the numbers of changes, the one that is about what is settled.
pub const REPLAY: u8 = 12;

/// What the target has seen, by the names given at capture.
#[derive(Default)]
pub struct Target {
    sent: BTreeSet<MessageId>,
    effects: BTreeSet<MessageId>,
}

impl World {
    pub fn change(
        &mut self,
        which: &Index,
        what: u8,
        disk: &mut impl Store,
        model: &mut impl Store,
    ) -> Result<(), String> {
        let replays = what == REPLAY;
        let open = Filter {
            states: StateName::ALL
                .into_iter()
                .filter(|state| (*state == StateName::Settled) == replays)
                .collect(),
            ..Filter::default()
        };
        let entries = disk.list(&open, None, 1000).unwrap();
        if entries.is_empty() {
            return Ok(());
        }
        let entry = which.get(&entries);
        let name = entry.id.as_ref().map(|id| self.name(id));
        let was_sent = name.as_ref().is_some_and(|name| self.target.sent.contains(name));
        let change = change_of(what, entry, was_sent);
        let request = [Request {
            ticket: entry.ticket,
            change: change.clone(),
        }];
        let twin = model
            .get(entry.ticket.slot)
            .unwrap()
            .ok_or("the model lacks it")?;
        let same = [Request {
            ticket: twin.entry.ticket,
            change: change.clone(),
        }];
        let a = disk.change(&request, "anna", 60).unwrap().pop().unwrap();
        let b = model.change(&same, "anna", 60).unwrap().pop().unwrap();
        if let (Verdict::Done(..), Some(name)) = (&a, name) {
            self.target.note(name, &entry.state, &change)?;
        }
        match (&a, &b) {
            (Verdict::Done(_, a), Verdict::Done(_, b)) => alike(&a.name(), &b.name()),
            (Verdict::Refused(_), Verdict::Refused(_)) => Ok(()),
            _ => Err(format!("{change:?}: {a:?} on disk, {b:?} in the model")),
        }
    }
}

impl Target {
    fn note(&mut self, name: MessageId, before: &State, change: &Change) -> Result<(), String> {
        match (before, change) {
            (_, Change::Send) => {
                self.sent.insert(name);
            }
            (State::Sent, Change::Settle(Outcome::Applied(_))) => {
                let first = self.effects.insert(name.clone());
                return first.then_some(()).ok_or(format!("{name} took effect twice"));
            }
            // Asked to make it void, the target answers that it has done it before.
            (State::Voiding { .. }, Change::Settle(Outcome::Applied(_))) => {
                self.effects.insert(name);
            }
            // Nobody here knows any more whether it has taken effect; that it has not is what the person says.
            (State::Dead(reason), Change::Retry { .. } | Change::Amend { .. })
                if reason.code == why::LATE =>
            {
                self.effects.remove(&name);
            }
            // The target was put back from a backup, and does not know it any more.
            (State::Settled(Outcome::Applied(_)), Change::Replay) => {
                self.effects.remove(&name);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Some change; mostly one that suits the state.
fn change_of(what: u8, entry: &Entry, was_sent: bool) -> Change {
    let text = || "a person decided".to_owned();
    let discarded = || Outcome::Discarded {
        by: "anna".into(),
        reason: text(),
    };
    match (what, &entry.state) {
        (0..=3, State::Waiting { .. }) => Change::Send,
        (0..=2, State::Sent) => Change::Settle(applied(1)),
        (3, State::Sent) => Change::Return,
        (4, _) => hold("stock", Some("item:1")),
        (5, _) => Change::Discard { reason: text() },
        (7, State::Voiding { .. }) if was_sent => Change::Settle(applied(2)),
        (0..=7, State::Voiding { .. }) => Change::Settle(discarded()),
        (8, _) => Change::Amend {
            body: r#"{"order":"b","quantity":{"value":"2"}}"#.into(),
            reason: text(),
        },
        (0..=3 | 9, State::Held(_)) => Change::Release,
        (0..=3 | 9, State::Dead(_)) => Change::Retry { reason: text() },
        (REPLAY, _) => Change::Replay,
        (14 | 15, _) => Change::Approve,
        (10, _) => Change::Settle(discarded()),
        _ => Change::Dead(Reason::new("refused", "the target says no")),
    }
}
