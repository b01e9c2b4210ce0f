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
use millrace_shared::service::{self, ServiceError, Tasks};
use millrace_shared::store::StoreError;
use millrace_shared::store::spool::{Pressure, Retention};
use millrace_shared::store::sqlite::spool::{Opening, Options, SqliteSpool};
use millrace_shared::store::writer::Writer;
use millrace_shared::topic::{Channel, Filter, Topic};
use millrace_shared::transport::{self, Bytes, Credentials, Endpoint};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::health::{self, LinkState};
use crate::link::{Link, LinkError};
use crate::source::Now;
use crate::sources;
use crate::spool::Kept;

/// How long the line may be silent before it is probed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How often what is past its retention is taken away.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

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
    /// The service cannot run, or ended by itself.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The broker's name is none.
    #[error("`{0}` is neither a host name nor an address: correct `host` in [relay]")]
    Host(String),
    /// The link ended by itself.
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// The path of the spool in the store's folder.
pub fn spool_path(data: &Path) -> PathBuf {
    data.join("spool.sqlite")
}

/// Runs until a signal or a failure ends it.
pub async fn run(config: Config) -> Result<(), DaemonError> {
    let mut tasks = Tasks::default();
    let (writer, end) = open_spool(&config)?;
    let ended = match start(&config, writer, &mut tasks).await {
        Ok(()) => tasks.run().await,
        Err(error) => Err(error),
    };
    if let Some(spool) = end.wait(tasks.end().await).await {
        spool.close()?;
    }
    ended
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
        reserve_bytes: config.spool.reserve_bytes,
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
    Ok(Writer::start(spool, move || clock.moment()).map_err(ServiceError::System)?)
}

async fn start(
    config: &Config,
    writer: Writer<SqliteSpool>,
    tasks: &mut Tasks<DaemonError>,
) -> Result<(), DaemonError> {
    let (bell, committed) = watch::channel(());
    let clock = config.agent.clock.clone();
    let now: Now = {
        let clock = clock.clone();
        Arc::new(move || clock.moment())
    };
    let kept = Kept::new(writer.clone(), bell);
    let (closed, seen_closed) = watch::channel(sources::Closed::new());
    for source in sources::open(config, &kept, &now, &closed).await {
        tasks.spawn_sure(source.run(tasks.stop()));
    }
    let seen_link = start_link(config, writer.clone(), clock.clone(), committed, tasks)?;
    let signs = health::Signs {
        link: seen_link,
        closed: seen_closed,
    };
    tasks.spawn_sure(health::beat(
        config.agent.data.clone(),
        clock,
        signs,
        tasks.stop(),
    ));
    tasks.spawn(keep_house(writer.clone(), config.spool.retention, tasks.stop()));
    tasks.spawn(service::prove_progress(tasks.stop(), move || {
        let writer = writer.clone();
        async move { Ok(writer.ask(|_, _| ()).await?) }
    }));
    Ok(())
}

fn start_link(
    config: &Config,
    writer: Writer<SqliteSpool>,
    clock: Clock,
    committed: watch::Receiver<()>,
    tasks: &mut Tasks<DaemonError>,
) -> Result<watch::Receiver<LinkState>, DaemonError> {
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
    let link = Link::new(name, rand::random(), writer, (client, events), clock, state);
    tasks.spawn_sure(connection.run(tasks.stop()));
    let stop = tasks.stop();
    tasks.spawn(async move { Ok(link.run(committed, stop).await?) });
    Ok(seen)
}

/// Takes away what is past its retention. A failure is said and tried again: pruning can wait, messages cannot.
async fn keep_house(
    writer: Writer<SqliteSpool>,
    settled: Duration,
    stop: CancellationToken,
) -> Result<(), DaemonError> {
    let retention = Retention {
        settled,
        claims: CLAIMS,
        scans: SCANS,
        pressure: Pressure::Refuse,
    };
    service::tend(PRUNE_EVERY, stop, || {
        let writer = writer.clone();
        async move {
            match writer.prune(retention).await {
                Ok(pruned) => Ok(pruned.more),
                Err(error) if error.is_transient() => {
                    tracing::warn!(%error, "pruning failed; it is tried again");
                    Ok(false)
                }
                Err(error) => Err(error.into()),
            }
        }
    })
    .await
}
