//! The broker inside the relay, for the quick start and for small sites: TLS 1.3 with certificates on both sides, and
//! every agent held to its own topics. It serves what Millrace needs of MQTT 3.1.1 and refuses the rest aloud: clean
//! sessions, QoS 0 and 1, our own topics, a retained status for each agent. It keeps nothing on disk, because both
//! ends keep everything until it is settled.
//!
//! It is our own although brokers exist as libraries, because none of them can hold to our rules (looked at in their
//! releases of 2026):
//!
//! - `rmqtt` 0.24 cannot be told to refuse TLS 1.2, bounds a session's queue by messages and not its inner channels,
//!   cannot be stopped, and needs 308 crates, among them a second crypto library in C, QUIC and protobuf: five minutes
//!   of a cold debug build on two cores.
//! - `mqtt5` 0.49 does not tell its access rules who a certificate belongs to; it takes a fingerprint that the client
//!   writes into its client id at its word. It, too, cannot refuse TLS 1.2.
//! - `rumqttd` 0.20 makes tenants out of certificate fields and pins a TLS library with open advisories.
//!
//! Packets are read and written by the codec of the client library that is there anyway. Sites that want more than
//! this take any other broker; `installer/mosquitto/` has the same rules for mosquitto.

mod exchange;
mod packets;
mod rules;
mod session;
mod speaker;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use millrace_shared::transport::{Acceptor, Credentials, Fault};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use exchange::Exchange;
use rules::Party;
use session::End;

/// Connections at once. Further ones are closed at the door, aloud.
const CONNECTIONS: usize = 1024;
/// Handshakes at once, so that strangers cannot take all places. Further ones wait.
const HANDSHAKES: usize = 32;
/// The pause after the operating system could not give us a connection, for instance for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// What the broker needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The authority whose clients are let in, and the broker's own certificate and key.
    pub credentials: Credentials,
    /// The common name of the relay's certificate, which may hear every agent and answer each.
    pub relay_name: String,
}

/// Why the broker does not run. Permanent: a person has to change something.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The certificates cannot be used.
    #[error(transparent)]
    Credentials(#[from] Fault),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {reason}. See whether another program does (`ss -ltnp`).")]
    Listen {
        /// The address as configured.
        address: SocketAddr,
        /// What the operating system said.
        reason: io::Error,
    },
}

/// A broker that listens and waits to be run.
pub struct Broker {
    listener: TcpListener,
    address: SocketAddr,
    house: Arc<House>,
}

/// What all sessions share.
struct House {
    acceptor: Acceptor,
    relay_name: String,
    exchange: Exchange,
    handshakes: Semaphore,
}

impl Broker {
    /// Reads the certificates and takes the address. Clients that connect now are served once it runs.
    pub async fn bind(settings: Settings) -> Result<Self, BrokerError> {
        let acceptor = settings.credentials.acceptor()?;
        let refused = |reason| BrokerError::Listen {
            address: settings.listen,
            reason,
        };
        let listener = TcpListener::bind(settings.listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let house = House {
            acceptor,
            relay_name: settings.relay_name,
            exchange: Exchange::default(),
            handshakes: Semaphore::new(HANDSHAKES),
        };
        Ok(Self {
            listener,
            address,
            house: Arc::new(house),
        })
    }

    /// Where it listens, with the port that the system chose if none was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is cancelled, then ends all sessions at once.
    pub async fn run(self, stop: CancellationToken) {
        let mut sessions = JoinSet::new();
        tracing::info!(address = %self.address, "broker listens");
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(_) = sessions.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((_, from)) if sessions.len() >= CONNECTIONS => {
                        tracing::warn!(%from, "refused: {CONNECTIONS} connections are open already");
                    }
                    Ok((socket, from)) => {
                        sessions.spawn(self.house.clone().host(socket, from));
                    }
                    Err(error) => {
                        tracing::warn!("cannot accept connections: {error}");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
    }
}

impl House {
    /// Everything about one connection.
    async fn host(self: Arc<Self>, socket: TcpStream, from: SocketAddr) {
        socket.set_nodelay(true).ok();
        let accepted = {
            let _turn = self.handshakes.acquire().await;
            self.acceptor.accept(socket).await
        };
        let (stream, certificate) = match accepted {
            Ok(accepted) => accepted,
            Err(reason) => return tracing::warn!(%from, "refused: {reason}"),
        };
        let name = certificate.common_name.as_deref().unwrap_or_default();
        let Some(party) = Party::named(name, &self.relay_name) else {
            let subject = certificate.subject;
            return tracing::warn!(%from, subject, "refused: its common name is no agent's");
        };
        match session::serve(stream, &party, &self.exchange).await {
            End::Goodbye => tracing::info!(client = %party, %from, "disconnected"),
            end => tracing::warn!(client = %party, %from, "session over: {end}"),
        }
    }
}
