//! The speaking half of a session: what is written when, how many publishes a client may leave unacknowledged, and under
//! which packet identifiers.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Packet, Publish};
use tokio::io::AsyncWrite;
use tokio::sync::{Semaphore, mpsc};

use super::exchange::Message;
use super::packets::PacketWriter;
use super::session::End;

/// Publishes that may wait for the client's acknowledgement. Further ones wait in its queue.
const WINDOW: usize = 32;

/// Says what there is to say: answers first, then publishes as far as the window has room.
pub(super) async fn speak<W: AsyncWrite + Unpin>(
    writer: &mut PacketWriter<W>,
    mut answers: mpsc::Receiver<Packet>,
    waiting: &mut mpsc::Receiver<Message>,
    window: &Window,
) -> End {
    loop {
        let packet = tokio::select! {
            biased;
            Some(answer) = answers.recv() => answer,
            packet = window.next(waiting) => match packet {
                Some(packet) => packet,
                None => return End::Stopped,
            },
        };
        if let Err(lost) = writer.send(&packet).await {
            return lost.into();
        }
    }
}

/// Publishes that wait for the client's PUBACK.
pub(super) struct Window {
    room: Semaphore,
    pending: Mutex<Pending>,
}

#[derive(Default)]
struct Pending {
    ids: HashSet<u16>,
    last: u16,
}

impl Window {
    pub(super) fn new() -> Self {
        Self {
            room: Semaphore::new(WINDOW),
            pending: Mutex::default(),
        }
    }

    /// The next message as a packet, once there is room for it. May be dropped without losing one.
    pub(super) async fn next(&self, waiting: &mut mpsc::Receiver<Message>) -> Option<Packet> {
        let room = self.room.acquire().await.ok()?;
        let message = waiting.recv().await?;
        let qos = if message.assured {
            QoS::AtLeastOnce
        } else {
            QoS::AtMostOnce
        };
        let mut publish = Publish::from_bytes(message.topic.to_string(), qos, message.payload);
        publish.retain = message.retained;
        if message.assured {
            publish.pkid = self.pending().identify();
            room.forget();
        }
        Some(Packet::Publish(publish))
    }

    pub(super) fn acknowledged(&self, id: u16) {
        if self.pending().ids.remove(&id) {
            self.room.add_permits(1);
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    /// A packet identifier that is not in use (MQTT 3.1.1, 2.3.1). There is always one: the window is far smaller.
    fn identify(&mut self) -> u16 {
        loop {
            self.last = self.last.checked_add(1).unwrap_or(1);
            if self.ids.insert(self.last) {
                return self.last;
            }
        }
    }
}
