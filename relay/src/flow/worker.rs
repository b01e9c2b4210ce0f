//! Works off one domain: asks first, chooses, plans, commits the intent, sends, commits what became of it.
//!
//! One request is under way per domain, so messages that touch the same things in Odoo take effect in the order of
//! capture, and no domain can take more of Odoo than its turn. The thinking is done in `choose`, `prepare`, `conclude`,
//! `breaker`, `govern` and `post`; here is only the order of things, and its steps in `tenure`, `ask`, `replay`, `send`,
//! `settle`, `recheck` and `expire`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use millrace_shared::clock::Clock;
use millrace_shared::ident::{AgentId, MessageId};
use millrace_shared::message::Kind;
use millrace_shared::store::StoreError;
use millrace_shared::store::desk::Desk;
use millrace_shared::store::inbox::{InboxView, Item, Request, Slot, Verdict, Worklist};
use tokio::sync::{Semaphore, mpsc};

use super::breaker::Breaker;
use super::choose::choose;
use super::domain::Domain;
use super::halt::{Halt, WorkError};
use super::name::at_capture;
use super::prepare::{prepare, stamp};
use super::tenure::Held;
use crate::govern::{self, StandingHold};
use crate::post::{Posting, Stamp, group, timely};
use crate::target::Target;

/// Who makes the changes, in the audit.
pub(super) const FLOW: &str = "flow";

/// How long a domain that was stopped waits before it looks whether a person has acted.
const STOPPED: Duration = Duration::from_secs(30);

/// How a turn went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Something moved; there may be more.
    Worked,
    /// There is nothing to do.
    Idle,
    /// The target is left alone for this long; the text says why.
    Pause(Duration, String),
}

/// The worker of one domain.
pub struct Worker<I, T> {
    pub(super) domain: Domain,
    inbox: Desk<I>,
    pub(super) target: T,
    pub(super) clock: Clock,
    /// Fewer permits than the target has workers; first come, first served, so domains take turns.
    callers: Arc<Semaphore>,
    /// Told whose messages changed.
    pub(super) news: mpsc::Sender<AgentId>,
    pub(super) held: Held,
    breaker: Breaker,
    /// Whether there may be intents whose outcome is not known.
    unsure: bool,
    /// What must not be sent in a group again.
    pub(super) alone: HashSet<Slot>,
    /// When holds are looked at again, in monotonic milliseconds, and which of their subjects come next.
    pub(super) recheck_at_ms: u64,
    pub(super) recheck_from: usize,
}

