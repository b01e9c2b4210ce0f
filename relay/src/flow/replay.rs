//! After the target was put back from a backup: asks it for everything that was settled, and gives back to the flow what
//! it does not have any more.
//!
//! A person orders it. Nothing is posted before it is at its end: what comes later may touch the same, and must come
//! later. It asks by name and changes nothing in the target, so it may be ordered once too often, and after a stop it
//! goes on where it was.

use millrace_shared::outcome::Outcome;
use millrace_shared::store::StoreError;
use millrace_shared::store::inbox::{
    Change, Entry, Filter, InboxView, Item, Remark, Request, Slot, State, StateName, Verdict, Worklist,
};
use serde::{Deserialize, Serialize};

use super::halt::Halt;
use super::tenure::Term;
use super::worker::{Worker, by_name, named};
use crate::post::{SHADOW, Stamp};
use crate::target::{Answer, End, Target};

/// Messages that are asked for at once.
const PAGE: usize = 500;

/// A replay that was ordered and is not at its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Who ordered it.
    pub by: String,
    /// It was asked for everything up to this slot.
    pub after: Option<i64>,
    /// Messages that were asked for.
    pub asked: u64,
    /// Messages that are done again.
    pub again: u64,
    /// Messages that the target does not have and that could not be given back: something of theirs was under way.
    #[serde(default)]
    pub left: u64,
}

impl Replay {
    /// One that begins.
    pub fn ordered(by: &str) -> Self {
        Self {
            by: by.to_owned(),
            after: None,
            asked: 0,
            again: 0,
            left: 0,
        }
    }

    /// What came of it, for the audit.
    fn tally(&self) -> String {
        let told = format!("{} asked for, {} done again", self.asked, self.again);
        match self.left {
            0 => told,
            left => format!("{told}, {left} could not be: order the replay once more"),
        }
    }
}

impl<I: Worklist + InboxView + Send + 'static, T: Target> Worker<I, T> {
    /// Does the next part of a replay. Returns whether there was one.
    pub(super) async fn replay(&mut self) -> Result<bool, Halt> {
        if self.held.replayed {
            return Ok(false);
        }
        let name = self.domain.name.clone();
        let term = self.call(move |inbox| Term::load(inbox, &name)).await?;
        let Some(mut replay) = term.and_then(|term| term.replay) else {
            self.held.replayed = true;
            return Ok(false);
        };
        let (items, last) = self.settled_behind(replay.after.map(Slot)).await?;
        let stamps: Vec<Stamp> = items.iter().filter_map(named).collect();
        if !stamps.is_empty() {
            let (_, answers) = self.target.ask(&stamps).await?;
            replay.asked += stamps.len() as u64;
            self.do_again(items, &answers, &mut replay).await?;
        }
        match last {
            Some(last) => {
                replay.after = Some(last.0);
                self.write_replay(Some(replay)).await?;
            }
            None => self.end(&replay).await?,
        }
        Ok(true)
    }

    /// The next messages that took effect in the target or were declared void there, and where to go on.
    async fn settled_behind(&self, after: Option<Slot>) -> Result<(Vec<Item>, Option<Slot>), Halt> {
        let settled = Filter {
            agents: self.domain.agents.clone(),
            states: vec![StateName::Settled],
            ..Filter::default()
        };
        self.call(move |inbox| {
            let page = inbox.list(&settled, after, PAGE)?;
            let last = page.last().map(|entry| entry.ticket.slot);
            let mut items = Vec::new();
            for entry in page.iter().filter(|entry| left_a_trace(entry)) {
                items.extend(inbox.get(entry.ticket.slot)?);
            }
            Ok((items, last))
        })
        .await
    }

    /// Makes what the target does not have wait again, in its place.
    async fn do_again(&self, items: Vec<Item>, answers: &[Answer], replay: &mut Replay) -> Result<(), Halt> {
        let mut items = by_name(items);
        let gone = |answer: &&Answer| matches!(answer.end, End::Unknown | End::Rejected(_));
        let requests: Vec<Request> = answers
            .iter()
            .filter(gone)
            .filter_map(|answer| items.remove(&answer.id))
            .map(|item| Request {
                ticket: item.entry.ticket,
                change: Change::Replay,
            })
            .collect();
        if requests.is_empty() {
            return Ok(());
        }
        let (by, now_ms) = (replay.by.clone(), self.clock.moment().wall_ms);
        let verdicts = self
            .call(move |inbox| inbox.change(&requests, &by, now_ms))
            .await?;
        for verdict in verdicts {
            match verdict {
                Verdict::Done(..) => replay.again += 1,
                Verdict::Stale => replay.left += 1,
                Verdict::Refused(why) => {
                    tracing::warn!("a message cannot be replayed now: {why}");
                    replay.left += 1;
                }
            }
        }
        Ok(())
    }

    async fn write_replay(&self, replay: Option<Replay>) -> Result<(), Halt> {
        let name = self.domain.name.clone();
        self.call(move |inbox| save(inbox, &name, replay, None)).await
    }

    async fn end(&mut self, replay: &Replay) -> Result<(), Halt> {
        let (by, detail) = (replay.by.clone(), replay.tally());
        let (name, now_ms) = (self.domain.name.clone(), self.clock.moment().wall_ms);
        tracing::info!(domain = name, "replay is at its end: {detail}");
        self.call(move |inbox| {
            let remark = Remark {
                who: &by,
                what: "replayed",
                detail: &detail,
                now_ms,
            };
            save(inbox, &name, None, Some(remark))
        })
        .await
    }
}

/// Whether the target had something of it: an effect, or that it never shall have one. What was rehearsed had none.
fn left_a_trace(entry: &Entry) -> bool {
    match &entry.state {
        State::Settled(Outcome::Applied(record)) => record.model != SHADOW,
        State::Settled(Outcome::Discarded { .. }) => true,
        _ => false,
    }
}

fn save<I: Worklist + InboxView>(
    inbox: &mut I,
    domain: &str,
    replay: Option<Replay>,
    remark: Option<Remark<'_>>,
) -> Result<(), StoreError> {
    let term = Term::load(inbox, domain)?.unwrap_or_default();
    let text = Term { replay, ..term }.text();
    inbox.set_note(&Term::note(domain), Some(&text), remark)
}
