//! A world of real processes: an agent, a relay with its broker, and a target, each of which can be killed.
//!
//! Everything is looked at from outside: over the sockets that devices use, through the programs' own commands, and in
//! the target's own tables.

mod clock;
mod device;
mod files;
pub mod mount;
mod plant;
mod process;
pub mod target;

use std::fs;
use std::net::TcpStream;
use std::ops::Deref;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::odoo::Database;
use crate::wire::Wire;
pub use device::{Scanner, message, post, post_bytes, scan};
pub use plant::Plant;
pub(crate) use process::program;
use process::{free_ports, kill, run, start};

/// How long anything in a world may take before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Where the messages of a world take effect.
pub enum Target<'d> {
    /// In the shadow: recorded, not posted.
    Shadow,
    /// In plant A of this database.
    Odoo(&'d Database),
}

/// Which broker stands between agent and relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broker {
    /// The relay's own.
    Embedded,
    /// Mosquitto, with the configuration that Millrace ships.
    Mosquitto,
}

/// An agent `plant-a` and a relay over real TLS; a neighbour `plant-b` where a test asks for one.
pub struct World {
    folder: TempDir,
    line: u16,
    agents: [Option<Child>; 2],
    relay: Option<Child>,
    mosquitto: Option<Child>,
    plant: Plant,
    /// The other plant.
    pub neighbour: Plant,
}

/// A world is its first plant.
impl Deref for World {
    type Target = Plant;

    fn deref(&self) -> &Plant {
        &self.plant
    }
}

const AGENT: &str = "agent";
const NEIGHBOUR: &str = "neighbour";
const RELAY: &str = "relay";

/// The token of the world's HTTP client.
pub const TOKEN: &str = "a-token-of-a-test-that-is-long-enough-to-be-taken";

impl World {
    /// A world in which nothing runs yet.
    pub fn new(target: &Target<'_>) -> Self {
        Self::with(target, Broker::Embedded)
    }

    /// A world with this broker. Mosquitto runs at once.
    pub fn with(target: &Target<'_>, broker: Broker) -> Self {
        let folder = TempDir::new().expect("a folder");
        let at = folder.path();
        run(
            at,
            "millrace-relay",
            &["pki", "pki", "--agent", "plant-a", "--agent", "plant-b"],
        );
        let [line] = free_ports();
        let mut world = Self {
            folder,
            line,
            agents: [None, None],
            relay: None,
            mosquitto: None,
            plant: Plant::new("plant-a"),
            neighbour: Plant::new("plant-b"),
        };
        let at = world.folder.path();
        fs::write(at.join("client.token"), TOKEN).expect("client.token");
        fs::write(at.join("relay.toml"), files::relay_toml(at, line, target, broker)).expect("relay.toml");
        for (short, plant) in [(AGENT, &world.plant), (NEIGHBOUR, &world.neighbour)] {
            fs::write(at.join(format!("{short}.toml")), files::agent_toml(plant, line))
                .expect("the agent's configuration");
        }
        if broker == Broker::Mosquitto {
            files::mosquitto_conf(at, world.line);
            world.start_mosquitto();
        }
        world
    }

    /// The folder of the world's files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the relay.
    pub fn start_relay(&mut self) {
        self.relay = Some(start(self.folder.path(), "millrace-relay", RELAY));
    }

    /// Starts the agent and waits until its scanners are answered.
    pub fn start_agent(&mut self) {
        self.agents[0] = Some(self.start_plant(AGENT, &self.plant));
    }

    /// Starts the agent of the neighbour, likewise.
    pub fn start_neighbour(&mut self) {
        self.agents[1] = Some(self.start_plant(NEIGHBOUR, &self.neighbour));
    }

    /// Lets the running agent write to no file from now on, as on a disk that takes nothing; or to every file again.
    pub fn agent_can_write(&mut self, can: bool) {
        process::can_write(self.agent(), can);
    }

    /// Starts the agent on a disk on which no file can grow beyond so many KiB.
    pub fn start_agent_with_files_of(&mut self, kib: u32) {
        let child = process::start_with_files_of(kib, self.folder.path(), "millrace-agent", AGENT);
        self.agents[0] = Some(self.wait_for(&self.plant, child));
    }

    fn start_plant(&self, short: &str, plant: &Plant) -> Child {
        self.wait_for(plant, start(self.folder.path(), "millrace-agent", short))
    }

