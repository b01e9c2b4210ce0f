//! The running service: opens the inbox, starts every task, and ends them all within a bound.
//!
//! The only place where tasks are started. Whichever task ends early ends the service: what is on disk is safe, and the
//! next start goes on from there.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use millrace_shared::clock::{Clock, ClockError};
use millrace_shared::ident::AgentId;
use millrace_shared::store::StoreError;
use millrace_shared::store::desk::{Desk, Gone};
use millrace_shared::store::inbox::{Inbox, Worklist};
use millrace_shared::store::sqlite::inbox::{Limits, SqliteInbox};
use millrace_shared::store::sqlite::shadow::SqliteRecorder;
use millrace_shared::topic::Filter;
use millrace_shared::transport::{self, Credentials, Endpoint, Fault};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, OdooConfig, PlantConfig, TargetConfig};
use crate::flow::worker::{Domain, Turn, WorkError, Worker};
use crate::link::{Link, LinkError};
use crate::odoo::{Key, Odoo};
use crate::target::shadow::Shadow;
use crate::target::{self, Target};

/// How long the tasks may take to finish what they began.
pub const SHUTDOWN: Duration = Duration::from_secs(5);

/// How long the line may be silent before it is probed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How often what is past its retention is taken away, and how many messages at once.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
const PRUNE_COUNT: usize = 1000;

/// How long an idle domain waits before it looks by itself; arrivals wake it at once.
const IDLE: Duration = Duration::from_secs(5);

/// Most messages in one request to the shadow, which is no slower for being given many.
const SHADOW_BATCH: usize = 1000;

/// How often the service proves that its inbox moves, where systemd does not ask more often.
const PROOF_EVERY: Duration = Duration::from_secs(10);

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
    start_domains(
        config,
        inbox.clone(),
        clock.clone(),
        (news, arrivals),
        stop,
        tasks,
    )?;
    tasks.spawn(keep_house(inbox.clone(), clock, config.retention, stop.clone()));
    tasks.spawn(prove_progress(inbox, stop.clone()));
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

fn credentials(config: &Config) -> Credentials {
    Credentials {
        ca_file: config.broker.ca.clone(),
        certificate_file: config.broker.certificate.clone(),
        key_file: config.broker.key.clone(),
    }
}

fn transport_settings(config: &Config) -> Result<transport::Settings, DaemonError> {
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

/// One worker a domain. Plants that share a domain share its worker.
fn start_domains(
    config: &Config,
    inbox: Desk<SqliteInbox>,
    clock: Clock,
    (news, mut arrivals): (mpsc::Sender<AgentId>, mpsc::Receiver<AgentId>),
    stop: &CancellationToken,
    tasks: &mut JoinSet<Ended>,
) -> Ended {
    let mut domains: BTreeMap<&str, Vec<&PlantConfig>> = BTreeMap::new();
    for plant in &config.plants {
        domains.entry(&plant.domain).or_default().push(plant);
    }
    let mut bells: Vec<(Vec<AgentId>, Arc<Notify>)> = Vec::new();
    let callers = Arc::new(Semaphore::new(callers(&config.target)));
    for plants in domains.into_values() {
        let bell = Arc::new(Notify::new());
        let domain = domain_of(&plants);
        bells.push((domain.agents.clone(), bell.clone()));
        let (inbox, clock, callers, news) = (inbox.clone(), clock.clone(), callers.clone(), news.clone());
        match &config.target {
            TargetConfig::Odoo(odoo) => {
                let target = odoo_of(odoo, plants[0])?;
                let worker = Worker::new(domain, inbox, target, clock, callers, news);
                tasks.spawn(work(worker, bell, stop.clone()));
            }
            TargetConfig::Shadow => {
                let record = SqliteRecorder::open(&config.data.join("shadow.sqlite"))?;
                let target = Shadow::new(Desk::new("shadow", record)?, &domain.name);
                let domain = Domain {
                    batch: SHADOW_BATCH,
                    ..domain
                };
                let worker = Worker::new(domain, inbox, target, clock, callers, news);
                tasks.spawn(work(worker, bell, stop.clone()));
            }
        }
    }
    let stop = stop.clone();
    tasks.spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                agent = arrivals.recv() => {
                    let Some(agent) = agent else { return Ok(()) };
                    bells.iter().filter(|(agents, _)| agents.contains(&agent)).for_each(|(_, bell)| bell.notify_one());
                }
            }
        }
    });
    Ok(())
}

fn callers(target: &TargetConfig) -> usize {
    match target {
        TargetConfig::Odoo(odoo) => odoo.callers,
        TargetConfig::Shadow => 1,
    }
}

fn domain_of(plants: &[&PlantConfig]) -> Domain {
    let first = plants[0];
    Domain {
        name: first.domain.clone(),
        agents: plants.iter().map(|plant| plant.agent.clone()).collect(),
        company: first.company,
        policies: Arc::new(first.policies.clone()),
        holds: plants.iter().flat_map(|plant| plant.holds()).collect(),
        batch: crate::post::MESSAGES,
        group: crate::post::MESSAGES,
    }
}

fn odoo_of(odoo: &OdooConfig, plant: &PlantConfig) -> Result<Odoo, DaemonError> {
    let key = Key::from_file(&plant.api_key)?;
    Ok(Odoo::new(&odoo.url, &odoo.database, &plant.domain, key)?)
}

async fn work<T: Target + 'static>(
    mut worker: Worker<SqliteInbox, T>,
    bell: Arc<Notify>,
    stop: CancellationToken,
) -> Ended {
    loop {
        let turn = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            turn = worker.turn(rand::random()) => turn?,
        };
        let idle = turn == Turn::Idle;
        let pause = match turn {
            Turn::Worked => continue,
            Turn::Idle => IDLE,
            Turn::Pause(pause, why) => {
                tracing::warn!(
                    domain = worker.name(),
                    pause_ms = pause.as_millis(),
                    "domain pauses: {why}"
                );
                pause
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = bell.notified(), if idle => {}
            () = sleep(pause) => {}
        }
    }
}

/// Takes away what is past its retention.
async fn keep_house(
    inbox: Desk<SqliteInbox>,
    clock: Clock,
    retention: Duration,
    stop: CancellationToken,
) -> Ended {
    let mut tick = interval(PRUNE_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = tick.tick() => {}
        }
        let before_ms = clock
            .moment()
            .wall_ms
            .saturating_sub_unsigned(retention.as_millis() as u64);
        match inbox
            .ask(move |inbox| inbox.prune(before_ms, PRUNE_COUNT))
            .await?
        {
            Ok(PRUNE_COUNT) => tick.reset_immediately(),
            Ok(_) => {}
            Err(error) if error.is_transient() => tracing::warn!(%error, "pruning failed; it is tried again"),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Feeds systemd's watchdog, and only while the inbox's thread answers.
async fn prove_progress(inbox: Desk<SqliteInbox>, stop: CancellationToken) -> Ended {
    let every = sd_notify::watchdog_enabled().map_or(PROOF_EVERY, |limit| limit / 3);
    let mut tick = interval(every);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = tick.tick() => {}
        }
        inbox.ask(|_| ()).await?;
        notify(&[sd_notify::NotifyState::Watchdog]);
    }
}

fn notify(state: &[sd_notify::NotifyState<'_>]) {
    // Not run by systemd: nobody to tell.
    let _ = sd_notify::notify(state);
}
