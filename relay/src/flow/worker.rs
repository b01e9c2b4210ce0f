//! Works off one domain: asks first, chooses, plans, commits the intent, sends, commits what became of it.
//!
//! One request is under way per domain, so messages that touch the same things in Odoo take effect in the order of
//! capture, and no domain can take more of Odoo than its turn. The thinking is done in `choose`, `prepare`, `conclude`,
//! `breaker`, `govern` and `post`; here is only the order of things.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use millrace_shared::clock::Clock;
use millrace_shared::ident::{AgentId, MessageId};
use millrace_shared::message::Kind;
use millrace_shared::outcome::Reason;
use millrace_shared::store::StoreError;
use millrace_shared::store::desk::{Desk, Gone};
use millrace_shared::store::inbox::{Change, InboxView, Item, PAGE, Request, Slot, State, Verdict, Worklist};
use tokio::sync::{Semaphore, mpsc};

use super::breaker::Breaker;
use super::choose::choose;
use super::conclude::{Conclusion, conclude};
use super::prepare::{prepare, stamp};
use crate::govern::StandingHold;
use crate::post::{PolicyTable, Posting, Stamp, group, timely};
use crate::target::{Answer, Class, Fault, Reply, Target, Tenure};

/// Who makes the changes, in the audit.
const FLOW: &str = "flow";

/// How long a domain that was stopped waits before it looks whether a person has acted.
const STOPPED: Duration = Duration::from_secs(30);

/// What a domain is.
#[derive(Debug, Clone)]
pub struct Domain {
    /// Its name in the target.
    pub name: String,
    /// The agents whose messages take effect in it.
    pub agents: Vec<AgentId>,
    /// The target's company.
    pub company: i64,
    /// The plant's decisions.
    pub policies: Arc<PolicyTable>,
    /// Holds that catch what is ready.
    pub holds: Vec<StandingHold>,
    /// Most messages in one request.
    pub batch: usize,
    /// Most messages in one posting.
    pub group: usize,
}

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

