//! How frames travel: MQTT 3.1.1 over TLS 1.3 with certificates on both sides.
//!
//! The room keeps one connection to the broker alive and says truthfully when it is not. It carries bytes and knows
//! nothing about what they mean; it never queues while the line is down, never keeps anything across two
//! sessions and never counts a PUBACK as delivery: whoever needs certainty waits for a receipt from the other end.
//!
//! [`open`] gives three things: a [`Client`] to publish with, [`Events`] to read, and a [`Connection`] whose
//! [`run`](Connection::run) the daemon starts as a task. Nothing here starts a task by itself.
//!
//! Only this module names `rumqttc`, `rustls` and `x509-parser`.

mod backoff;
mod certificate;
mod client;
mod connection;
mod dial;
mod fault;
mod identity;
mod knock;
mod server;
mod session;

use std::time::Duration;

pub use bytes::Bytes;
pub use certificate::Certificate;
pub use client::{Client, Undelivered};
pub use connection::{Connection, Event, Events, open};
pub use dial::Endpoint;
pub use fault::{Fault, Refusal, Side};
pub use identity::{Credentials, Identity};
pub use knock::knock;
pub use server::{Acceptor, HANDSHAKE_TIMEOUT};

use crate::topic::{Filter, Topic};

/// The most that one publish may carry: a frame at its own limit.
pub const MAX_PAYLOAD_BYTES: usize = crate::limit::FRAME_BYTES;
/// The most that one MQTT packet may hold, in either direction: the payload plus topic and header.
pub const MAX_PACKET_BYTES: usize = MAX_PAYLOAD_BYTES + 1024;
/// Publishes that may wait for their PUBACK at once. Further ones wait in [`QUEUED_PUBLISHES`] places.
pub const PUBLISHES_IN_FLIGHT: u16 = 16;
/// Publishes that may wait to be written. Beyond that, [`Client::publish`] waits for a place.
pub const QUEUED_PUBLISHES: usize = 16;
/// Events that may wait to be read. When they are all taken the connection stops reading from the network, so that
/// a slow reader holds the broker back instead of filling memory.
pub const UNREAD_EVENTS: usize = 16;
/// How long resolving, connecting and the TLS handshake may take together.
pub const DIAL_TIMEOUT: Duration = Duration::from_secs(15);
/// How long the broker may take to answer CONNECT and SUBSCRIBE.
pub const GREETING_TIMEOUT: Duration = Duration::from_secs(15);
/// How long one write to the network may stand still. Long enough for a full frame on a line of 256 kbit/s.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a publish may stay without an answer before its future resolves as [`Undelivered::Unanswered`].
pub const PUBLISH_TIMEOUT: Duration = Duration::from_secs(120);
/// How long the farewell may take at shutdown: the last status and DISCONNECT.
pub const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);
/// A session shorter than this does not count as a success: waiting times keep growing.
pub const STABLE_AFTER: Duration = Duration::from_secs(20);

/// What a connection needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the broker is, and by what name its certificate must know it.
    pub endpoint: Endpoint,
    /// The files that prove who we are and whom we trust. Read again at each connection, so that a renewed
    /// certificate is taken up without a restart.
    pub credentials: Credentials,
    /// The MQTT client identifier. A second connection with the same one ends the first.
    pub client_id: String,
    /// What to subscribe to after each connect, all at QoS 1.
    pub filters: Vec<Filter>,
    /// What to keep retained at the broker about ourselves.
    pub status: Option<Status>,
    /// How long the line may be silent before it is probed. A dead line is noticed after twice this time.
    pub keep_alive: Duration,
}

/// A retained notice about this end of the line, kept true by the broker's last will.
#[derive(Debug, Clone)]
pub struct Status {
    /// Where it is published.
    pub topic: Topic,
    /// What it says while the connection is up.
    pub online: Bytes,
    /// What it says after a farewell, or when the broker loses us.
    pub offline: Bytes,
}
