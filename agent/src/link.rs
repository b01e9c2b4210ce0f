//! Drives the sending machine: between the spool and the transport.
//!
//! Event → machine → commit → send: what the relay tells is committed before the machine goes on from it. Nothing is
//! decided here, and nothing is kept.

use std::collections::VecDeque;
use std::time::Duration;

use millrace_shared::clock::Clock;
use millrace_shared::ident::{AgentId, Epoch, Lane};
use millrace_shared::link::{Channel, Sender, SenderAction, SenderConfig, SenderEvent, SenderNotice, serve};
use millrace_shared::store::StoreError;
use millrace_shared::store::sqlite::spool::SqliteSpool;
use millrace_shared::store::writer::Writer;
use millrace_shared::topic::{self, Topic};
use millrace_shared::transport::{Bytes, Client, Event, Events};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::health::LinkState;

/// Why the link stopped. Fatal: the program must start again over the same spool.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The spool failed in a way that does not pass.
    #[error("the spool: {0}")]
    Store(#[from] StoreError),
    /// What was asked of the spool broke down.
    #[error("the spool's answer is lost: {0}")]
    Lost(#[from] JoinError),
}

type Answer = Result<Option<SenderEvent>, LinkError>;

/// The sending half of the link.
pub struct Link {
    agent: AgentId,
    spool: Writer<SqliteSpool>,
    client: Client,
    events: Events,
    clock: Clock,
    machine: Sender,
    asked: VecDeque<SenderAction>,
    /// At most one: what the machine asks of its spool is done one after the other.
    working: JoinSet<Answer>,
    state: watch::Sender<LinkState>,
}

impl Link {
    /// A link that knows nothing yet; the spool does. `session` is random. How it stands is told in `state`.
    pub fn new(
        agent: AgentId,
        session: u64,
        spool: Writer<SqliteSpool>,
        (client, events): (Client, Events),
        clock: Clock,
        state: watch::Sender<LinkState>,
    ) -> Self {
        let machine = Sender::new(
            SenderConfig {
                agent: agent.clone(),
                session,
            },
            clock.moment(),
        );
        Self {
            agent,
            spool,
            client,
            events,
            clock,
            machine,
            asked: VecDeque::new(),
            working: JoinSet::new(),
            state,
        }
    }

    /// Sends and learns until told to stop, or until the spool fails for good. `committed` changes with each commit of
    /// new messages.
    pub async fn run(
        mut self,
        mut committed: watch::Receiver<()>,
        stop: CancellationToken,
    ) -> Result<(), LinkError> {
        self.asked.push_back(SenderAction::Heads);
        loop {
            self.act();
            let wait = self.wait();
            let event = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                Some(done) = self.working.join_next() => done??,
                event = self.events.next() => match event {
                    Some(event) => self.arrived(event),
                    None => return Ok(()),
                },
                Ok(()) = committed.changed() => {
                    if !self.asked.contains(&SenderAction::Heads) {
                        self.asked.push_back(SenderAction::Heads);
                    }
                    None
                }
                () = sleep(wait) => {
                    self.machine.handle_timeout(self.clock.moment());
                    None
                }
            };
            if let Some(event) = event {
                self.machine.handle_event(event, self.clock.moment());
            }
            self.tell();
        }
    }

    /// What people see of the link.
    fn tell(&self) {
        let in_flight = Lane::ALL.map(|lane| self.machine.in_flight(lane));
        let relay_ahead_ms = self.machine.peer_ahead_ms();
        self.state.send_modify(|state| {
            (state.in_flight, state.relay_ahead_ms) = (in_flight, relay_ahead_ms);
        });
    }

    fn arrived(&self, event: Event) -> Option<SenderEvent> {
        let now = self.clock.moment();
        match event {
            Event::Up => {
                self.state.send_modify(|state| state.connected(now));
                Some(SenderEvent::Connected)
            }
            Event::Down { fault, .. } => {
                let fault = (fault.name().to_owned(), fault.to_string());
                self.state.send_modify(|state| state.failed(fault, now));
                Some(SenderEvent::Disconnected)
            }
            Event::Arrived {
                topic:
                    Topic {
                        channel: topic::Channel::Receipt,
                        ..
                    },
                payload,
            } => {
                self.state.send_modify(|state| state.heard = Some(now));
                Some(SenderEvent::Receipt(payload.into()))
            }
            Event::Arrived { .. } => None,
            Event::Stray { topic, bytes } => {
                tracing::warn!(topic, bytes, "a publish on a topic that is none of ours");
                None
            }
        }
    }

    fn wait(&self) -> Duration {
        let now_ms = self.clock.moment().monotonic_ms;
        let next = self.machine.poll_timeout();
        Duration::from_millis(next.map_or(1000, |at| at.saturating_sub(now_ms)))
    }

    /// Takes all actions of the machine, and starts the next thing that it asked of the spool.
    fn act(&mut self) {
        while let Some(action) = self.machine.poll_action() {
            match action {
                SenderAction::Publish(channel, payload) => self.publish(channel, payload),
                SenderAction::Reconnect(reason) => self.client.rebuild(reason),
                SenderAction::Notice(notice @ SenderNotice::Opening(_)) => tracing::info!("{notice}"),
                SenderAction::Notice(notice) => tracing::warn!("{notice}"),
                ask => self.asked.push_back(ask),
            }
        }
        if self.working.is_empty()
            && let Some(action) = self.asked.pop_front()
        {
            let spool = self.spool.clone();
            let fresh = || Epoch(rand::random());
            self.working.spawn(async move {
                Ok(spool
                    .ask(move |spool, now| serve::spool(spool, &action, fresh, now))
                    .await??)
            });
        }
    }

    fn publish(&self, channel: Channel, payload: Vec<u8>) {
        let channel = match channel {
            Channel::Frames(lane) => topic::Channel::Up(lane),
            Channel::Control => topic::Channel::Hello,
            Channel::Receipt => topic::Channel::Receipt,
        };
        if let Err(error) = self
            .client
            .offer(&Topic::new(self.agent.clone(), channel), Bytes::from(payload))
        {
            tracing::debug!(%error, "a frame does not leave; it is sent again");
        }
    }
}
