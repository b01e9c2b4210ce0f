//! The kill run: all five processes are killed at random while scanners and an MES fire, and afterwards Odoo's own
//! tables are compared with what was scanned. No code of the relay takes part in the comparison.

mod check;
mod load;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::odoo::{Database, Instance};
use crate::world::{Broker, Target, World};

pub use load::Log;

/// How long what was scanned may take to reach Odoo once nothing is killed any more, per message and at least.
const SETTLE_EACH: Duration = Duration::from_millis(500);
const SETTLE_LEAST: Duration = Duration::from_secs(180);

/// After how many kills the run says how far it is.
const TELL_KILLS: usize = 10;

/// What a run does.
#[derive(Debug, Clone)]
pub struct Run {
    /// How many processes are killed.
    pub kills: usize,
    /// How many messages are captured, at least.
    pub messages: usize,
    /// Which random choices are made. Which instant a kill hits is up to the machine.
    pub seed: u64,
    /// The folder of the run's own Odoo.
    pub odoo: PathBuf,
    /// Who is told now and then how far it is.
    pub tell: fn(&str),
}

/// What a run found.
#[derive(Debug, Default)]
pub struct Report {
    /// Messages that were answered OK.
    pub messages: usize,
    /// Kills by victim: agent, relay, broker, Odoo worker, PostgreSQL.
    pub kills: [usize; 5],
    /// How long the killing and the settling took.
    pub seconds: u64,
    /// Everything that is not as it must be. Empty is good.
    pub wrong: Vec<String>,
}

/// Runs it.
pub fn run(plan: &Run) -> Report {
    let started = Instant::now();
    let instance = Instance::own(plan.odoo.clone());
    let database = Database::of(instance);
    let mut world = World::with(&Target::Odoo(&database), Broker::Mosquitto);
    let before = check::Before::of(&database);
    world.start_relay();
    world.start_agent();
    let (captured, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let ports = load::Ports::of(&world);
    let mut report = Report::default();
    let log = std::thread::scope(|scope| {
        let firing = load::fire(scope, ports, plan.seed, &captured, &over);
        report.kills = kill_at_random(plan, instance, &mut world, &captured);
        over.store(true, Ordering::Relaxed);
        firing.join()
    });
    report.messages = log.messages();
    let patience = SETTLE_LEAST.max(SETTLE_EACH * report.messages as u32);
    (plan.tell)(&format!(
        "{} messages captured, {} kills; now they settle",
        report.messages, plan.kills
    ));
    let settled = check::wait(&database, report.messages, patience, plan.tell);
    report.wrong = check::compare(&database, &before, &log);
    if !settled {
        report.wrong.push(format!(
            "not all {} messages are done in Odoo\n{}",
            report.messages,
            world.logs()
        ));
    }
    report.seconds = started.elapsed().as_secs();
    drop((world, database));
    instance.remove();
    report
}

fn kill_at_random(plan: &Run, instance: &Instance, world: &mut World, captured: &AtomicUsize) -> [usize; 5] {
    let mut rng = StdRng::seed_from_u64(plan.seed);
    let mut kills = [0; 5];
    while kills.iter().sum::<usize>() < plan.kills || captured.load(Ordering::Relaxed) < plan.messages {
        std::thread::sleep(Duration::from_millis(rng.random_range(100..1500)));
        if kills.iter().sum::<usize>() >= plan.kills {
            continue;
        }
        let victim = rng.random_range(0..5);
        let away = Duration::from_millis(rng.random_range(0..1500));
        match victim {
            0 => {
                world.kill_agent();
                std::thread::sleep(away);
                world.start_agent();
            }
            1 => {
                world.kill_relay();
                std::thread::sleep(away);
                world.start_relay();
            }
            2 => {
                world.kill_mosquitto();
                std::thread::sleep(away);
                world.start_mosquitto();
            }
            3 => instance.kill_worker(rng.random_range(0..8)),
            _ => {
                instance.kill_postgres();
                std::thread::sleep(away);
                instance.restart();
            }
        }
        kills[victim] += 1;
        let all = kills.iter().sum::<usize>();
        if all.is_multiple_of(TELL_KILLS) {
            (plan.tell)(&format!(
                "{all} kills, {} messages captured",
                captured.load(Ordering::Relaxed)
            ));
        }
    }
    kills
}
