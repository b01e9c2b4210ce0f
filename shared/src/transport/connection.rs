//! Keeps a session alive: connects, passes on, waits, connects again, until told to stop.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rumqttc::AsyncClient;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::session::Session;
use super::{Client, Fault, STABLE_AFTER, Settings, UNREAD_EVENTS};
use crate::topic::Topic;

/// What a connection reports, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A session is up and all filters are subscribed.
    Up,
    /// An attempt failed or a session ended. Publishes in flight resolve with an error of their own.
    Down {
        /// Why.
        fault: Fault,
        /// When the next attempt begins.
        retry_in: Duration,
    },
    /// The broker delivered a publish. This can come just before [`Up`](Self::Up).
    Arrived {
        /// Where it was published.
        topic: Topic,
        /// Its content, at most [`MAX_PACKET_BYTES`](super::MAX_PACKET_BYTES).
        payload: Bytes,
    },
    /// The broker delivered a publish on a topic that is none of ours.
    Stray {
        /// The topic as it came.
        topic: String,
        /// The size of its content.
        bytes: usize,
    },
}

impl Event {
    pub(super) fn arrived(topic: &[u8], payload: Bytes) -> Self {
        let topic = String::from_utf8_lossy(topic);
        match topic.parse() {
            Ok(topic) => Self::Arrived { topic, payload },
            Err(_) => Self::Stray {
                topic: topic.into_owned(),
                bytes: payload.len(),
            },
        }
    }
}

/// The receiving half of a connection.
#[derive(Debug)]
pub struct Events(mpsc::Receiver<Event>);

impl Events {
    /// The next event; `None` once the connection has stopped. May be dropped and called again without losing one.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}

/// The part that does the work once somebody runs it.
#[derive(Debug)]
pub struct Connection {
    settings: Settings,
    events: mpsc::Sender<Event>,
    live: watch::Sender<Option<AsyncClient>>,
    rebuild: watch::Receiver<String>,
}

/// A connection and its two handles. Nothing happens before [`Connection::run`].
pub fn open(settings: Settings) -> (Client, Events, Connection) {
    let (events, unread) = mpsc::channel(UNREAD_EVENTS);
    let (live, session) = watch::channel(None);
    let (request, rebuild) = watch::channel(String::new());
    let client = Client {
        live: session,
        rebuild: Arc::new(request),
    };
    (
        client,
        Events(unread),
        Connection {
            settings,
            events,
            live,
            rebuild,
        },
    )
}

/// How a session ended.
enum End {
    Stopped,
    Failed { fault: Fault, lasted: Duration },
}

impl Connection {
    /// Connects, and connects again whenever a session ends, until `stop` is cancelled or [`Events`] is dropped. At a
    /// stop it takes its leave of the broker, which is bounded by [`FAREWELL_TIMEOUT`](super::FAREWELL_TIMEOUT).
    pub async fn run(mut self, stop: CancellationToken) {
        let mut backoff = Backoff::default();
        while let End::Failed { fault, lasted } = self.attempt(&stop).await {
            if lasted >= STABLE_AFTER {
                backoff.reset();
            }
            let retry_in = backoff.next(rand::random());
            tracing::warn!(
                fault = fault.name(),
                retry_in_seconds = retry_in.as_secs_f32(),
                "link down: {fault}"
            );
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                told = self.events.send(Event::Down { fault, retry_in }) => if told.is_err() { return },
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = requested(&mut self.rebuild) => {}
                () = sleep(retry_in) => {}
            }
        }
    }

    /// One session from beginning to end.
    async fn attempt(&mut self, stop: &CancellationToken) -> End {
        self.rebuild.mark_unchanged();
        let opened = tokio::select! {
            biased;
            () = stop.cancelled() => return End::Stopped,
            opened = Session::open(&self.settings, &self.events) => opened,
        };
        let mut session = match opened {
            Ok(session) => session,
            Err(fault) => {
                return End::Failed {
                    fault,
                    lasted: Duration::ZERO,
                };
            }
        };

        tracing::info!(broker = %self.settings.endpoint, "link up");
        self.live.send_replace(Some(session.client()));
        let live = async {
            self.events.send(Event::Up).await.ok();
            session.pump(&self.events).await
        };
        let fault = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            reason = requested(&mut self.rebuild) => Some(Fault::Rebuilt { reason }),
            fault = live => Some(fault),
        };
        self.live.send_replace(None);
        match fault {
            Some(fault) => End::Failed {
                fault,
                lasted: session.age(),
            },
            None => {
                session.farewell(&self.settings).await;
                End::Stopped
            }
        }
    }
}

/// Waits for somebody to ask for a new connection.
async fn requested(rebuild: &mut watch::Receiver<String>) -> String {
    match rebuild.changed().await {
        Ok(()) => rebuild.borrow_and_update().clone(),
        // Nobody is left who could ask.
        Err(_) => std::future::pending().await,
    }
}
