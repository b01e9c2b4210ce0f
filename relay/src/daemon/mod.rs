//! The running service: opens the inbox, starts every task, and ends them all within a bound.
//!
//! The only place where tasks are started. Whichever task ends early ends the service: what is on disk is safe, and the
//! next start goes on from there.

pub(crate) mod domains;
mod house;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use millrace_shared::clock::{Clock, ClockError};
use millrace_shared::ident::AgentId;
use millrace_shared::service::{ServiceError, Tasks};
use millrace_shared::store::StoreError;
use millrace_shared::store::desk::{Desk, Gone};
use millrace_shared::store::inbox::Inbox;
use millrace_shared::store::sqlite::inbox::{Limits, SqliteInbox};
use millrace_shared::topic::Filter;
use millrace_shared::transport::{self, Credentials, Endpoint, Fault};
use tokio::sync::mpsc;

use crate::config::Config;
use crate::control::socket;
use crate::flow::halt::WorkError;
use crate::link::{Link, LinkError};
use crate::target;
use domains::Bells;

/// How long the line may be silent before it is probed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Most agents that wait to be told of news, or whose arrival waits to be noticed. One more is told with the next.
const BELLS: usize = 1024;

/// Why the service could not start, or ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The folder of the store cannot be made.
    #[error("cannot make {path}: {error}. Give the service's user write access to it")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The inbox cannot be opened or used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The inbox's thread is gone.
    #[error(transparent)]
    Gone(#[from] Gone),
    /// The socket for orders cannot be made.
    #[error(
        "cannot listen for orders at {path}: {error}. Give the service's user write access, or shorten `data`"
    )]
    Control {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The service cannot run, or ended by itself.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The clocks cannot be read.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The broker's name is none.
    #[error("`{0}` is neither a host name nor an address: correct `host` in [broker]")]
    Host(String),
    /// The certificates cannot be used.
    #[error(transparent)]
    Credentials(#[from] Fault),
    /// The embedded broker cannot start.
    #[cfg(feature = "embedded-broker")]
    #[error(transparent)]
    Broker(#[from] crate::broker::BrokerError),
    /// This program was built without a broker.
    #[cfg(not(feature = "embedded-broker"))]
    #[error(
        "this program was built without a broker: remove [broker.embedded], or build it with `embedded-broker`"
    )]
    NoBroker,
    /// The target cannot be prepared.
    #[error("the target: {0}")]
    Target(#[from] target::Fault),
    /// The link ended by itself.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A domain's worker ended by itself.
    #[error(transparent)]
    Work(#[from] WorkError),
}

/// The path of the inbox in the store's folder.
pub fn inbox_path(data: &Path) -> PathBuf {
    data.join("inbox.sqlite")
}

/// Runs until a signal or a failure ends it.
pub async fn run(config: Config) -> Result<(), DaemonError> {
    let mut tasks = Tasks::default();
    let ended = match start(&config, &mut tasks).await {
        Ok(()) => tasks.run().await,
        Err(error) => Err(error),
    };
    tasks.end().await;
    ended
}

async fn start(config: &Config, tasks: &mut Tasks<DaemonError>) -> Result<(), DaemonError> {
    let clock = Clock::in_zone("UTC")?;
    let data = &config.data;
    std::fs::create_dir_all(data).map_err(|error| DaemonError::Folder {
        path: data.clone(),
        error,
    })?;
    let inbox = SqliteInbox::open(
        &inbox_path(data),
        Limits::default(),
        rand::random(),
        rand::random(),
    )?;
    let origin = inbox.opening().into();
    let inbox = Desk::new("inbox", inbox).map_err(ServiceError::System)?;
    start_broker(config, tasks).await?;
    let (client, events, connection) = transport::open(transport_settings(config)?);
    let (news, told) = mpsc::channel(BELLS);
    let (arrived, arrivals) = mpsc::channel(BELLS);
    let agents: Vec<AgentId> = config.plants.iter().map(|plant| plant.agent.clone()).collect();
    let link = Link::new(
        inbox.clone(),
        origin,
        &agents,
        (client, events),
        clock.clone(),
        arrived,
    );
    tasks.spawn_sure(connection.run(tasks.stop()));
    let stop = tasks.stop();
    tasks.spawn(async move { Ok(link.run(told, stop).await?) });
    let bells = domains::start(config, &inbox, &clock, &news, tasks)?;
    tasks.spawn(domains::ring(bells.clone(), arrivals, tasks.stop()));
    start_control(data, (inbox.clone(), clock.clone()), (bells, agents, news), tasks)?;
    tasks.spawn(house::keep(inbox.clone(), clock, config.retention, tasks.stop()));
    tasks.spawn(house::prove_progress(inbox, tasks.stop()));
    Ok(())
}

/// Takes people's orders. After each one the domains look anew, and the agents are told what became of their messages.
fn start_control(
    data: &Path,
    (inbox, clock): (Desk<SqliteInbox>, Clock),
    (bells, agents, news): (Bells, Vec<AgentId>, mpsc::Sender<AgentId>),
    tasks: &mut Tasks<DaemonError>,
) -> Result<(), DaemonError> {
    let listener = socket::listen(data).map_err(|error| DaemonError::Control {
        path: socket::path(data),
        error,
    })?;
    let changed = move || {
        bells.order();
        for agent in &agents {
            // A full queue means that the link is told already.
            let _ = news.try_send(agent.clone());
        }
    };
    let stop = tasks.stop();
    tasks.spawn(async move { Ok(socket::serve(listener, inbox, clock, changed, stop).await?) });
    Ok(())
}

async fn start_broker(config: &Config, tasks: &mut Tasks<DaemonError>) -> Result<(), DaemonError> {
    let Some(embedded) = &config.broker.embedded else {
        return Ok(());
    };
    #[cfg(feature = "embedded-broker")]
    {
        let own = credentials(config).load()?;
        let settings = crate::broker::Settings {
            listen: embedded.listen,
            credentials: Credentials {
                ca_file: config.broker.ca.clone(),
                certificate_file: embedded.certificate.clone(),
                key_file: embedded.key.clone(),
            },
            relay_name: own.certificate.common_name.unwrap_or_default(),
        };
        let broker = crate::broker::Broker::bind(settings).await?;
        tasks.spawn_sure(broker.run(tasks.stop()));
        Ok(())
    }
    #[cfg(not(feature = "embedded-broker"))]
    {
        let _ = (embedded, tasks);
        Err(DaemonError::NoBroker)
    }
}

/// How this relay proves who it is.
pub(crate) fn credentials(config: &Config) -> Credentials {
    Credentials {
        ca_file: config.broker.ca.clone(),
        certificate_file: config.broker.certificate.clone(),
        key_file: config.broker.key.clone(),
    }
}

/// How the broker is reached.
pub(crate) fn transport_settings(config: &Config) -> Result<transport::Settings, DaemonError> {
    let endpoint = Endpoint::new(&config.broker.host, config.broker.port, None);
    Ok(transport::Settings {
        endpoint: endpoint.ok_or_else(|| DaemonError::Host(config.broker.host.clone()))?,
        credentials: credentials(config),
        client_id: "relay".into(),
        filters: Filter::of_relay(),
        status: None,
        keep_alive: KEEP_ALIVE,
    })
}
