//! The running service: opens the spool, starts every task, and ends them all within a bound.
//!
//! The only place where tasks are started. Whichever task ends early ends the service: what is on disk is safe, and the
//! next start goes on from there.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use millrace_shared::clock::Clock;
use millrace_shared::ident::Epoch;
use millrace_shared::store::StoreError;
use millrace_shared::store::spool::{Pressure, Retention};
use millrace_shared::store::sqlite::spool::{Opening, Options, SqliteSpool};
use millrace_shared::store::writer::Writer;
use millrace_shared::topic::{Channel, Filter, Topic};
use millrace_shared::transport::{self, Bytes, Credentials, Endpoint};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::health::{self, LinkState};
use crate::link::{Link, LinkError};
use crate::source::Now;
use crate::sources::{self, SourceError};
use crate::spool::Kept;

/// How long the tasks may take to finish what they began.
pub const SHUTDOWN: Duration = Duration::from_secs(5);

/// How long the line may be silent before it is probed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How often what is past its retention is taken away.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// How often the service proves that its spool moves, where systemd does not ask more often.
const PROOF_EVERY: Duration = Duration::from_secs(10);

/// How long sources' ids and the journal of scans are kept.
const CLAIMS: Duration = Duration::from_secs(400 * 24 * 3600);
const SCANS: Duration = Duration::from_secs(30 * 24 * 3600);

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
    /// The spool cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A thread, signal or runtime could not be had.
    #[error("the system refused: {0}")]
    System(#[from] io::Error),
    /// The broker's name is none.
    #[error("`{0}` is neither a host name nor an address: correct `host` in [relay]")]
    Host(String),
    /// A source cannot start.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The link ended by itself.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A task ended that must not.
    #[error("a task ended unexpectedly: {0}")]
    Task(String),
}

/// The path of the spool in the store's folder.
pub fn spool_path(data: &Path) -> PathBuf {
    data.join("spool.sqlite")
}

/// Runs until a signal or a failure ends it.
pub async fn run(config: Config) -> Result<(), DaemonError> {
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let (writer, end) = open_spool(&config)?;
    let started = start(&config, writer, &stop, &mut tasks).await;
    let ended = match started {
        Ok(()) => {
            notify(&[sd_notify::NotifyState::Ready]);
            tracing::info!(agent = %config.agent.name, "ready");
            wait(&mut tasks).await
        }
        Err(error) => Err(error),
    };
    notify(&[sd_notify::NotifyState::Stopping]);
    let deadline = Instant::now() + SHUTDOWN;
    stop.cancel();
    let finished = timeout(SHUTDOWN, async { while tasks.join_next().await.is_some() {} }).await;
    if finished.is_err() {
        tracing::warn!("some tasks did not finish in time; what they had not committed was not answered OK");
        tasks.abort_all();
    }
    drop(tasks);
    if let Some(spool) = end.wait(deadline.saturating_duration_since(Instant::now())).await {
        spool.close()?;
    }
    ended
}

type Ended = Result<(), DaemonError>;

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

fn open_spool(
    config: &Config,
) -> Result<
    (
        Writer<SqliteSpool>,
        millrace_shared::store::writer::WriterEnd<SqliteSpool>,
    ),
    DaemonError,
> {
    let data = &config.agent.data;
    std::fs::create_dir_all(data).map_err(|error| DaemonError::Folder {
        path: data.clone(),
        error,
    })?;
    let options = Options {
        agent: config.agent.name.clone(),
        quota_bytes: config.spool.quota_bytes,
        epoch: Epoch(rand::random()),
        new_epoch: false,
    };
    let (spool, opening) = SqliteSpool::open(&spool_path(data), options)?;
    match opening {
        Opening::New => tracing::info!("a new spool was made"),
        Opening::Continued => tracing::info!("the spool goes on"),
        Opening::Cut { why, missing } => {
            tracing::error!(
                ?why,
                ?missing,
                "the spool goes on in a new epoch; nothing that is here is given up"
            );
        }
    }
    let clock = config.agent.clock.clone();
    Ok(Writer::start(spool, move || clock.moment())?)
}

