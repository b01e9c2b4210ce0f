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
use millrace_shared::store::StoreError;
use millrace_shared::store::desk::{Desk, Gone};
use millrace_shared::store::inbox::Inbox;
use millrace_shared::store::sqlite::inbox::{Limits, SqliteInbox};
use millrace_shared::topic::Filter;
use millrace_shared::transport::{self, Credentials, Endpoint, Fault};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::control::socket;
use crate::flow::worker::WorkError;
use crate::link::{Link, LinkError};
use crate::target;
use domains::Bells;

/// How long the tasks may take to finish what they began.
pub const SHUTDOWN: Duration = Duration::from_secs(5);

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
    /// A thread, signal or runtime could not be had.
    #[error("the system refused: {0}")]
    System(#[from] io::Error),
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
    /// A task ended that must not.
    #[error("a task ended unexpectedly: {0}")]
    Task(String),
}

type Ended = Result<(), DaemonError>;

/// The path of the inbox in the store's folder.
pub fn inbox_path(data: &Path) -> PathBuf {
    data.join("inbox.sqlite")
}

/// Runs until a signal or a failure ends it.
pub async fn run(config: Config) -> Ended {
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let ended = match start(&config, &stop, &mut tasks).await {
        Ok(()) => {
            notify(&[sd_notify::NotifyState::Ready]);
            tracing::info!(plants = config.plants.len(), "ready");
            wait(&mut tasks).await
        }
        Err(error) => Err(error),
    };
    notify(&[sd_notify::NotifyState::Stopping]);
    stop.cancel();
    if timeout(SHUTDOWN, async { while tasks.join_next().await.is_some() {} })
        .await
        .is_err()
    {
        tracing::warn!(
            "some tasks did not finish in time; what they had not committed is asked for at the next start"
        );
        tasks.abort_all();
    }
    ended
}

/// Until a signal, or until a task ends by itself.
async fn wait(tasks: &mut JoinSet<Ended>) -> Ended {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
        ended = tasks.join_next() => match ended {
            Some(Ok(Err(error))) => Err(error),
            Some(Err(error)) => Err(DaemonError::Task(error.to_string())),
            Some(Ok(Ok(()))) | None => Err(DaemonError::Task("it had nothing left to do".into())),
        },
    }
}

async fn start(config: &Config, stop: &CancellationToken, tasks: &mut JoinSet<Ended>) -> Ended {
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
    let inbox = Desk::new("inbox", inbox)?;
    start_broker(config, stop, tasks).await?;
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
    let (until, ending) = (stop.clone(), stop.clone());
    tasks.spawn(async move {
        connection.run(until).await;
        Ok(())
    });
    tasks.spawn(async move { Ok(link.run(told, ending).await?) });
    let bells = domains::start(config, &inbox, &clock, &news, stop, tasks)?;
    tasks.spawn(domains::ring(bells.clone(), arrivals, stop.clone()));
    start_control(
        data,
        (inbox.clone(), clock.clone()),
        (bells, agents, news),
        stop,
        tasks,
    )?;
    tasks.spawn(house::keep(inbox.clone(), clock, config.retention, stop.clone()));
    tasks.spawn(house::prove_progress(inbox, stop.clone()));
    Ok(())
}

/// Takes people's orders. After each one the domains look anew, and the agents are told what became of their messages.
fn start_control(
    data: &Path,
    (inbox, clock): (Desk<SqliteInbox>, Clock),
    (bells, agents, news): (Bells, Vec<AgentId>, mpsc::Sender<AgentId>),
    stop: &CancellationToken,
    tasks: &mut JoinSet<Ended>,
) -> Ended {
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
    let stop = stop.clone();
    tasks.spawn(async move { Ok(socket::serve(listener, inbox, clock, changed, stop).await?) });
    Ok(())
}

async fn start_broker(config: &Config, stop: &CancellationToken, tasks: &mut JoinSet<Ended>) -> Ended {
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
        let stop = stop.clone();
        tasks.spawn(async move {
            broker.run(stop).await;
            Ok(())
        });
        Ok(())
    }
    #[cfg(not(feature = "embedded-broker"))]
    {
        let _ = (embedded, stop, tasks);
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

fn notify(state: &[sd_notify::NotifyState<'_>]) {
    // Not run by systemd: nobody to tell.
    let _ = sd_notify::notify(state);
}
