//! Drives the receiving machines: between the transport and the inbox.
//!
//! Event → machine → commit → send: a machine's receipt leaves only after the inbox said that it is committed. One
//! machine a plant; what one of them waits for holds up no other. Nothing is decided here.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use millrace_shared::clock::Clock;
use millrace_shared::ident::AgentId;
use millrace_shared::link::receiver::{ClockEstimate, ReceiverNotice};
use millrace_shared::link::wire::Origin;
use millrace_shared::link::{Channel, Receiver, ReceiverAction, ReceiverConfig, ReceiverEvent, serve};
use millrace_shared::store::StoreError;
use millrace_shared::store::desk::{Desk, Gone};
use millrace_shared::store::inbox::Inbox;
use millrace_shared::topic::{self, Topic};
use millrace_shared::transport::{Bytes, Client, Event, Events};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// A plant's clock that is off by more is said aloud: NTP never leaves so much.
const OFF_MS: u64 = 60_000;

/// Why the link stopped. Fatal: the program must start again over the same inbox.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The inbox failed in a way that does not pass.
    #[error("the inbox: {0}")]
    Store(#[from] StoreError),
    /// The inbox's thread is gone.
    #[error("the inbox: {0}")]
    Gone(#[from] Gone),
}

/// The receiving half of the link, for all plants.
pub struct Link<I> {
    inbox: Desk<I>,
    client: Client,
    events: Events,
    clock: Clock,
    peers: HashMap<AgentId, Peer>,
    /// Told of each commit that may have made something ready.
    arrived: mpsc::Sender<AgentId>,
    commits: JoinSet<Result<(AgentId, Option<ReceiverEvent>), LinkError>>,
}

/// A plant's machine with what it asked of the inbox, one thing after the other.
struct Peer {
    machine: Receiver,
    asked: VecDeque<ReceiverAction>,
    committing: bool,
}

impl<I: Inbox + Send + 'static> Link<I> {
    /// A link for these plants. Whoever else claims a name by certificate is heard, logged and not answered.
    pub fn new(
        inbox: Desk<I>,
        origin: Origin,
        plants: &[AgentId],
        (client, events): (Client, Events),
        clock: Clock,
        arrived: mpsc::Sender<AgentId>,
    ) -> Self {
        let peer = |agent: &AgentId| {
            let config = ReceiverConfig {
                agent: agent.clone(),
                origin,
            };
            let machine = Receiver::new(config, clock.moment());
            (
                agent.clone(),
                Peer {
                    machine,
                    asked: VecDeque::new(),
                    committing: false,
                },
            )
        };
        let peers = plants.iter().map(peer).collect();
        Self {
            inbox,
            client,
            events,
            clock,
            peers,
            arrived,
            commits: JoinSet::new(),
        }
    }

    /// Takes and answers until told to stop, or until the inbox fails for good. `news` names agents about whose
    /// messages the flow has something to tell.
    pub async fn run(
        mut self,
        mut news: mpsc::Receiver<AgentId>,
        stop: CancellationToken,
    ) -> Result<(), LinkError> {
        loop {
            let wait = self.wait();
            let agents = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                Some(done) = self.commits.join_next() => self.on_commit(done)?,
                event = self.events.next() => match event {
                    Some(event) => self.on_event(event),
                    None => return Ok(()),
                },
                Some(agent) = news.recv() => self.tell(agent, ReceiverEvent::NewsWaiting),
                () = sleep(wait) => self.on_time(),
            };
            for agent in agents {
                self.act(&agent).await?;
            }
        }
    }

    fn on_event(&mut self, event: Event) -> Vec<AgentId> {
        match event {
            Event::Arrived {
                topic: Topic { agent, channel },
                payload,
            } => match channel {
                topic::Channel::Up(lane) => self.tell(agent, ReceiverEvent::Frame(lane, payload.into())),
                topic::Channel::Hello => self.tell(agent, ReceiverEvent::Control(payload.into())),
                _ => Vec::new(),
            },
            Event::Stray { topic, bytes } => {
                tracing::warn!(topic, bytes, "a publish on a topic that is none of ours");
                Vec::new()
            }
            Event::Up | Event::Down { .. } => Vec::new(),
        }
    }

    fn on_time(&mut self) -> Vec<AgentId> {
        let now = self.clock.moment();
        let due = |peer: &Peer| {
            peer.machine
                .poll_timeout()
                .is_some_and(|at| at <= now.monotonic_ms)
        };
        let mut agents = Vec::new();
        for (agent, peer) in self.peers.iter_mut().filter(|(_, peer)| due(peer)) {
            peer.machine.handle_timeout(now);
            agents.push(agent.clone());
        }
        agents
    }

    fn on_commit(
        &mut self,
        done: Result<Result<(AgentId, Option<ReceiverEvent>), LinkError>, tokio::task::JoinError>,
    ) -> Result<Vec<AgentId>, LinkError> {
        // A task that was cancelled or panicked left its thread in an unknown state.
        let (agent, event) = done.map_err(|_| Gone)??;
        if let Some(peer) = self.peers.get_mut(&agent) {
            peer.committing = false;
        }
        Ok(match event {
            Some(event) => {
                // What arrives may settle what was here: an undo annuls, moved rows supersede.
                let arrived = matches!(event, ReceiverEvent::Taken(..));
                let agents = self.tell(agent.clone(), event);
                if arrived {
                    self.tell(agent, ReceiverEvent::NewsWaiting);
                }
                agents
            }
            None => vec![agent],
        })
    }

    fn tell(&mut self, agent: AgentId, event: ReceiverEvent) -> Vec<AgentId> {
        match self.peers.get_mut(&agent) {
            Some(peer) => {
                peer.machine.handle_event(event, self.clock.moment());
                vec![agent]
            }
            None => {
                tracing::warn!(%agent, "an agent speaks that has no [[plant]] section; it is not answered");
                Vec::new()
            }
        }
    }

    fn wait(&self) -> Duration {
        let now_ms = self.clock.moment().monotonic_ms;
        let next = self
            .peers
            .values()
            .filter_map(|peer| peer.machine.poll_timeout())
            .min();
        Duration::from_millis(next.map_or(1000, |at| at.saturating_sub(now_ms)))
    }

    /// Takes all actions of the plant's machine, and starts the next thing that it asked of the inbox.
    async fn act(&mut self, agent: &AgentId) -> Result<(), LinkError> {
        while let Some(action) = self
            .peers
            .get_mut(agent)
            .and_then(|peer| peer.machine.poll_action())
        {
            match action {
                ReceiverAction::Publish(channel, payload) => self.publish(agent, channel, payload),
                ReceiverAction::Clock(estimate) => note_clock(agent, estimate),
                ReceiverAction::Notice(ReceiverNotice::Outranked(term)) => self.raise(agent, term).await?,
                ReceiverAction::Notice(notice) => tracing::warn!(%agent, "{notice}"),
                ask => {
                    if let Some(peer) = self.peers.get_mut(agent) {
                        peer.asked.push_back(ask);
                    }
                }
            }
        }
        self.commit(agent);
        Ok(())
    }

    fn commit(&mut self, agent: &AgentId) {
        let Some(peer) = self.peers.get_mut(agent) else {
            return;
        };
        if peer.committing {
            return;
        }
        let Some(action) = peer.asked.pop_front() else {
            return;
        };
        peer.committing = true;
        let (inbox, now) = (self.inbox.clone(), self.clock.moment());
        let (agent, arrived) = (agent.clone(), self.arrived.clone());
        self.commits.spawn(async move {
            let of = agent.clone();
            let event = inbox
                .ask(move |inbox| serve::inbox(inbox, &of, &action, now))
                .await??;
            if matches!(event, Some(ReceiverEvent::Taken(..))) {
                // A full queue means that the flow is told already.
                let _ = arrived.try_send(agent.clone());
            }
            Ok((agent, event))
        });
    }

    fn publish(&mut self, agent: &AgentId, channel: Channel, payload: Vec<u8>) {
        let channel = match channel {
            Channel::Receipt => topic::Channel::Receipt,
            Channel::Frames(lane) => topic::Channel::Down(lane),
            Channel::Control => topic::Channel::Hello,
        };
        if let Err(error) = self
            .client
            .offer(&Topic::new(agent.clone(), channel), Bytes::from(payload))
        {
            tracing::debug!(%agent, %error, "a receipt does not leave; it is said again");
        }
    }

    /// An agent has heard a higher term than ours, as after this store was lost: this relay holds the fence, so it
    /// speaks under a higher one from now on.
    async fn raise(&mut self, agent: &AgentId, heard: u64) -> Result<(), LinkError> {
        let opening = self.inbox.ask(move |inbox| inbox.raise_term(heard + 1)).await??;
        tracing::warn!(%agent, term = opening.term, "an agent knows a higher term; the term is raised");
        let now = self.clock.moment();
        for peer in self.peers.values_mut() {
            peer.machine.handle_event(ReceiverEvent::Term(opening.term), now);
        }
        Ok(())
    }
}

/// Captured times are corrected by what is known of a plant's clock; whoever reads them at the plant is not helped by it.
fn note_clock(agent: &AgentId, estimate: ClockEstimate) {
    let offset_ms = estimate.clock.offset_ms;
    if offset_ms.unsigned_abs() > OFF_MS {
        tracing::warn!(%agent, offset_ms, "the plant's clock is wrong: set it, and keep it right by NTP");
    } else {
        tracing::debug!(%agent, ?estimate, "the plant's clock");
    }
}
