//! A world of real processes: an agent, a relay with its broker, and a target, each of which can be killed.
//!
//! Everything is looked at from outside: over the sockets that devices use, through the programs' own commands, and in
//! the target's own tables.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::odoo::{Database, text};

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

/// An agent `plant-a` and a relay over real TLS.
pub struct World {
    folder: TempDir,
    agent: Option<Child>,
    relay: Option<Child>,
    mosquitto: Option<Child>,
    /// The scanners of the production station.
    pub production: u16,
    /// The scanners of the counting station.
    pub count: u16,
    /// The scanners of two more counting stations.
    pub more_counts: [u16; 2],
    /// Where messages are taken over HTTP, from a client whose token is [`TOKEN`].
    pub http: u16,
}

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
        command(at, "millrace-relay", &["pki", "pki", "--agent", "plant-a"]);
        let [line, production, count, second, third, http] = free_ports();
        let mut world = Self {
            folder,
            agent: None,
            relay: None,
            mosquitto: None,
            production,
            count,
            more_counts: [second, third],
            http,
        };
        let at = world.folder.path();
        fs::write(at.join("client.token"), TOKEN).expect("client.token");
        fs::write(at.join("relay.toml"), relay_toml(at, line, target, broker)).expect("relay.toml");
        fs::write(at.join("agent.toml"), world.agent_toml(line)).expect("agent.toml");
        if broker == Broker::Mosquitto {
            mosquitto_conf(at, line);
            world.start_mosquitto();
        }
        world
    }

    fn agent_toml(&self, line: u16) -> String {
        let stations = [
            ("line-a", "production", self.production),
            ("stock", "count", self.count),
            ("stock-2", "count", self.more_counts[0]),
            ("stock-3", "count", self.more_counts[1]),
        ];
        let station = |(name, makes, port): &(&str, &str, u16)| {
            format!(
                "[[station]]\nname = \"{name}\"\nmakes = \"{makes}\"\n[[scanner]]\nname = \"guns-{name}\"\n\
                 listen = \"127.0.0.1:{port}\"\nstation = \"{name}\"\nscans_per_second = 10000\nburst = 10000\n"
            )
        };
        let stations: String = stations.iter().map(station).collect();
        format!(
            "[agent]\nname = \"plant-a\"\nzone = \"Europe/Berlin\"\ndata = \"agent\"\n[relay]\nhost = \"localhost\"\n\
             port = {line}\nca = \"pki/ca.crt\"\ncertificate = \"pki/plant-a.crt\"\nkey = \"pki/plant-a.key\"\n\
             {stations}[[http]]\nname = \"mes\"\nlisten = \"127.0.0.1:{}\"\n[[http.client]]\nname = \"tester\"\n\
             token_file = \"client.token\"\n",
            self.http
        )
    }

    /// The folder of the world's files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the relay.
    pub fn start_relay(&mut self) {
        self.relay = Some(start(self.folder.path(), "millrace-relay", "relay"));
    }

    /// Starts the agent and waits until its scanners are answered.
    pub fn start_agent(&mut self) {
        self.agent = Some(start(self.folder.path(), "millrace-agent", "agent"));
        let port = self.count;
        self.eventually("the agent listens", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
    }

    /// Ends the agent as a power cut would.
    pub fn kill_agent(&mut self) {
        kill(self.agent.take());
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

    /// Asks one of the programs (`agent` or `relay`) something, beside the running services or without them: its exit code
    /// and each line of its answer, which is JSON.
    pub fn ask(&self, short: &str, arguments: &[&str]) -> (Option<i32>, Vec<serde_json::Value>) {
        let output = Command::new(program(&format!("millrace-{short}")))
            .args(["--config", &format!("{short}.toml"), "--json"])
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .expect("it runs");
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        (output.status.code(), lines.collect())
    }

    /// Waits until something holds; fails with what the programs said if it does not in time.
    pub fn eventually(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < deadline, "not in time: {what}\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What both programs logged.
    pub fn logs(&self) -> String {
        let log = |name: &str| {
            let text = fs::read_to_string(self.folder.path().join(format!("{name}.log"))).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let tail = lines[lines.len().saturating_sub(40)..].join("\n");
            format!("--- {name}\n{tail}\n")
        };
        log("relay") + &log("agent")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        kill(self.agent.take());
        kill(self.relay.take());
        kill(self.mosquitto.take());
    }
}

/// Sends scans as a scanner would, one after the other, and returns what it was told. Each answer is waited for.
pub fn scan(port: u16, scans: &[&str]) -> std::io::Result<Vec<String>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let mut told = Vec::new();
    for scan in scans {
        stream.write_all(format!("{scan}\n").as_bytes())?;
        let mut line = String::new();
        if answers.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        told.push(line.trim_end().to_owned());
    }
    Ok(told)
}

/// A program of the project, from the build that the caller itself belongs to.
fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("the caller's own path");
    let built = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    built.unwrap_or_else(|| panic!("{name} is not built: run `cargo build --workspace` first"))
}

