//! Scanners that connect to us over TCP and send codes.
//!
//! A scanner's connection is read frame by frame; each scan goes through its dialogue and is answered after the commit.
//! Which dialogue that is follows from the device's address, so that it survives a reconnection and a restart. A device
//! that connects again ends its older connection: two of them would mix their scans.

mod connection;
pub mod framing;
mod pace;
pub mod reply;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex as Registry, PoisonError};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use self::framing::Framing;
use self::reply::Replies;
use super::door::accept;
use super::keep::{Keep, Now};
use super::session::{Desk, Session};
use super::tally::{Count, Tally};
use crate::station::Station;

/// Most dialogues that are held ready in memory; more are read from the store when they are needed.
const SESSIONS: usize = 1024;
/// Silence after which the system begins to ask whether the device is still there, and how often it asks.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(10));

/// What a connection's dialogue belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DialoguePer {
    /// The device's address, or the name configured for it: it survives reconnection and restart.
    #[default]
    Address,
    /// The connection itself: for several devices behind one address. It ends with the connection.
    Connection,
}

/// Settings of a TCP scanner source.
#[derive(Debug, Clone)]
pub struct TcpSettings {
    /// The source's name.
    pub name: String,
    /// Where to listen.
    pub listen: SocketAddr,
    /// How the devices mark their scans. Default: lines.
    pub framing: Framing,
    /// Longest scan in bytes. Default: 4096.
    pub scan_bytes_max: usize,
    /// An unfinished scan is given up after so long. Default: 10 s.
    pub unfinished: Duration,
    /// A connection without any byte for so long is closed. Default: 12 h.
    pub idle: Duration,
    /// A device that sends faster is made to wait; nothing is dropped. Default: 20 a second, after a burst of 40.
    pub scans_per_second: u32,
    /// How many scans may come at once.
    pub burst: u32,
    /// Most connections at a time; more are refused. Default: 64.
    pub connections_max: usize,
    /// What the devices send when they read nothing. Counted, never a code. Default: `NoRead`, `NOREAD`, `ERROR`, `?`.
    pub no_reads: Vec<String>,
    /// What the devices send to show that they are alive. Neither kept nor answered. Default: none.
    pub heartbeats: Vec<String>,
    /// What the devices are told.
    pub replies: Replies,
    /// What a dialogue belongs to. Default: the address.
    pub dialogue_per: DialoguePer,
    /// Names for addresses, so that a device keeps its dialogue when its address changes.
    pub names: BTreeMap<IpAddr, String>,
    /// Whether only addresses with a name may connect. Default: no.
    pub only_named: bool,
    /// How long a device waits for its answer at most while the disk is slow. Default: 8 s.
    pub answer_within: Duration,
}

impl TcpSettings {
    /// All defaults.
    pub fn new(name: &str, listen: SocketAddr) -> Self {
        Self {
            name: name.to_owned(),
            listen,
            framing: Framing::Line,
            scan_bytes_max: 4096,
            unfinished: Duration::from_secs(10),
            idle: Duration::from_secs(12 * 3600),
            scans_per_second: 20,
            burst: 40,
            connections_max: 64,
            no_reads: ["NoRead", "NOREAD", "ERROR", "?"].map(str::to_owned).into(),
            heartbeats: Vec::new(),
            replies: Replies::default(),
            dialogue_per: DialoguePer::default(),
            names: BTreeMap::new(),
            only_named: false,
            answer_within: Duration::from_secs(8),
        }
    }
}

