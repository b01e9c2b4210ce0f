//! Wall clocks that are wrong for one program and right for all others, and can be set while it runs.
//!
//! A few lines of C stand between the program and the C library. libfaketime does the same and more, but leaves a file
//! behind for every process that is killed, and fails where the number of that process comes again: tests kill a lot.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::SignedDuration;

use super::World;

const LIBRARY: &str = "clock.so";

impl World {
    /// Sets the wall clock of the agent, and of its commands, this far ahead of the right time. The first time before
    /// the agent is started; from then on at any time.
    pub fn set_agent_clock(&self, ahead: SignedDuration) {
        self.set_clock(super::AGENT, ahead);
    }

    /// The same for the relay.
    pub fn set_relay_clock(&self, ahead: SignedDuration) {
        self.set_clock(super::RELAY, ahead);
    }

    fn set_clock(&self, short: &str, ahead: SignedDuration) {
        let at = self.folder();
        if !at.join(LIBRARY).exists() {
            compile(at);
        }
        let is_new = !boot(at, short).exists();
        // In place: the program has the file open.
        let mut file = fs::OpenOptions::new();
        let file = file.write(true).create(true).truncate(false);
        let file = file.open(self::ahead(at, short));
        let set = file.and_then(|mut file| file.write_all(&ahead.as_secs().to_ne_bytes()));
        set.expect("the clock is set");
        if is_new {
            new_boot(at, short);
        }
    }

    /// The agent, which does not run now, is next started after its machine was: nothing tells how long that was off.
    pub fn restart_agent_machine(&self) {
        new_boot(self.folder(), super::AGENT);
    }
}

fn new_boot(at: &Path, short: &str) {
    let name: u128 = rand::random();
    fs::write(boot(at, short), format!("{name:032x}\n")).expect("a name");
}

/// The file that says how far the clock is ahead, in seconds.
fn ahead(at: &Path, short: &str) -> PathBuf {
    at.join(format!("{short}.ahead"))
}

/// The file with the name of this run of the program's machine.
fn boot(at: &Path, short: &str) -> PathBuf {
    at.join(format!("{short}.boot"))
}

fn compile(at: &Path) {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/world/clock.c");
    let output = Command::new("cc")
        .args(["-O1", "-shared", "-fPIC", "-o", LIBRARY, source])
        .current_dir(at)
        .output()
        .expect("a C compiler");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Has the command of this program live by its own wrong clock, where there is one.
pub(super) fn lay(command: &mut Command, folder: &Path, short: &str) {
    if boot(folder, short).exists() {
        command
            .env("LD_PRELOAD", folder.join(LIBRARY))
            .env("MILLRACE_CLOCK_AHEAD", ahead(folder, short))
            .env("MILLRACE_CLOCK_BOOT", boot(folder, short));
    }
}