/// Why a worker ends. Fatal: the program must start again over the same inbox.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The inbox failed in a way that does not pass.
    #[error("the inbox: {0}")]
    Store(#[from] StoreError),
    /// The inbox's thread is gone.
    #[error("the inbox: {0}")]
    Gone(#[from] Gone),
}

/// Why a round ends early.
#[derive(Debug, thiserror::Error)]
enum Halt {
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("{0}")]
    Stop(String),
    #[error(transparent)]
    Work(#[from] WorkError),
}

/// The worker of one domain.
pub struct Worker<I, T> {
    domain: Domain,
    inbox: Desk<I>,
    target: T,
    clock: Clock,
    /// Fewer permits than the target has workers; first come, first served, so domains take turns.
    callers: Arc<Semaphore>,
    /// Told whose messages changed.
    news: mpsc::Sender<AgentId>,
    tenure: Option<Tenure>,
    breaker: Breaker,
    /// Whether there may be intents whose outcome is not known.
    unsure: bool,
    /// What must not be sent in a group again.
    alone: HashSet<Slot>,
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
            tenure: None,
            breaker,
            unsure: true,
            alone,
        }
    }

    /// The domain's name.
    pub fn name(&self) -> &str {
        &self.domain.name
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
                (self.tenure, self.unsure) = (None, true);
                Ok(Turn::Pause(STOPPED, text))
            }
            Err(Halt::Fault(fault)) => {
                self.unsure |= fault.ambiguous;
                let now_ms = self.clock.moment().monotonic_ms;
                self.breaker.failure(now_ms, chance);
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
        let voided = self.void(&tenure).await?;
        let items = self.choose().await?;
        if items.is_empty() {
            return Ok(if voided { Turn::Worked } else { Turn::Idle });
        }
        let prepared = prepare(&self.domain, &self.target, &items).await?;
        self.change(prepared.changes).await?;
        let postings = timely(prepared.postings, self.domain.group);
        let intended = self.intend(items, &postings).await?;
        let postings = postings
            .into_iter()
            .filter(|posting| intended.contains_key(name(posting)));
        let (alone, together): (Vec<_>, Vec<_>) =
            postings.partition(|posting| self.alone.contains(&intended[name(posting)].entry.ticket.slot));
        let request: Vec<_> = group(together, self.domain.group)
            .into_iter()
            .chain(alone)
            .collect();
        if !request.is_empty() {
            self.send(&tenure, &request, intended).await?;
        }
        Ok(Turn::Worked)
    }

    /// The right to post, taken anew after a start or a stop.
    async fn take(&mut self) -> Result<Tenure, Halt> {
        if let Some(tenure) = &self.tenure {
            return Ok(tenure.clone());
        }
        let tenure = self.target.take(0).await?;
        tracing::info!(domain = self.domain.name, fence = tenure.fence, "domain taken");
        self.tenure = Some(tenure.clone());
        Ok(tenure)
    }

    /// Asks what became of every message whose intent is committed and whose outcome is not known.
    async fn ask_first(&mut self) -> Result<(), Halt> {
        let mut after = None;
        loop {
            let items = self.call(move |inbox| inbox.sent(after, PAGE)).await?;
            let Some(last) = items.last() else { return Ok(()) };
            after = Some(last.entry.ticket.slot);
            let ours = |item: &Item| self.domain.agents.contains(&item.entry.agent);
            let sent = |item: &Item| ours(item) && item.entry.state == State::Sent;
            let sent: Vec<Item> = items.into_iter().filter(sent).collect();
            let stamps: Vec<Stamp> = sent.iter().filter_map(named).collect();
            if !stamps.is_empty() {
                let (_, answers) = self.target.ask(&stamps).await?;
                self.settle(answers, by_name(sent)).await?;
            }
        }
    }

    /// Declares in the target what a person discarded. If the target says done, done wins.
    async fn void(&mut self, tenure: &Tenure) -> Result<bool, Halt> {
        let mut ours = self.call(|inbox| inbox.sent(None, PAGE)).await?;
        ours.retain(|item| self.domain.agents.contains(&item.entry.agent));
        let mut any = false;
        for item in ours {
            let State::Voiding { by, reason } = item.entry.state.clone() else {
                continue;
            };
            let Some(stamp) = named(&item) else { continue };
            let reply = self.target.void(tenure, &[stamp], &reason, &by).await?;
            let answers = self.admitted(reply)?;
            self.settle(answers, by_name(vec![item])).await?;
            any = true;
        }
        Ok(any)
    }

    async fn choose(&self) -> Result<Vec<Item>, Halt> {
        let (agents, batch) = (self.domain.agents.clone(), self.domain.batch);
        self.call(move |inbox| {
            choose(&agents, batch, |agent, lane, from, limit| {
                inbox.ready(agent, lane, from, limit)
            })
        })
        .await
    }

    /// Commits the intent to send these postings. What another changed meanwhile is left out.
    async fn intend(&self, items: Vec<Item>, postings: &[Posting]) -> Result<HashMap<MessageId, Item>, Halt> {
        let mut items = by_name(items);
        items.retain(|id, _| postings.iter().any(|posting| name(posting) == id));
        let mut items: Vec<Item> = items.into_values().collect();
        let send = |item: &Item| Request {
            ticket: item.entry.ticket,
            change: Change::Send,
        };
        let verdicts = self.change(items.iter().map(send).collect()).await?;
        let mut intended = Vec::new();
        for (mut item, verdict) in items.drain(..).zip(verdicts) {
            if let Verdict::Done(ticket, state) = verdict {
                (item.entry.ticket, item.entry.state) = (ticket, state);
                intended.push(item);
            }
        }
        Ok(by_name(intended))
    }

    async fn send(
        &mut self,
        tenure: &Tenure,
        request: &[Posting],
        intended: HashMap<MessageId, Item>,
    ) -> Result<(), Halt> {
        let reply = match self.target.apply(tenure, request).await {
            Ok(reply) => reply,
            Err(fault) => return self.unsent(fault, request, intended).await,
        };
        let answers = match self.admitted(reply) {
            Ok(answers) => answers,
            Err(halt) => {
                self.give_back(intended, Change::Return).await?;
                return Err(halt);
            }
        };
        self.settle(answers, intended).await
    }

    /// The request as a whole failed.
    async fn unsent(
        &mut self,
        fault: Fault,
        request: &[Posting],
        intended: HashMap<MessageId, Item>,
    ) -> Result<(), Halt> {
        if fault.ambiguous {
            return Err(fault.into());
        }
        match fault.class {
            Class::Transient => self.give_back(intended, Change::Return).await?,
            Class::Configuration => {
                self.give_back(intended, Change::Return).await?;
                return Err(Halt::Stop(fault.to_string()));
            }
            // One of them is at fault: each is sent alone, and the one that fails alone is it.
            Class::Business | Class::Malformed if request.len() > 1 || intended.len() > 1 => {
                self.alone
                    .extend(intended.values().map(|item| item.entry.ticket.slot));
                self.give_back(intended, Change::Return).await?;
                return Ok(());
            }
            Class::Business | Class::Malformed => {
                let reason = Reason::new("malformed-posting", fault.to_string());
                self.give_back(intended, Change::Dead(reason)).await?;
                return Ok(());
            }
        }
        Err(fault.into())
    }

    async fn give_back(&self, items: HashMap<MessageId, Item>, change: Change) -> Result<(), Halt> {
        let back = |item: Item| Request {
            ticket: item.entry.ticket,
            change: change.clone(),
        };
        self.change(items.into_values().map(back).collect())
            .await
            .map(drop)
    }

    /// The answers of a reply; a reply that refuses this relay as such stops the domain.
    fn admitted(&mut self, reply: Reply) -> Result<Vec<Answer>, Halt> {
        match reply {
            Reply::Answers(head, answers) => {
                if let Some(tenure) = &mut self.tenure {
                    tenure.seen = Some(head);
                }
                Ok(answers)
            }
            Reply::Stale(_) => Err(Halt::Stop(format!(
                "another relay has taken domain `{}`: stop one of the two",
                self.domain.name
            ))),
            Reply::Restored(head) => Err(Halt::Stop(format!(
                "Odoo was restored: domain `{}` has {} outcomes in database {}. Nothing is posted until a person has \
                 decided",
                self.domain.name, head.count, head.database
            ))),
        }
    }

    /// Commits what follows from the answers.
    async fn settle(
        &mut self,
        answers: Vec<Answer>,
        mut items: HashMap<MessageId, Item>,
    ) -> Result<(), Halt> {
        let mut stop = None;
        let mut steps: Vec<(Item, std::vec::IntoIter<Change>)> = Vec::new();
        for answer in &answers {
            let Some(item) = items.remove(&answer.id) else {
                continue;
            };
            let Conclusion {
                changes,
                alone,
                stop: why,
            } = conclude(&item.entry, answer);
            let slot = item.entry.ticket.slot;
            if alone {
                self.alone.insert(slot)
            } else {
                self.alone.remove(&slot)
            };
            stop = stop.or(why);
            steps.push((item, changes.into_iter()));
        }
        // A message that takes two changes takes them one after the other; almost all take one.
        while !steps.is_empty() {
            let mut round = Vec::new();
            for (item, mut changes) in steps.drain(..) {
                if let Some(change) = changes.next() {
                    round.push((
                        Request {
                            ticket: item.entry.ticket,
                            change,
                        },
                        item,
                        changes,
                    ));
                }
            }
            let requests = round.iter().map(|(request, ..)| request.clone()).collect();
            let verdicts = self.change(requests).await?;
            for ((_, mut item, changes), verdict) in round.into_iter().zip(verdicts) {
                if let Verdict::Done(ticket, _) = verdict {
                    item.entry.ticket = ticket;
                    steps.push((item, changes));
                }
            }
        }
        for agent in &self.domain.agents {
            // A full queue means that the link is told already.
            let _ = self.news.try_send(agent.clone());
        }
        stop.map_or(Ok(()), |text| Err(Halt::Stop(text)))
    }

    async fn change(&self, requests: Vec<Request>) -> Result<Vec<Verdict>, Halt> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let now_ms = self.clock.moment().wall_ms;
        self.call(move |inbox| inbox.change(&requests, FLOW, now_ms))
            .await
    }

    async fn call<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut I) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, Halt> {
        let answer = self.inbox.ask(job).await.map_err(WorkError::from)?;
        Ok(answer.map_err(WorkError::from)?)
    }
}

fn name(posting: &Posting) -> &MessageId {
    &posting.stamps()[0].id
}

fn named(item: &Item) -> Option<Stamp> {
    let kind: Kind = item.entry.kind.parse().ok()?;
    stamp(item, kind)
}

fn by_name(items: Vec<Item>) -> HashMap<MessageId, Item> {
    items
        .into_iter()
        .filter_map(|item| Some((item.entry.id.clone()?, item)))
        .collect()
}
