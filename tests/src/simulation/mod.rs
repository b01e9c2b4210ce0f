//! A deterministic simulation of both ends of the link: the shipped machines over the shipped models of their
//! stores, a model of Odoo, a faulty network, and disasters. One seed is one world; the same seed is the same world.
//!
//! A world has a storm, in which everything may go wrong, and a calm, in which everything must come to rest. Then the
//! [`oracle`] compares the raw list of scans with the target's books. What must hold at every instant is looked at by
//! [`watch`]. [`bug`] names faults that are planted to prove that both see them.
//!
//! ```text
//! plan ─► world ─► happen ─► drive ─► Sender / Receiver   (shipped)
//!                    │  │      └────► MemorySpool, MemoryInbox  (shipped models)
//!   disaster, process ┘  └─► poster ─► errand ─► Odoo (model)
//! ```

pub mod agent;
pub mod bug;
pub mod dice;
mod disaster;
mod drive;
mod errand;
mod happen;
pub mod inbox;
mod log;
pub mod network;
pub mod odoo;
pub mod oracle;
mod person;
pub mod plan;
mod plant;
pub mod poster;
mod process;
pub mod relay;
pub mod scan;
mod watch;
pub mod world;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use millrace_shared::ident::{AgentId, Epoch};
use millrace_shared::store::memory::MemorySpool;

use agent::{AgentNode, Disk};
use bug::Bug;
use inbox::RelayDisk;
use network::Line;
use poster::Poster;
use relay::RelayNode;
use scan::Scan;
use world::{Event, Node, World};

/// After the storm a world must come to rest within this time.
const CALM_MS: u64 = 48 * 3_600 * 1000;
/// How often it is looked whether it has.
const LOOK_MS: u64 = 5_000;
/// No world needs more events than this: one that does runs in a circle.
const STEPS: u64 = 3_000_000;

/// How a world ended.
#[derive(Debug)]
pub struct Verdict {
    /// Promises that were broken; none where all is well.
    pub broken: Vec<String>,
    /// What happened, where a log was kept.
    pub log: Vec<String>,
    /// How many events happened.
    pub steps: u64,
    /// How many scans there were.
    pub scans: usize,
    /// Simulated milliseconds.
    pub lasted_ms: u64,
}

/// Runs the world of a seed.
pub fn run(seed: u64, bug: Option<Bug>, log: bool) -> Verdict {
    let mut world = build(seed, bug, log);
    let end_ms = world.plan.storm_ms + CALM_MS;
    let mut look_ms = world.plan.storm_ms + LOOK_MS;
    while let Some(event) = world.next_event(end_ms) {
        world.happen(event);
        if world.steps > STEPS {
            world.violate(format!(
                "it runs in a circle: {STEPS} events by {} ms",
                world.now_ms
            ));
        }
        if !world.broken.is_empty() {
            break;
        }
        if world.now_ms >= look_ms {
            look_ms = world.now_ms + LOOK_MS;
            if world.mended && oracle::balance(&world).is_empty() {
                break;
            }
        }
    }
    if world.broken.is_empty() {
        world.count_destroyed();
        for broken in oracle::judge(&world) {
            world.violate(broken);
        }
    }
    Verdict {
        broken: std::mem::take(&mut world.broken),
        steps: world.steps,
        scans: world.scans.len(),
        lasted_ms: world.now_ms,
        log: world.take_log(),
    }
}

fn build(seed: u64, bug: Option<Bug>, log: bool) -> World {
    let mut world = World::new(seed, bug, log);
    let plan = format!("{:?}", world.plan);
    world.note(|| plan);
    let (store, mark) = (world.dice.number(), world.dice.number());
    world.relays.push(RelayNode {
        disk: RelayDisk::new(store, mark, world.plan.quota, bug),
        run: 0,
        up: false,
        deposed: false,
        paused_until_ms: 0,
        receivers: Default::default(),
        poster: Poster::default(),
        store_free_ms: 0,
        wake_ms: None,
    });
    for number in 0..world.plan.agents {
        let name = format!("plant-{number}");
        let id: AgentId = name
            .parse()
            .unwrap_or_else(|_| unreachable!("{name} is a good name"));
        let epoch = Epoch(world.dice.number());
        let mut to_scan = VecDeque::new();
        for _ in 0..world.plan.scans {
            to_scan.push_back(world.scans.len());
            world
                .scans
                .push(Scan::throw(&id, world.plan.orders, &mut world.dice));
        }
        world.agents.push(AgentNode {
            disk: Disk {
                spool: MemorySpool::new(id.clone(), epoch),
                lineage: Vec::new(),
            },
            id,
            images: Vec::new(),
            exists: true,
            run: 0,
            sender: None,
            connected: false,
            line: Line::default(),
            store_free_ms: 0,
            wake_ms: None,
            skew_ms: 0,
            to_scan,
            term_heard: 0,
        });
        world.later(10, Event::Start(Node::Agent(number), 0));
        world.later(100, Event::Scan(number));
    }
    world.later(0, Event::Start(Node::Relay(0), 0));
    world.later(5_000, Event::Person);
    for (at_ms, disaster) in world.plan.disasters.clone() {
        world.at(at_ms, Event::Disaster(disaster));
    }
    world.at(world.plan.storm_ms, Event::Mend);
    world
}

/// Runs this for each of these seeds, on so many threads (on all processors where none is said), and collects what it
/// returns. It is also told how many seeds were begun.
pub fn sweep<T: Send>(
    seeds: Range<u64>,
    threads: Option<usize>,
    work: impl Fn(u64, u64) -> Option<T> + Sync,
) -> Vec<T> {
    let (next, found) = (AtomicU64::new(seeds.start), Mutex::new(Vec::new()));
    let processors = || std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads.unwrap_or_else(processors) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    if let Some(value) = work(seed, seed + 1 - seeds.start) {
                        found.lock().expect("no other thread panicked").push(value);
                    }
                }
            });
        }
    });
    found.into_inner().expect("no thread panicked")
}

/// The first of these seeds in which a planted bug is seen, with what was seen.
pub fn catch(bug: Bug, seeds: Range<u64>) -> Option<(u64, String)> {
    for seed in seeds {
        if let Some(broken) = run(seed, Some(bug), false).broken.into_iter().next() {
            return Some((seed, broken));
        }
    }
    None
}