fn command(folder: &Path, name: &str, arguments: &[&str]) {
    let output = Command::new(program(name))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{name} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn start(folder: &Path, name: &str, short: &str) -> Child {
    let log = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join(format!("{short}.log")));
    Command::new(program(name))
        .args(["--config", &format!("{short}.toml"), "run"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.expect("a log"))
        .spawn()
        .expect("it starts")
}

fn kill(child: Option<Child>) {
    if let Some(mut child) = child {
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }
}

fn free_ports<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    held.map(|listener| listener.local_addr().expect("its address").port())
}

fn relay_toml(at: &Path, line: u16, target: &Target<'_>, broker: Broker) -> String {
    let target = match target {
        Target::Shadow => "[shadow]\n[[plant]]\nagent = \"plant-a\"\n".to_owned(),
        Target::Odoo(database) => {
            let plant = &database.instance.seed["plants"]["A"];
            let (company, domain) = (&plant["company"]["id"], text(&plant["company"]["domain"]));
            admit(database, company.as_i64().expect("an id"), &domain);
            fs::write(at.join("bot.key"), text(&plant["users"]["bot"]["key"])).expect("bot.key");
            format!(
                "[odoo]\nurl = \"{}\"\ndatabase = \"{}\"\n[[plant]]\nagent = \"plant-a\"\ncompany = {company}\n\
                 domain = \"{domain}\"\napi_key = \"bot.key\"\n[plant.policy]\nnegative_stock = \"allow\"\n",
                database.instance.url, database.name
            )
        }
    };
    let embedded = format!(
        "[broker.embedded]\nlisten = \"127.0.0.1:{line}\"\ncertificate = \"pki/broker.crt\"\nkey = \"pki/broker.key\"\n"
    );
    let embedded = if broker == Broker::Embedded {
        embedded
    } else {
        String::new()
    };
    format!(
        "[relay]\ndata = \"relay\"\n[broker]\nhost = \"localhost\"\nport = {line}\nca = \"pki/ca.crt\"\n\
         certificate = \"pki/relay.crt\"\nkey = \"pki/relay.key\"\n{embedded}{target}"
    )
}

/// The configuration that Millrace ships for mosquitto, with this world's port and files.
fn mosquitto_conf(at: &Path, line: u16) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../installer/mosquitto");
    let read = |name: &str| fs::read_to_string(shipped.join(name)).expect("the shipped configuration");
    let pki = at.join("pki");
    let conf = read("millrace.conf")
        .replace("listener 8883", &format!("listener {line} 127.0.0.1"))
        .replace("/etc/mosquitto/millrace", pki.to_str().expect("a path in UTF-8"));
    // As root it would give up its rights and could no longer read the world's files.
    fs::write(
        pki.join("mosquitto.conf"),
        conf + "\nuser root\nlog_dest stderr\n",
    )
    .expect("mosquitto.conf");
    fs::write(pki.join("millrace.acl"), read("millrace.acl")).expect("millrace.acl");
}

/// Lets the domain's bot do what the relay's postings need, as an administrator would.
fn admit(database: &Database, company: i64, domain: &str) {
    let named = json!({ "domain": [["name", "=", domain]] });
    let found = database.admin(company, "millrace.domain", "search", named);
    let allow = json!({ "ids": found, "vals": { "allow": millrace_relay::post::ALLOW_LIST } });
    database.admin(company, "millrace.domain", "write", allow);
}
