//! The world of one seed: its machines, its clock, and everything that is about to happen.

use std::collections::{BTreeMap, BTreeSet};

use millrace_shared::envelope::Moment;
use millrace_shared::ident::AgentId;
use millrace_shared::link::{Channel, ReceiverAction, ReceiverEvent, SenderAction, SenderEvent};
use millrace_shared::store::inbox::{Request, Slot};

use super::agent::AgentNode;
use super::bug::Bug;
use super::dice::Dice;
use super::odoo::{Ask, Name, Odoo, Reply};
use super::plan::{Disaster, Plan};
use super::relay::RelayNode;
use super::scan::Scan;

/// A machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// This agent.
    Agent(usize),
    /// This relay.
    Relay(usize),
}

/// What is about to happen.
#[derive(Debug)]
pub enum Event {
    /// A payload arrives.
    Payload(Node, AgentId, Channel, Vec<u8>),
    /// A process starts.
    Start(Node, u32),
    /// A machine's time is up.
    Wake(Node, u32),
    /// An agent's line has a connection.
    Connect(usize, u32),
    /// An agent notices that its connection is gone.
    Disconnect(usize, u32),
    /// A store does what it was asked.
    Do(Node, u32, Job),
    /// A process hears of what its store did.
    Answer(Node, u32, Answer),
    /// A scanner scans, or repeats what was not answered.
    Scan(usize),
    /// A relay's poster looks for work.
    Tick(usize, u32),
    /// A request reaches the target: from whom, its number, the fence and the outcomes seen when it was sent.
    Request(usize, u32, u64, Ask, (u64, u64)),
    /// An answer of the target reaches its relay, with the outcomes it had.
    Reply(usize, u32, u64, Reply, u64),
    /// Somebody in the office looks at the dead letters.
    Person,
    /// A disaster strikes.
    Disaster(Disaster),
    /// The storm is over.
    Mend,
}

/// What a store is asked.
#[derive(Debug)]
pub enum Job {
    /// By the sending machine.
    Sender(SenderAction),
    /// By the receiving machine of this agent.
    Receiver(AgentId, ReceiverAction),
    /// By the poster: changes, and what is posted once they are committed.
    Poster(Vec<Request>, Vec<Slot>),
    /// By the source: this scan.
    Scan(usize),
}

/// What a store answers.
#[derive(Debug)]
pub enum Answer {
    /// To the sending machine.
    Sender(SenderEvent),
    /// To the receiving machine of this agent.
    Receiver(AgentId, ReceiverEvent),
    /// To the poster: these may be posted.
    Poster(Vec<Slot>),
    /// To the scanner: OK, or not.
    Tone(usize, bool),
}

/// The world.
pub struct World {
    /// The seed's dice.
    pub dice: Dice,
    /// What the seed makes happen.
    pub plan: Plan,
    /// The fault that is planted.
    pub bug: Option<Bug>,
    /// Agents, clones included.
    pub agents: Vec<AgentNode>,
    /// Relays; the last one is the rightful one.
    pub relays: Vec<RelayNode>,
    /// Images of the relay's disk.
    pub relay_images: Vec<super::inbox::RelayDisk>,
    /// The target.
    pub odoo: Odoo,
    /// An image of the target, while it can be put back without anything being lost that the relay cannot replay.
    pub odoo_image: Option<Odoo>,
    /// The target cannot be reached until then.
    pub odoo_down_until_ms: u64,
    /// What people ever discarded: their decision stands, whatever image the target is put back from.
    pub discarded: BTreeSet<Name>,
    /// Scans that ever took effect, whatever image the target was put back from since.
    pub ever_applied: BTreeSet<usize>,
    /// When each movement happened.
    pub effect_ms: BTreeMap<usize, u64>,
    /// The raw list of scans.
    pub scans: Vec<Scan>,
    /// What disks that are no more had taken, in order of capture.
    pub lineages: Vec<Vec<usize>>,
    /// The storm is over.
    pub mended: bool,
    /// When something last became settled.
    pub moved_ms: u64,
    /// Promises that were seen broken.
    pub broken: Vec<String>,
    /// Milliseconds since the world began.
    pub now_ms: u64,
    /// How many events happened.
    pub steps: u64,
    log: Option<Vec<String>>,
    queue: BTreeMap<(u64, u64), Event>,
    queued: u64,
}

/// Wall time when a world begins, milliseconds since 1970.
const WALL_MS: i64 = 1_760_000_000_000;

