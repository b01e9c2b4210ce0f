//! The domains' workers, and the bells that wake them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use millrace_shared::clock::Clock;
use millrace_shared::ident::AgentId;
use millrace_shared::service::{ServiceError, Tasks};
use millrace_shared::store::desk::Desk;
use millrace_shared::store::sqlite::inbox::SqliteInbox;
use millrace_shared::store::sqlite::shadow::SqliteRecorder;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::DaemonError;
use crate::config::{Config, OdooConfig, PlantConfig, TargetConfig};
use crate::flow::domain::Domain;
use crate::flow::worker::{Turn, Worker};
use crate::odoo::{Key, Odoo};
use crate::target::Target;
use crate::target::shadow::Shadow;

/// How long an idle domain waits before it looks by itself; arrivals wake it at once.
const IDLE: Duration = Duration::from_secs(5);

/// Most messages in one request to the shadow, which is no slower for being given many.
const SHADOW_BATCH: usize = 1000;

/// Wakes a worker.
#[derive(Debug, Default)]
struct Bell {
    /// Something arrived. Does not cut short a pause after a failure.
    arrival: Notify,
    /// A person gave an order. Cuts short whatever it is.
    wake: Notify,
    /// A person gave an order since the last look.
    ordered: AtomicBool,
}

/// The bells of all domains, each with the agents whose messages take effect there.
#[derive(Debug, Clone, Default)]
pub(super) struct Bells(Vec<(Vec<AgentId>, Arc<Bell>)>);

impl Bells {
    fn arrival(&self, agent: &AgentId) {
        let theirs = self.0.iter().filter(|(agents, _)| agents.contains(agent));
        theirs.for_each(|(_, bell)| bell.arrival.notify_one());
    }

    /// A person gave an order.
    pub(super) fn order(&self) {
        for (_, bell) in &self.0 {
            bell.ordered.store(true, Ordering::Release);
            bell.wake.notify_one();
        }
    }
}

/// Wakes the domain of each arrival.
pub(super) async fn ring(
    bells: Bells,
    mut arrivals: mpsc::Receiver<AgentId>,
    stop: CancellationToken,
) -> Result<(), DaemonError> {
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            agent = arrivals.recv() => match agent {
                Some(agent) => bells.arrival(&agent),
                None => return Ok(()),
            },
        }
    }
}

/// One worker a domain. Plants that share a domain share its worker.
pub(super) fn start(
    config: &Config,
    inbox: &Desk<SqliteInbox>,
    clock: &Clock,
    news: &mpsc::Sender<AgentId>,
    tasks: &mut Tasks<DaemonError>,
) -> Result<Bells, DaemonError> {
    let mut domains: BTreeMap<&str, Vec<&PlantConfig>> = BTreeMap::new();
    for plant in &config.plants {
        domains.entry(&plant.domain).or_default().push(plant);
    }
    let mut bells = Bells::default();
    let ground = Ground::open(config)?;
    let callers = Arc::new(Semaphore::new(callers(&config.target)));
    for plants in domains.into_values() {
        let bell = Arc::new(Bell::default());
        let domain = domain_of(&plants);
        bells.0.push((domain.agents.clone(), bell.clone()));
        let (inbox, clock, callers, news) = (inbox.clone(), clock.clone(), callers.clone(), news.clone());
        match &ground {
            Ground::Odoo(odoo) => {
                let target = odoo_of(odoo, plants[0])?;
                let worker = Worker::new(domain, inbox, target, clock, callers, news);
                tasks.spawn(work(worker, bell, tasks.stop()));
            }
            Ground::Shadow(record) => {
                let target = Shadow::new(record.clone(), &domain.name);
                let domain = Domain {
                    batch: SHADOW_BATCH,
                    ..domain
                };
                let worker = Worker::new(domain, inbox, target, clock, callers, news);
                tasks.spawn(work(worker, bell, tasks.stop()));
            }
        }
    }
    Ok(bells)
}

/// What all domains have in common to post to.
enum Ground<'c> {
    Odoo(&'c OdooConfig),
    Shadow(Desk<SqliteRecorder>),
}

impl<'c> Ground<'c> {
    fn open(config: &'c Config) -> Result<Self, DaemonError> {
        match &config.target {
            TargetConfig::Odoo(odoo) => Ok(Self::Odoo(odoo)),
            TargetConfig::Shadow => {
                let record = SqliteRecorder::open(&config.data.join("shadow.sqlite"))?;
                let desk = Desk::new("shadow", record).map_err(ServiceError::System)?;
                Ok(Self::Shadow(desk))
            }
        }
    }
}

fn callers(target: &TargetConfig) -> usize {
    match target {
        TargetConfig::Odoo(odoo) => odoo.callers,
        TargetConfig::Shadow => 1,
    }
}

pub(crate) fn domain_of(plants: &[&PlantConfig]) -> Domain {
    let first = plants[0];
    Domain {
        name: first.domain.clone(),
        agents: plants.iter().map(|plant| plant.agent.clone()).collect(),
        company: first.company,
        policies: Arc::new(first.policies.clone()),
        holds: plants.iter().flat_map(|plant| plant.holds()).collect(),
        stock_wait: first.stock_wait,
        batch: crate::post::MESSAGES,
        group: crate::post::MESSAGES,
    }
}

pub(crate) fn odoo_of(odoo: &OdooConfig, plant: &PlantConfig) -> Result<Odoo, DaemonError> {
    let key = Key::in_file(&plant.api_key);
    Ok(Odoo::new(&odoo.url, &odoo.database, &plant.domain, key)?)
}

async fn work<T: Target + 'static>(
    mut worker: Worker<SqliteInbox, T>,
    bell: Arc<Bell>,
    stop: CancellationToken,
) -> Result<(), DaemonError> {
    loop {
        if bell.ordered.swap(false, Ordering::AcqRel) {
            worker.refresh();
        }
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
            () = bell.wake.notified() => {}
            () = bell.arrival.notified(), if idle => {}
            () = sleep(pause) => {}
        }
    }
}
