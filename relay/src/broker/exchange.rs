//! Who is there, who hears what, and what is retained. It hands publishes from one session to the others and holds
//! nothing back for anyone who is not there.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use millrace_shared::topic::{Channel, Topic};
use tokio::sync::{mpsc, oneshot};

use super::rules::{self, Party};

/// Publishes that may wait for one session. When they are all taken, whoever publishes to the relay waits, so that a
/// busy relay holds the agents back; an agent that does not keep up loses its session, so that it cannot hold the
/// relay back.
const QUEUE: usize = 32;
/// Sessions that one party may have at once: the service and a few commands beside it.
const SESSIONS_PER_PARTY: usize = 8;
/// Filters that one session may have.
const FILTERS_PER_SESSION: usize = 16;
/// Agents whose status is retained.
const RETAINED: usize = 4096;
/// The longest status that is retained.
const RETAINED_BYTES: usize = 4096;

/// What travels from session to session.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub topic: Topic,
    pub payload: Bytes,
    pub assured: bool,
    pub retained: bool,
}

/// A session's place. Given up when dropped.
pub(super) struct Seat<'e> {
    exchange: &'e Exchange,
    name: Name,
    number: u64,
    queue: mpsc::Sender<Message>,
}

/// What comes to a session: publishes, and at most once the reason why it has to go.
pub(super) struct Coming {
    pub waiting: mpsc::Receiver<Message>,
    pub evicted: oneshot::Receiver<Eviction>,
}

/// Why a session has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Eviction {
    #[error("another client connected with the same certificate and client id")]
    Replaced,
    #[error("it does not take what is sent to it")]
    Slow,
}

impl Message {
    fn retained(topic: Topic, payload: Bytes) -> Self {
        Self {
            topic,
            payload,
            assured: true,
            retained: true,
        }
    }
}

type Name = (Party, String);

#[derive(Default)]
pub(super) struct Exchange(Mutex<State>);

#[derive(Default)]
struct State {
    sessions: HashMap<Name, Session>,
    retained: HashMap<Topic, Bytes>,
    entered: u64,
}

struct Session {
    number: u64,
    subscriptions: Vec<Subscription>,
    queue: mpsc::Sender<Message>,
    evict: Option<oneshot::Sender<Eviction>>,
}

struct Subscription {
    filter: String,
    assured: bool,
}

impl Session {
    /// What of a message this session hears: nothing, or the message at the best quality that it subscribed to.
    fn hears(&self, message: &Message, topic: &str) -> Option<Message> {
        let heard = self
            .subscriptions
            .iter()
            .filter(|subscription| rules::matches(&subscription.filter, topic));
        let assured = heard
            .map(|subscription| subscription.assured)
            .reduce(|a, b| a || b)?;
        Some(Message {
            assured: message.assured && assured,
            ..message.clone()
        })
    }

    fn evict(&mut self, reason: Eviction) {
        if let Some(evict) = self.evict.take() {
            evict.send(reason).ok();
        }
    }
}

impl Exchange {
    /// Takes a place. Who had it under the same name has to go (MQTT 3.1.1, 3.1.4-2). `None` if the party has too many.
    pub(super) fn enter(&self, party: &Party, client_id: &str) -> Option<(Seat<'_>, Coming)> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (evict, evicted) = oneshot::channel();
        let mut state = self.state();
        state.entered += 1;
        let number = state.entered;
        // A client that leaves its name to us gets one that nobody else has (MQTT 3.1.1, 3.1.3-6).
        let client_id = if client_id.is_empty() {
            format!("#{number}")
        } else {
            client_id.to_owned()
        };
        let name = (party.clone(), client_id);
        let present = state.sessions.keys().filter(|(other, _)| other == party).count();
        match state.sessions.get_mut(&name) {
            Some(former) => former.evict(Eviction::Replaced),
            None if present >= SESSIONS_PER_PARTY => return None,
            None => {}
        }
        let session = Session {
            number,
            subscriptions: Vec::new(),
            queue: queue.clone(),
            evict: Some(evict),
        };
        state.sessions.insert(name.clone(), session);
        Some((
            Seat {
                exchange: self,
                name,
                number,
                queue,
            },
            Coming { waiting, evicted },
        ))
    }

    /// Hands a publish to everyone who hears it, and keeps it if it is to be retained.
    pub(super) async fn publish(&self, message: Message) {
        if message.retained {
            self.retain(&message);
        }
        let message = Message {
            retained: false,
            ..message
        };
        for (queue, message) in self.offer(&message) {
            // It fails only if that session has just ended.
            queue.send(message).await.ok();
        }
    }

    /// Gives the message to all agents that hear it, and returns the relay's queues, whose room has to be waited for.
    fn offer(&self, message: &Message) -> Vec<(mpsc::Sender<Message>, Message)> {
        let topic = message.topic.to_string();
        let mut patient = Vec::new();
        for ((party, _), session) in &mut self.state().sessions {
            let Some(message) = session.hears(message, &topic) else {
                continue;
            };
            match party {
                Party::Relay => patient.push((session.queue.clone(), message)),
                Party::Agent(_) => {
                    if let Err(mpsc::error::TrySendError::Full(_)) = session.queue.try_send(message) {
                        session.evict(Eviction::Slow);
                    }
                }
            }
        }
        patient
    }

    fn retain(&self, message: &Message) {
        let retained = &mut self.state().retained;
        if message.payload.is_empty() {
            retained.remove(&message.topic);
        } else if message.topic.channel != Channel::Status || message.payload.len() > RETAINED_BYTES {
            tracing::warn!(topic = %message.topic, "not retained: only a short status is");
        } else if retained.len() >= RETAINED && !retained.contains_key(&message.topic) {
            tracing::warn!(topic = %message.topic, "not retained: {RETAINED} others are already");
        } else {
            retained.insert(message.topic.clone(), message.payload.clone());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here can panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat<'_> {
    /// Hears one more filter. `false` if that is one too many.
    pub(super) fn subscribe(&self, filter: &str, assured: bool) -> bool {
        self.change(|subscriptions| {
            subscriptions.retain(|known| known.filter != filter);
            let room = subscriptions.len() < FILTERS_PER_SESSION;
            if room {
                subscriptions.push(Subscription {
                    filter: filter.to_owned(),
                    assured,
                });
            }
            room
        })
    }

    /// Hears a filter no longer.
    pub(super) fn unsubscribe(&self, filter: &str) {
        self.change(|subscriptions| {
            subscriptions.retain(|known| known.filter != filter);
            true
        });
    }

    /// Changes what this session hears, unless its place has been taken.
    fn change(&self, change: impl FnOnce(&mut Vec<Subscription>) -> bool) -> bool {
        let mut state = self.exchange.state();
        let own = state
            .sessions
            .get_mut(&self.name)
            .filter(|session| session.number == self.number);
        own.is_some_and(|session| change(&mut session.subscriptions))
    }

    /// Hands out what is retained under a filter.
    pub(super) async fn recall(&self, filter: &str) {
        let retained: Vec<Message> = {
            let state = self.exchange.state();
            let heard = state
                .retained
                .iter()
                .filter(|(topic, _)| rules::matches(filter, &topic.to_string()));
            heard
                .map(|(topic, payload)| Message::retained(topic.clone(), payload.clone()))
                .collect()
        };
        for message in retained {
            self.queue.send(message).await.ok();
        }
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut state = self.exchange.state();
        if state
            .sessions
            .get(&self.name)
            .is_some_and(|session| session.number == self.number)
        {
            state.sessions.remove(&self.name);
        }
    }
}
