//! Systems that hand messages over by HTTP: `POST /v1/messages` with one object, an array, or one object a line.
//!
//! A 2xx answer means that everything in the request is on disk. Every message needs an id of its sender, its own
//! `external_id` or the request's `Idempotency-Key`, so that a request whose answer was lost can be sent again: equal
//! content gets the first answer, other content under the same id is a conflict.
//!
//! - Messages with an `external_id` are kept one by one: good ones although others of the request are wrong.
//! - Messages without are kept under the request's key, all or none.

pub mod client;
mod commit;
mod problem;
mod take;

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use self::client::{ClientSettings, Clients, TokenError};
use self::problem::Problem;
use self::take::Taker;
use super::door::accept;
use super::keep::{Keep, Now};
use super::tally::{Count, Tally};

/// Most header fields of a request.
const HEADERS_MAX: usize = 64;

/// Settings of an HTTP source.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The source's name.
    pub name: String,
    /// Where to listen. It speaks plain HTTP: beyond this machine put a TLS proxy before it.
    pub listen: SocketAddr,
    /// Whether to listen beyond this machine without TLS. Default: no.
    pub plain_beyond_loopback: bool,
    /// Who may hand messages over.
    pub clients: Vec<ClientSettings>,
    /// The stations that messages may name.
    pub stations: BTreeSet<String>,
    /// Largest request body. Default: 4 MiB.
    pub body_bytes_max: usize,
    /// Most messages in one request. Default: 1000.
    pub messages_max: usize,
    /// Largest request head. Default: 16 KiB.
    pub head_bytes_max: usize,
    /// Most connections at a time. Default: 64.
    pub connections_max: usize,
    /// Most requests that are worked on at a time; more are told to come again. Default: 16.
    pub requests_max: usize,
    /// How long a request's head may take, and how long a connection may be idle. Default: 30 s.
    pub head_wait: Duration,
    /// How long a request's body may take. Default: 30 s.
    pub body_wait: Duration,
    /// How long a client waits for its answer at most while the disk is slow. Default: 20 s.
    pub answer_within: Duration,
}

impl HttpSettings {
    /// All defaults.
    pub fn new(name: &str, listen: SocketAddr) -> Self {
        Self {
            name: name.to_owned(),
            listen,
            plain_beyond_loopback: false,
            clients: Vec::new(),
            stations: BTreeSet::new(),
            body_bytes_max: 4 * 1024 * 1024,
            messages_max: 1000,
            head_bytes_max: 16 * 1024,
            connections_max: 64,
            requests_max: 16,
            head_wait: Duration::from_secs(30),
            body_wait: Duration::from_secs(30),
            answer_within: Duration::from_secs(20),
        }
    }

    /// What contradicts itself, for the person who wrote the configuration.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.listen.ip().is_loopback() && !self.plain_beyond_loopback {
            problems.push(format!(
                "{} is reachable from other machines, and tokens and messages would travel in the clear: listen on \
                 127.0.0.1 behind a TLS proxy, or set plain_beyond_loopback = true where the network is trusted",
                self.listen
            ));
        }
        if self.clients.is_empty() {
            problems.push("no client may hand messages over: add one with its token file".to_owned());
        }
        for client in &self.clients {
            let unknown = client
                .station
                .as_ref()
                .filter(|station| !self.stations.contains(*station));
            if let Some(station) = unknown {
                problems.push(format!(
                    "client `{}` names the unknown station `{station}`",
                    client.name
                ));
            }
        }
        problems
    }
}

/// Why an HTTP source cannot start. Permanent until a person changes something.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
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
    /// A client cannot be recognised.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// An HTTP source that listens.
pub struct HttpSource {
    listener: TcpListener,
    settings: Arc<HttpSettings>,
    router: Router,
    tally: Arc<Tally>,
}

impl HttpSource {
    /// Reads the clients' tokens and begins to listen; nobody is served before [`Self::run`].
    pub async fn bind<K: Keep>(
        settings: HttpSettings,
        keep: K,
        now: Now,
        tally: Arc<Tally>,
    ) -> Result<Self, HttpError> {
        let clients = Clients::read(&settings.clients)?;
        let listener = TcpListener::bind(settings.listen)
            .await
            .map_err(|error| HttpError::Listen {
                name: settings.name.clone(),
                listen: settings.listen,
                error,
            })?;
        let settings = Arc::new(settings);
        let taker = Taker {
            requests: Semaphore::new(settings.requests_max),
            settings: settings.clone(),
            clients,
            keep,
            now,
            tally: tally.clone(),
        };
        Ok(Self {
            listener,
            settings,
            router: router(Arc::new(taker)),
            tally,
        })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves clients until told to stop; then every request that was begun is answered.
    pub async fn run(self, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(self.settings.connections_max));
        let tasks = TaskTracker::new();
        while let Some((stream, peer)) = accept(&self.listener, &self.settings.name, &stop).await {
            let Ok(place) = places.clone().try_acquire_owned() else {
                self.tally.add(Count::ConnectionRefused);
                warn!(source = self.settings.name, %peer, "a connection was refused: too many");
                continue;
            };
            self.tally.add(Count::Connection);
            let (settings, router, stop) = (self.settings.clone(), self.router.clone(), stop.clone());
            tasks.spawn(async move {
                let _place = place;
                serve(stream, &settings, router, &stop).await;
            });
        }
        tasks.close();
        tasks.wait().await;
    }
}

fn router<K: Keep>(taker: Arc<Taker<K>>) -> Router {
    Router::new()
        .route("/v1/messages", post(take::handle::<K>))
        .method_not_allowed_fallback(|| async {
            let title = "The method is not allowed";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", title, "use POST")
        })
        .fallback(|| async {
            let title = "There is nothing here";
            Problem::new(
                StatusCode::NOT_FOUND,
                "not-found",
                title,
                "messages go to POST /v1/messages",
            )
        })
        .with_state(taker)
}

async fn serve(stream: TcpStream, settings: &HttpSettings, router: Router, stop: &CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "a connection's options could not be set");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.head_wait)
        .max_headers(HEADERS_MAX)
        .max_buf_size(settings.head_bytes_max.max(8192))
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(source = settings.name, %error, "a client's connection broke");
    }
}

#[cfg(test)]
mod tests;