async fn start(
    config: &Config,
    writer: Writer<SqliteSpool>,
    stop: &CancellationToken,
    tasks: &mut JoinSet<Ended>,
) -> Result<(), DaemonError> {
    let (bell, committed) = watch::channel(());
    let clock = config.agent.clock.clone();
    let now: Now = {
        let clock = clock.clone();
        Arc::new(move || clock.moment())
    };
    let kept = Kept::new(writer.clone(), bell);
    for source in sources::open(config, &kept, &now).await? {
        let stop = stop.clone();
        tasks.spawn(async move {
            source.run(stop).await;
            Ok(())
        });
    }
    start_link(config, writer.clone(), clock, committed, stop, tasks)?;
    let retention = Retention {
        settled: config.spool.retention,
        claims: CLAIMS,
        scans: SCANS,
        pressure: Pressure::Refuse,
    };
    tasks.spawn(keep_house(writer.clone(), retention, stop.clone()));
    tasks.spawn(prove_progress(writer, stop.clone()));
    Ok(())
}

fn start_link(
    config: &Config,
    writer: Writer<SqliteSpool>,
    clock: Clock,
    committed: watch::Receiver<()>,
    stop: &CancellationToken,
    tasks: &mut JoinSet<Ended>,
) -> Result<(), DaemonError> {
    let (name, relay) = (config.agent.name.clone(), &config.relay);
    let endpoint = Endpoint::new(&relay.host, relay.port, None);
    let settings = transport::Settings {
        endpoint: endpoint.ok_or_else(|| DaemonError::Host(relay.host.clone()))?,
        credentials: Credentials {
            ca_file: relay.ca.clone(),
            certificate_file: relay.certificate.clone(),
            key_file: relay.key.clone(),
        },
        client_id: name.to_string(),
        filters: Filter::of_agent(&name),
        status: Some(transport::Status {
            topic: Topic::new(name.clone(), Channel::Status),
            online: Bytes::from_static(b"online"),
            offline: Bytes::from_static(b"offline"),
        }),
        keep_alive: KEEP_ALIVE,
    };
    let (client, events, connection) = transport::open(settings);
    let (state, seen) = watch::channel(LinkState::default());
    let pulse = health::beat(config.agent.data.clone(), clock.clone(), seen, stop.clone());
    tasks.spawn(async move {
        pulse.await;
        Ok(())
    });
    let link = Link::new(name, rand::random(), writer, (client, events), clock, state);
    let (until, ending) = (stop.clone(), stop.clone());
    tasks.spawn(async move {
        connection.run(until).await;
        Ok(())
    });
    tasks.spawn(async move { Ok(link.run(committed, ending).await?) });
    Ok(())
}

/// Takes away what is past its retention. A failure is said and tried again: pruning can wait, messages cannot.
async fn keep_house(writer: Writer<SqliteSpool>, retention: Retention, stop: CancellationToken) -> Ended {
    let mut tick = interval(PRUNE_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = tick.tick() => {}
        }
        match writer.prune(retention).await {
            Ok(pruned) if pruned.more => tick.reset_immediately(),
            Ok(_) => {}
            Err(error) if error.is_transient() => tracing::warn!(%error, "pruning failed; it is tried again"),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Feeds systemd's watchdog, and only while the spool's thread answers: a process that lives and stands still is
/// restarted.
async fn prove_progress(writer: Writer<SqliteSpool>, stop: CancellationToken) -> Ended {
    let every = sd_notify::watchdog_enabled().map_or(PROOF_EVERY, |limit| limit / 3);
    let mut tick = interval(every);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = tick.tick() => {}
        }
        writer.ask(|_, _| ()).await?;
        notify(&[sd_notify::NotifyState::Watchdog]);
    }
}

fn notify(state: &[sd_notify::NotifyState<'_>]) {
    // Not run by systemd: nobody to tell.
    let _ = sd_notify::notify(state);
}