/// Why a scanner source cannot start. Permanent until a person changes the configuration or frees the port.
#[derive(Debug, thiserror::Error)]
pub enum TcpError {
    /// The address cannot be listened on.
    #[error("source `{name}` cannot listen on {listen}: {error}")]
    Listen {
        /// The source.
        name: String,
        /// The address.
        listen: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
}

/// A scanner source that listens.
pub struct TcpSource<K> {
    listener: TcpListener,
    settings: Arc<TcpSettings>,
    desk: Arc<Desk<K>>,
    /// The dialogues of this source, by connection name.
    sessions: HashMap<String, Arc<Mutex<Session<K>>>>,
    /// How to end the open connection of a name, and which number it has.
    open: Arc<Registry<HashMap<String, (u64, CancellationToken)>>>,
}

impl<K: Keep> TcpSource<K> {
    /// Begins to listen; nobody is served before [`Self::run`].
    pub async fn bind(
        settings: TcpSettings,
        station: Arc<Station>,
        keep: K,
        now: Now,
        tally: Arc<Tally>,
    ) -> Result<Self, TcpError> {
        let listener = TcpListener::bind(settings.listen)
            .await
            .map_err(|error| TcpError::Listen {
                name: settings.name.clone(),
                listen: settings.listen,
                error,
            })?;
        let desk = Desk {
            source: settings.name.clone(),
            station,
            keep,
            now,
            tally,
            answer_within: settings.answer_within,
        };
        Ok(Self {
            listener,
            settings: Arc::new(settings),
            desk: Arc::new(desk),
            sessions: HashMap::new(),
            open: Arc::default(),
        })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves devices until told to stop; then every scan that was begun is finished and answered.
    pub async fn run(mut self, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        let mut number = 0;
        while let Some((stream, peer)) = accept(&self.listener, &self.settings.name, &stop).await {
            let Some(name) = self.admit(peer) else {
                self.desk.tally.add(Count::ConnectionRefused);
                warn!(source = self.settings.name, %peer, "a connection was refused: too many, or an address without a name");
                continue;
            };
            number += 1;
            let ended = self.replace(&name, number, peer, &stop);
            let session = self.session(&name);
            let (settings, desk, open) = (self.settings.clone(), self.desk.clone(), self.open.clone());
            prepare(&stream);
            tasks.spawn(async move {
                desk.tally.add(Count::Connection);
                info!(source = settings.name, %peer, connection = name, "a device connected");
                let why = connection::serve(stream, &settings, &session, &desk.tally, &ended).await;
                info!(source = settings.name, %peer, connection = name, why, "a device's connection ended");
                let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
                if open.get(&name).is_some_and(|(own, _)| *own == number) {
                    open.remove(&name);
                }
            });
        }
        tasks.close();
        tasks.wait().await;
    }

    /// The name of a new connection; none where it is refused. A device that connects again takes the place
    /// of its older connection.
    fn admit(&self, peer: SocketAddr) -> Option<String> {
        let configured = self.settings.names.get(&peer.ip().to_canonical());
        if configured.is_none() && self.settings.only_named {
            return None;
        }
        let name = self.connection_name(peer, configured);
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let has_place = open.len() < self.settings.connections_max || open.contains_key(&name);
        has_place.then_some(name)
    }

    fn connection_name(&self, peer: SocketAddr, configured: Option<&String>) -> String {
        let source = &self.settings.name;
        let ip = peer.ip().to_canonical();
        match (self.settings.dialogue_per, configured) {
            (DialoguePer::Connection, _) => format!("{source}/{ip}:{}", peer.port()),
            (DialoguePer::Address, Some(name)) => format!("{source}/{name}"),
            (DialoguePer::Address, None) => format!("{source}/{ip}"),
        }
    }

    /// Ends the older connection of this name, and gives the new one its own way to be ended.
    fn replace(
        &self,
        name: &str,
        number: u64,
        peer: SocketAddr,
        stop: &CancellationToken,
    ) -> CancellationToken {
        let ended = stop.child_token();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, older)) = open.insert(name.to_owned(), (number, ended.clone())) {
            older.cancel();
            self.desk.tally.add(Count::ConnectionReplaced);
            warn!(
                source = self.settings.name,
                %peer,
                connection = name,
                "a device connected again and its older connection was closed; two devices behind one address need \
                 ports of their own, or a dialogue per connection"
            );
        }
        ended
    }

    fn session(&mut self, name: &str) -> Arc<Mutex<Session<K>>> {
        if self.sessions.len() >= SESSIONS {
            // What nobody uses is on disk as well.
            self.sessions.retain(|_, session| Arc::strong_count(session) > 1);
        }
        let durable = self.settings.dialogue_per == DialoguePer::Address;
        let new = || {
            Arc::new(Mutex::new(Session::new(
                self.desk.clone(),
                name.to_owned(),
                durable,
            )))
        };
        if durable {
            self.sessions.entry(name.to_owned()).or_insert_with(new).clone()
        } else {
            new()
        }
    }
}

/// Small answers at once, and a device that is gone is noticed.
fn prepare(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE.0)
        .with_interval(KEEPALIVE.1);
    let set = stream
        .set_nodelay(true)
        .and_then(|()| SockRef::from(stream).set_tcp_keepalive(&keepalive));
    if let Err(error) = set {
        warn!(%error, "a connection's options could not be set");
    }
}

#[cfg(test)]
mod tests;
