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

/// An agent `plant-a` and a relay over real TLS.
pub struct World {
    folder: TempDir,
    agent: Option<Child>,
    relay: Option<Child>,
    /// The scanners of the production station.
    pub production: u16,
    /// The scanners of the counting station.
    pub count: u16,
}

impl World {
    /// A world in which nothing runs yet.
    pub fn new(target: &Target<'_>) -> Self {
        let folder = TempDir::new().expect("a folder");
        let at = folder.path();
        command(at, "millrace-relay", &["pki", "pki", "--agent", "plant-a"]);
        let [broker, production, count] = free_ports();
        fs::write(at.join("relay.toml"), relay_toml(at, broker, target)).expect("relay.toml");
        fs::write(at.join("agent.toml"), agent_toml(broker, production, count)).expect("agent.toml");
        Self {
            folder,
            agent: None,
            relay: None,
            production,
            count,
        }
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

/// A program of the project, as the test command built it.
fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("the test's own path");
    let folder = own.ancestors().nth(2).expect("target/<profile>/deps/test");
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is not built: run `cargo build --workspace` first",
        path.display()
    );
    path
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

fn relay_toml(at: &Path, broker: u16, target: &Target<'_>) -> String {
    let target = match target {
        Target::Shadow => "[shadow]\n[[plant]]\nagent = \"plant-a\"\n".to_owned(),
        Target::Odoo(database) => {
            let plant = &database.instance.seed["plants"]["A"];
            let (company, domain) = (&plant["company"]["id"], text(&plant["company"]["domain"]));
            admit(database, company.as_i64().expect("an id"), &domain);
            fs::write(at.join("bot.key"), text(&plant["users"]["bot"]["key"])).expect("bot.key");
            format!(
                "[odoo]\nurl = \"{}\"\ndatabase = \"{}\"\n[[plant]]\nagent = \"plant-a\"\ncompany = {company}\n\
                 domain = \"{domain}\"\napi_key = \"bot.key\"\n",
                database.instance.url, database.name
            )
        }
    };
    format!(
        "[relay]\ndata = \"relay\"\n[broker]\nhost = \"localhost\"\nport = {broker}\nca = \"pki/ca.crt\"\n\
         certificate = \"pki/relay.crt\"\nkey = \"pki/relay.key\"\n[broker.embedded]\nlisten = \"127.0.0.1:{broker}\"\n\
         certificate = \"pki/broker.crt\"\nkey = \"pki/broker.key\"\n{target}"
    )
}

/// Lets the domain's bot do what the relay's postings need, as an administrator would.
fn admit(database: &Database, company: i64, domain: &str) {
    let named = json!({ "domain": [["name", "=", domain]] });
    let found = database.admin(company, "millrace.domain", "search", named);
    let allow = json!({ "ids": found, "vals": { "allow": millrace_relay::post::ALLOW_LIST } });
    database.admin(company, "millrace.domain", "write", allow);
}

fn agent_toml(broker: u16, production: u16, count: u16) -> String {
    format!(
        "[agent]\nname = \"plant-a\"\nzone = \"Europe/Berlin\"\ndata = \"agent\"\n[relay]\nhost = \"localhost\"\n\
         port = {broker}\nca = \"pki/ca.crt\"\ncertificate = \"pki/plant-a.crt\"\nkey = \"pki/plant-a.key\"\n\
         [[station]]\nname = \"line-a\"\nmakes = \"production\"\n[[station]]\nname = \"stock\"\nmakes = \"count\"\n\
         [[scanner]]\nname = \"guns\"\nlisten = \"127.0.0.1:{production}\"\nstation = \"line-a\"\nscans_per_second = 10000\n\
         burst = 10000\n[[scanner]]\nname = \"counters\"\nlisten = \"127.0.0.1:{count}\"\nstation = \"stock\"\n\
         scans_per_second = 10000\nburst = 10000\n"
    )
}
