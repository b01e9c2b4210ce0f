//! The sending half of a connection. Cheap to clone; every publish has an end.

use std::sync::Arc;

use bytes::Bytes;
use rumqttc::{AsyncClient, ClientError, PublishOptions};
use tokio::sync::watch;
use tokio::time::sleep;

use super::{MAX_PAYLOAD_BYTES, PUBLISH_TIMEOUT, QUEUED_PUBLISHES};
use crate::topic::Topic;

/// Publishes on whatever session is up.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) live: watch::Receiver<Option<AsyncClient>>,
    pub(super) rebuild: Arc<watch::Sender<String>>,
}

/// Why a publish was not acknowledged by the broker. In every case but [`TooLarge`](Self::TooLarge) the same bytes may
/// be published again, and may also have arrived.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// Refused before anything left. Permanent: the same bytes will never pass.
    #[error("{bytes} bytes are more than one publish may carry ({MAX_PAYLOAD_BYTES})")]
    TooLarge {
        /// The size of the payload.
        bytes: usize,
    },
    /// There is no session. Transient.
    #[error("there is no connection to the broker")]
    NotConnected,
    /// The session ended before the acknowledgement. Transient.
    #[error("the connection broke before the broker acknowledged")]
    SessionLost,
    /// All places for publishes that wait to be written are taken. Transient.
    #[error("{QUEUED_PUBLISHES} publishes wait to be written already")]
    QueueFull,
    /// The broker is there but does not answer. Transient.
    #[error("the broker did not acknowledge within {} s", PUBLISH_TIMEOUT.as_secs())]
    Unanswered,
}

impl Client {
    /// Publishes at QoS 1. Resolves when the broker acknowledges, which says only that the broker has it, or with the
    /// reason why that will not happen. Nothing is kept for a later session.
    ///
    /// Publishes leave in the order in which their futures are first polled. The future owns what it needs; whoever
    /// reads [`Events`](super::Events) must not wait for it in between, or the two wait for each other until
    /// [`PUBLISH_TIMEOUT`].
    pub fn publish(
        &self,
        topic: &Topic,
        payload: Bytes,
    ) -> impl Future<Output = Result<(), Undelivered>> + Send + use<> {
        let (topic, mut live) = (topic.to_string(), self.live.clone());
        async move {
            if payload.len() > MAX_PAYLOAD_BYTES {
                return Err(Undelivered::TooLarge { bytes: payload.len() });
            }
            let session = live
                .borrow_and_update()
                .clone()
                .ok_or(Undelivered::NotConnected)?;
            let acknowledged = async {
                let queued = session
                    .publish_tracked(topic, payload, PublishOptions::at_least_once())
                    .await;
                let notice = queued.map_err(|_| Undelivered::SessionLost)?;
                notice
                    .wait_completion_async()
                    .await
                    .map_err(|_| Undelivered::SessionLost)
            };
            tokio::select! {
                biased;
                outcome = acknowledged => outcome,
                _ = live.changed() => Err(Undelivered::SessionLost),
                () = sleep(PUBLISH_TIMEOUT) => Err(Undelivered::Unanswered),
            }
        }
    }

    /// Publishes at QoS 1 without waiting for anything, for whoever says again what gets no answer. An error says that it
    /// will not leave; success says no more than that the session has it.
    pub fn offer(&self, topic: &Topic, payload: Bytes) -> Result<(), Undelivered> {
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(Undelivered::TooLarge { bytes: payload.len() });
        }
        let session = self.live.borrow().clone().ok_or(Undelivered::NotConnected)?;
        let offered = session.try_publish(topic.to_string(), payload, PublishOptions::at_least_once());
        offered.map_err(|error| match error {
            ClientError::RequestChannelFull(_) => Undelivered::QueueFull,
            _ => Undelivered::SessionLost,
        })
    }

    /// Whether a session is up at this moment.
    pub fn is_connected(&self) -> bool {
        self.live.borrow().is_some()
    }

    /// Gives up the present session, or the present wait for the next attempt, and connects anew. For whoever sees
    /// that a line which looks alive makes no progress; `reason` is shown to people.
    pub fn rebuild(&self, reason: &str) {
        self.rebuild.send_replace(reason.to_owned());
    }
}