    fn wait_for(&self, plant: &Plant, child: Child) -> Child {
        self.eventually("the agent listens", || {
            TcpStream::connect(("127.0.0.1", plant.count)).is_ok()
        });
        child
    }

    /// Ends the agent as a power cut would.
    pub fn kill_agent(&mut self) {
        kill(self.agents[0].take());
    }

    /// Lets the relay serve the neighbour too, in plant B of this database. Before the relay is started.
    pub fn admit_neighbour(&self, database: &Database) {
        let plant = files::plant_toml(self.folder.path(), database, "B");
        self.change("relay", |text| text + &plant);
    }

    /// Changes a configuration, `relay`, `agent` or `neighbour`, before its program is started.
    pub fn change(&self, name: &str, edit: impl FnOnce(String) -> String) {
        let file = self.folder.path().join(format!("{name}.toml"));
        let before = fs::read_to_string(&file).expect("a configuration");
        let after = edit(before.clone());
        assert_ne!(before, after, "nothing changed in {name}");
        fs::write(file, after).expect("a configuration");
    }

    /// The policy of the relay's plants, in place of `negative_stock = "allow"`.
    pub fn policy(&self, lines: &str) {
        self.change("relay", |text| text.replace("negative_stock = \"allow\"", lines));
    }

    /// Has the relay reach Odoo over a wire.
    pub fn over(&self, wire: &Wire, database: &Database) {
        self.change("relay", |text| text.replace(&database.instance.url, &wire.url));
    }

    /// Throws the relay's store away, as a lost disk would.
    pub fn wipe_relay(&self) {
        assert!(self.relay.is_none(), "the relay runs");
        fs::remove_dir_all(self.folder.path().join("relay")).expect("a store");
    }

    /// Asks one of the programs (`agent`, `neighbour` or `relay`) something, beside the running services or without them:
    /// its exit code and each line of its answer, which is JSON.
    pub fn ask(&self, short: &str, arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
        process::ask(self.folder.path(), short, arguments)
    }

    /// Has the relay do something that must succeed, and gives its answer.
    pub fn order(&self, arguments: &[&str]) -> Vec<Value> {
        let (code, told) = self.ask("relay", arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {told:?}\n{}", self.logs());
        told
    }

    /// The port of the broker.
    pub fn line(&self) -> u16 {
        self.line
    }

    /// The agent's process.
    pub fn agent(&mut self) -> &mut Child {
        self.agents[0].as_mut().expect("the agent runs")
    }

    /// Ends the relay, and the broker in it, as a power cut would.
    pub fn kill_relay(&mut self) {
        kill(self.relay.take());
    }

    /// Starts mosquitto.
    pub fn start_mosquitto(&mut self) {
        let at = self.folder.path();
        let mut mosquitto = Command::new("mosquitto");
        mosquitto
            .arg("-c")
            .arg(at.join("pki/mosquitto.conf"))
            .current_dir(at);
        let log = fs::File::create(at.join("mosquitto.log")).expect("a log");
        let child = mosquitto.stderr(log).spawn();
        self.mosquitto = Some(child.expect("mosquitto runs: `tests/run` fetches it and puts it on the PATH"));
    }

    /// Ends mosquitto as a power cut would.
    pub fn kill_mosquitto(&mut self) {
        kill(self.mosquitto.take());
    }

    /// Waits until something holds; fails with what the programs said if it does not in time.
    pub fn eventually(&self, what: &str, holds: impl FnMut() -> bool) {
        self.within(PATIENCE, what, holds);
    }

    /// The same for what may take longer, or must be quicker.
    pub fn within(&self, patience: Duration, what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + patience;
        while !holds() {
            assert!(Instant::now() < deadline, "not in time: {what}\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What the programs logged.
    pub fn logs(&self) -> String {
        let log = |name: &str| {
            let text = fs::read_to_string(self.folder.path().join(format!("{name}.log"))).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let tail = lines[lines.len().saturating_sub(40)..].join("\n");
            format!("--- {name}\n{tail}\n")
        };
        log(RELAY) + &log(AGENT) + &log(NEIGHBOUR)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for agent in &mut self.agents {
            kill(agent.take());
        }
        kill(self.relay.take());
        kill(self.mosquitto.take());
    }
}
