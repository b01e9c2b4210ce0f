//! How long the agent takes until it is ready, and how much memory it has, with a backlog that no link takes away.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::intake::spool_of;
use super::table::{Aim, Row};
use super::{Say, fill};
use crate::world::{PATIENCE, Target, World, program};

/// How long the agent runs before its memory is looked at.
const SETTLED: Duration = Duration::from_secs(5);
const READY: Aim = Aim::AtMost(1.0);
const MEMORY: Aim = Aim::AtMost(40.0);

/// Three backlogs. The largest takes 3 GB of disk for a while.
pub fn measure(say: Say<'_>) {
    for millions in [0, 1, 5] {
        let world = World::new(&Target::Shadow);
        let rate = fill::fill(&spool_of(&world), millions * 1_000_000);
        if millions > 0 {
            eprintln!("{millions} million messages were written at {rate:.0}/s");
        }
        let (agent, ready) = start(world.folder());
        std::thread::sleep(SETTLED);
        let peak = memory_mib(agent.0.id(), "VmHWM");
        drop(agent);
        let name = |what: &str| format!("restart, {what}, {millions} million waiting");
        say(Row::new(name("until ready"), ready.as_secs_f64(), "s").aim(READY));
        say(Row::new(name("agent's memory, peak"), peak, "MiB").aim(MEMORY));
    }
}

/// An agent, which ends with this value.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// Starts the agent of a world as systemd would, and gives the time until it says that it is ready.
fn start(folder: &Path) -> (Agent, Duration) {
    let socket = folder.join("notify");
    let told = UnixDatagram::bind(&socket).expect("a socket");
    told.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let start = Instant::now();
    let agent = Command::new(program("millrace-agent"))
        .args(["--config", "agent.toml", "run"])
        .env("NOTIFY_SOCKET", &socket)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let agent = Agent(agent.expect("it starts"));
    let mut state = [0; 4096];
    loop {
        let length = told.recv(&mut state).expect("the agent says that it is ready");
        if state[..length].starts_with(b"READY=1") {
            return (agent, start.elapsed());
        }
    }
}

/// Resident memory of a process: `VmRSS` now, `VmHWM` at its peak.
pub fn memory_mib(pid: u32, field: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with(field));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    let kib: f64 = kib.and_then(|kib| kib.parse().ok()).expect("a number of KiB");
    kib / 1024.0
}