impl World {
    /// An empty world.
    pub fn new(seed: u64, bug: Option<Bug>, log: bool) -> Self {
        let mut dice = Dice::new(seed);
        let plan = Plan::new(&mut dice);
        Self {
            dice,
            plan,
            bug,
            agents: Vec::new(),
            relays: Vec::new(),
            relay_images: Vec::new(),
            odoo: Odoo::default(),
            odoo_image: None,
            odoo_down_until_ms: 0,
            discarded: BTreeSet::new(),
            ever_applied: BTreeSet::new(),
            effect_ms: BTreeMap::new(),
            scans: Vec::new(),
            lineages: Vec::new(),
            mended: false,
            moved_ms: 0,
            broken: Vec::new(),
            now_ms: 0,
            steps: 0,
            log: log.then(Vec::new),
            queue: BTreeMap::new(),
            queued: 0,
        }
    }

    /// Lets something happen after this long.
    pub fn later(&mut self, after_ms: u64, event: Event) {
        self.at(self.now_ms + after_ms, event);
    }

    /// Lets something happen at this time.
    pub fn at(&mut self, at_ms: u64, event: Event) {
        self.queued += 1;
        self.queue.insert((at_ms.max(self.now_ms), self.queued), event);
    }

    /// The next event, the clock set to its time; none if it lies behind this time.
    pub fn next_event(&mut self, until_ms: u64) -> Option<Event> {
        let entry = self.queue.first_entry()?;
        let at_ms = entry.key().0;
        if at_ms > until_ms {
            return None;
        }
        let event = entry.remove();
        self.now_ms = at_ms;
        self.steps += 1;
        Some(event)
    }

    /// The clocks of a machine.
    pub fn moment(&self, node: Node) -> Moment {
        let skew = match node {
            Node::Agent(agent) => self.agents[agent].skew_ms,
            Node::Relay(_) => 0,
        };
        Moment {
            wall_ms: WALL_MS + self.now_ms as i64 + skew,
            offset_minutes: 0,
            boot: 1,
            monotonic_ms: self.now_ms,
        }
    }

    /// The run of a machine's process.
    pub fn run_of(&self, node: Node) -> u32 {
        match node {
            Node::Agent(agent) => self.agents[agent].run,
            Node::Relay(relay) => self.relays[relay].run,
        }
    }

    /// Whether this process of a machine still runs.
    pub fn runs(&self, node: Node, run: u32) -> bool {
        let up = match node {
            Node::Agent(agent) => self.agents[agent].sender.is_some(),
            Node::Relay(relay) => self.relays[relay].up,
        };
        up && self.run_of(node) == run
    }

    /// A step between two boundaries. True where it was the process's last.
    pub fn boundary(&mut self, node: Node) -> bool {
        let last = !self.mended && self.dice.chance(self.plan.crash) && self.dice.chance(300);
        if last {
            self.note(|| format!("{node:?} dies between two steps"));
            self.kill(node);
        }
        last
    }

    /// Hands a job to a machine's store, behind what it was asked before.
    pub fn ask_store(&mut self, node: Node, job: Job) {
        let run = self.run_of(node);
        let free_ms = match node {
            Node::Agent(agent) => self.agents[agent].store_free_ms,
            Node::Relay(relay) => self.relays[relay].store_free_ms,
        };
        let at_ms = free_ms.max(self.now_ms) + self.dice.between(0, 12);
        match node {
            Node::Agent(agent) => self.agents[agent].store_free_ms = at_ms,
            Node::Relay(relay) => self.relays[relay].store_free_ms = at_ms,
        }
        self.at(at_ms, Event::Do(node, run, job));
    }

    /// Lets a process hear of what its store did.
    pub fn answer(&mut self, node: Node, answer: Answer) {
        let run = self.run_of(node);
        // Never before an earlier answer: the next job ends later than this one is answered.
        let after_ms = self.dice.between(0, 3);
        let free = self.now_ms + after_ms;
        match node {
            Node::Agent(agent) => {
                let node = &mut self.agents[agent];
                node.store_free_ms = node.store_free_ms.max(free);
            }
            Node::Relay(relay) => {
                let node = &mut self.relays[relay];
                node.store_free_ms = node.store_free_ms.max(free);
            }
        }
        self.later(after_ms, Event::Answer(node, run, answer));
    }

    /// The rightful relay.
    pub fn relay(&self) -> usize {
        self.relays.len() - 1
    }

    /// A promise was seen broken.
    pub fn violate(&mut self, text: String) {
        self.note(|| format!("BROKEN: {text}"));
        if self.broken.len() < 8 {
            self.broken.push(text);
        }
    }

    /// A line in the log, if one is kept.
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            log.push(format!("{:>10} {}", self.now_ms, line()));
        }
    }

    /// The log.
    pub fn take_log(&mut self) -> Vec<String> {
        self.log.take().unwrap_or_default()
    }
}
