//! A private mosquitto, run with the configuration that Millrace ships.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../installer/mosquitto");

pub struct Mosquitto {
    process: Child,
}

impl Mosquitto {
    /// Starts it on `port` with the certificates in `folder`, and returns when it listens.
    pub fn start(folder: &Path, port: u16) -> Self {
        let shipped = |file: &str| std::fs::read_to_string(format!("{SHIPPED}/{file}")).unwrap();
        let config = shipped("millrace.conf")
            .replace("listener 8883", &format!("listener {port} 127.0.0.1"))
            .replace("/etc/mosquitto/millrace", folder.to_str().unwrap());
        let elsewhere = config
            .lines()
            .find(|line| !line.starts_with('#') && line.contains(" /etc/"));
        assert_eq!(
            elsewhere, None,
            "the shipped configuration names a file that is not there"
        );
        // As root it would give up its rights and could no longer read the test's files.
        std::fs::write(
            folder.join("mosquitto.conf"),
            format!("{config}\nuser root\nlog_dest stderr\nlog_type information\n"),
        )
        .unwrap();
        std::fs::write(folder.join("millrace.acl"), shipped("millrace.acl")).unwrap();

        let mut process = Command::new(executable())
            .arg("-c")
            .arg(folder.join("mosquitto.conf"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut seen = String::new();
        while !seen.contains("running") {
            let line = log
                .next()
                .unwrap_or_else(|| panic!("mosquitto did not start:\n{seen}"))
                .unwrap();
            seen.push_str(&line);
            seen.push('\n');
        }
        // Somebody has to read on, or mosquitto would stand still once the pipe is full.
        std::thread::spawn(move || {
            log.map_while(Result::ok)
                .for_each(|line| println!("mosquitto: {line}"))
        });
        Self { process }
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// The one that the test command fetched, on the PATH, or else Debian's, where only root's PATH leads.
fn executable() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = folders
        .map(|folder| folder.join("mosquitto"))
        .find(|file| file.exists());
    found.expect("mosquitto is not here: run `tests/run`, which fetches it, or `apt-get install mosquitto`")
}
