//! Starting and ending the programs of the project.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use super::clock;

/// A program of the project, from the build that the caller itself belongs to.
pub(crate) fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("the caller's own path");
    let built = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    built.unwrap_or_else(|| panic!("{name} is not built: run `cargo build --workspace` first"))
}

/// Runs a command that must succeed.
pub(super) fn run(folder: &Path, name: &str, arguments: &[&str]) {
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

/// Runs a command with JSON as its answer; what it says on standard error becomes a last line.
pub(super) fn ask(folder: &Path, short: &str, arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
    let name = if short == "relay" {
        "millrace-relay"
    } else {
        "millrace-agent"
    };
    let mut command = Command::new(program(name));
    clock::lay(&mut command, folder, short);
    let output = command
        .args(["--config", &format!("{short}.toml"), "--json"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("it runs");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let mut told: Vec<Value> = lines.collect();
    if !output.status.success() && !output.stderr.is_empty() {
        told.push(String::from_utf8_lossy(&output.stderr).into());
    }
    (output.status.code(), told)
}

pub(super) fn start(folder: &Path, name: &str, short: &str) -> Child {
    service(Command::new(program(name)), folder, short)
}

/// The same where a file that would grow beyond so many KiB cannot be written any further.
pub(super) fn start_with_files_of(kib: u32, folder: &Path, name: &str, short: &str) -> Child {
    let mut shell = Command::new("bash");
    // The signal that comes with the limit would end the program; a full disk sends none.
    shell.args([
        "-c",
        "trap '' XFSZ; ulimit -S -f \"$1\"; shift; exec \"$@\"",
        "sh",
    ]);
    shell.arg(kib.to_string()).arg(program(name));
    service(shell, folder, short)
}

/// Lets a running process write to its files, or to none; one that was started by [`start_with_files_of`], which ignores
/// the signal that comes with the limit. The hard limit is left alone, so that the soft one can be raised again.
pub(super) fn can_write(child: &Child, can: bool) {
    let most = if can { "unlimited" } else { "0" };
    let limit = format!("--fsize={most}:");
    let status = Command::new("prlimit")
        .args(["--pid", &child.id().to_string(), &limit])
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "prlimit (util-linux) changes it"
    );
}

fn service(mut command: Command, folder: &Path, short: &str) -> Child {
    let log = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join(format!("{short}.log")));
    clock::lay(&mut command, folder, short);
    command
        .args(["--config", &format!("{short}.toml"), "run"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.expect("a log"))
        .spawn()
        .expect("it starts")
}

pub(super) fn kill(child: Option<Child>) {
    if let Some(mut child) = child {
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }
}

/// Ports that nobody has, and that the system gives to nobody's outgoing connection: those begin above.
const PORTS: std::ops::Range<u32> = 10_000..32_000;
static GIVEN: AtomicU32 = AtomicU32::new(0);

/// Ports to listen on. None is given twice by one process; two processes begin far from each other.
pub(super) fn free_ports<const N: usize>() -> [u16; N] {
    [(); N].map(|()| free_port())
}

fn free_port() -> u16 {
    let begin = std::process::id().wrapping_mul(97);
    let mut ports = (0..PORTS.len()).map(|_| {
        let number = begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        (PORTS.start + number % (PORTS.end - PORTS.start)) as u16
    });
    let free = ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.expect("a free port")
}