impl<I: Worklist + InboxView + Send + 'static, T: Target> Worker<I, T> {
    /// A worker that knows nothing yet: it takes the domain and asks for what was under way before it does anything.
    pub fn new(
        domain: Domain,
        inbox: Desk<I>,
        target: T,
        clock: Clock,
        callers: Arc<Semaphore>,
        news: mpsc::Sender<AgentId>,
    ) -> Self {
        let (breaker, alone) = (Breaker::default(), HashSet::new());
        Self {
            domain,
            inbox,
            target,
            clock,
            callers,
            news,
            held: Held::default(),
            breaker,
            unsure: true,
            alone,
            recheck_at_ms: 0,
            recheck_from: 0,
        }
    }

    /// The domain's name.
    pub fn name(&self) -> &str {
        &self.domain.name
    }

    /// A person gave an order, and may have mended something in the target before: nothing remembered of it counts.
    pub fn refresh(&mut self) {
        self.target.flush();
        self.recheck_at_ms = 0;
        self.held.replayed = false;
    }

    /// Does one round of work. `chance` from 0 to 1 spreads pauses.
    pub async fn turn(&mut self, chance: f64) -> Result<Turn, WorkError> {
        let now_ms = self.clock.moment().monotonic_ms;
        if let Some(pause) = self.breaker.pause(now_ms) {
            return Ok(Turn::Pause(pause, "the target failed".into()));
        }
        let callers = self.callers.clone();
        let place = callers.acquire().await;
        let round = self.round().await;
        drop(place);
        match round {
            Ok(turn) => {
                self.breaker.success();
                Ok(turn)
            }
            Err(Halt::Work(error)) => Err(error),
            Err(Halt::Stop(text)) => {
                (self.held.tenure, self.unsure) = (None, true);
                Ok(Turn::Pause(STOPPED, text))
            }
            Err(Halt::Fault(fault)) => {
                self.unsure |= fault.ambiguous;
                let now_ms = self.clock.moment().monotonic_ms;
                self.breaker.failure(now_ms, chance);
                if let Some(asked) = fault.retry_after {
                    self.breaker.wait_for(now_ms, asked);
                }
                Ok(Turn::Pause(
                    self.breaker.pause(now_ms).unwrap_or_default(),
                    fault.to_string(),
                ))
            }
        }
    }

    async fn round(&mut self) -> Result<Turn, Halt> {
        let tenure = self.take().await?;
        if self.unsure {
            self.ask_first().await?;
            self.unsure = false;
        }
        if self.replay().await? {
            return Ok(Turn::Worked);
        }
        let voided = self.void(&tenure).await?;
        self.recheck().await?;
        let (items, holds) = self.choose().await?;
        let turn = if items.is_empty() {
            if voided { Turn::Worked } else { Turn::Idle }
        } else {
            let prepared = prepare(&self.domain, &holds, &self.target, &items).await?;
            if !prepared.changes.is_empty() {
                self.change(prepared.changes.clone()).await?;
                self.hold_all(&holds, &prepared.changes).await?;
                self.ring();
            }
            let postings = timely(prepared.postings, self.domain.group);
            let intended = self.intend(items, &postings).await?;
            let request = self.request(postings, &intended);
            if !request.is_empty() {
                self.send(&tenure, &request, intended).await?;
            }
            Turn::Worked
        };
        self.note_tenure(turn == Turn::Idle).await?;
        Ok(turn)
    }

    /// What is ready, a fair share of each, and the holds that stand over it.
    async fn choose(&self) -> Result<(Vec<Item>, Vec<StandingHold>), Halt> {
        let (agents, batch) = (self.domain.agents.clone(), self.domain.batch);
        let (items, note) = self
            .call(move |inbox| {
                let items = choose(&agents, batch, |agent, lane, from, limit| {
                    inbox.ready(agent, lane, from, limit)
                })?;
                let note = if items.is_empty() {
                    None
                } else {
                    inbox.note(govern::HOLDS_NOTE)?
                };
                Ok((items, note))
            })
            .await?;
        let mut holds = govern::standing(note.as_deref())
            .map_err(|text| Halt::Work(WorkError::Store(StoreError::Damaged(text))))?;
        holds.extend(self.domain.holds.iter().cloned());
        Ok((items, holds))
    }

    /// The postings of what is intended: like ones together, and alone what must not be sent with others again.
    fn request(&self, postings: Vec<Posting>, intended: &HashMap<MessageId, Item>) -> Vec<Posting> {
        let (alone, together): (Vec<_>, Vec<_>) = postings
            .into_iter()
            .filter(|posting| intended.contains_key(name(posting)))
            .partition(|posting| self.alone.contains(&intended[name(posting)].entry.ticket.slot));
        group(together, self.domain.group)
            .into_iter()
            .chain(alone)
            .collect()
    }

    /// Has the agents told what became of their messages.
    pub(super) fn ring(&self) {
        for agent in &self.domain.agents {
            // A full queue means that the link is told already.
            let _ = self.news.try_send(agent.clone());
        }
    }

    pub(super) async fn change(&self, requests: Vec<Request>) -> Result<Vec<Verdict>, Halt> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let now_ms = self.clock.moment().wall_ms;
        self.call(move |inbox| inbox.change(&requests, FLOW, now_ms))
            .await
    }

    pub(super) async fn call<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut I) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, Halt> {
        let answer = self.inbox.ask(job).await.map_err(WorkError::from)?;
        Ok(answer.map_err(WorkError::from)?)
    }
}

pub(super) fn name(posting: &Posting) -> &MessageId {
    &posting.stamps()[0].id
}

pub(super) fn named(item: &Item) -> Option<Stamp> {
    let kind: Kind = item.entry.kind.parse().ok()?;
    stamp(item, kind)
}

pub(super) fn by_name(items: Vec<Item>) -> HashMap<MessageId, Item> {
    items
        .into_iter()
        .filter_map(|item| Some((at_capture(&item)?.0, item)))
        .collect()
}
