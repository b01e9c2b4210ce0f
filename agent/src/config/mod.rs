//! The agent's configuration: what a plant engineer writes, checked whole before anything starts.
//!
//! Every field has its unit in its name and its bounds beside it. Sources and stations read their own sections.

mod folder;
mod http;
mod source;
mod station;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use millrace_shared::clock::Clock;
use millrace_shared::config::{self, Problems, Section};
use millrace_shared::ident::AgentId;

use crate::source::folder::FolderSettings;
use crate::source::http::HttpSettings;
use crate::station::Station;
pub use source::ScannerConfig;

/// Most stations, and most sources of a kind.
const PLACES: usize = 256;

const MIB: u64 = 1024 * 1024;
const DAY: u64 = 24 * 60 * 60;

/// Everything that `agent.toml` says.
#[derive(Debug)]
pub struct Config {
    /// Section `[agent]`.
    pub agent: AgentConfig,
    /// Section `[spool]`.
    pub spool: SpoolConfig,
    /// Section `[relay]`.
    pub relay: RelayConfig,
    /// Section `[health]`.
    pub health: HealthConfig,
    /// Sections `[[station]]`.
    pub stations: Vec<Arc<Station>>,
    /// Sections `[[scanner]]`.
    pub scanners: Vec<ScannerConfig>,
    /// Sections `[[http]]`.
    pub https: Vec<HttpSettings>,
    /// Sections `[[folder]]`.
    pub folders: Vec<FolderSettings>,
}

/// Who and where the agent is.
#[derive(Debug)]
pub struct AgentConfig {
    /// The agent's name: the common name of its certificate.
    pub name: AgentId,
    /// The plant's clock.
    pub clock: Clock,
    /// The folder of the store.
    pub data: PathBuf,
}

/// How much is kept, and how long.
#[derive(Debug)]
pub struct SpoolConfig {
    /// Most bytes on disk, write-ahead log and free pages included.
    pub quota_bytes: u64,
    /// Part of the quota that only receipts and the critical lane may use.
    pub reserve_bytes: u64,
    /// How long settled messages stay, in running time. It must exceed how far back Odoo may be restored.
    pub retention: Duration,
}

/// Where the relay's broker is, and how to prove who we are.
#[derive(Debug)]
pub struct RelayConfig {
    /// The broker's host name, as in its certificate.
    pub host: String,
    /// The broker's TLS port.
    pub port: u16,
    /// The certificate authority that signs broker and agents.
    pub ca: PathBuf,
    /// The agent's certificate chain.
    pub certificate: PathBuf,
    /// The agent's private key.
    pub key: PathBuf,
}

/// When the agent calls itself unwell.
#[derive(Debug)]
pub struct HealthConfig {
    /// The oldest unsettled message may be this old.
    pub oldest: Duration,
}

impl Config {
    /// Reads and checks the file.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        config::load(path, read)
    }
}

fn read(root: &mut Section<'_>) -> Option<Config> {
    let agent = root.needed_section("agent", read_agent);
    let relay = root.needed_section("relay", read_relay);
    let spool = read_spool(root);
    let health = root.section("health", |health| {
        Some(health.seconds("oldest_seconds", 3600, 10..=30 * DAY))
    });
    let health = HealthConfig {
        oldest: health.unwrap_or(Duration::from_secs(3600)),
    };
    let stations = root.sections("station", PLACES, station::read);
    let scanners = root.sections("scanner", PLACES, |scanner| {
        source::read_scanner(scanner, &stations)
    });
    let https = root.sections("http", PLACES, |section| http::read(section, &stations));
    let folders = root.sections("folder", PLACES, |section| folder::read(section, &stations));
    let names = scanners.iter().map(|scanner| &scanner.settings.name);
    let names = names.chain(https.iter().map(|http| &http.name));
    let names = names.chain(folders.iter().map(|folder| &folder.name));
    repeated(names).for_each(|name| root.problem(format!("two sources are named `{name}`")));
    let names = stations.iter().map(|station| &station.name);
    repeated(names).for_each(|name| root.problem(format!("two stations are named `{name}`")));
    Some(Config {
        agent: agent?,
        spool,
        relay: relay?,
        health,
        stations,
        scanners,
        https,
        folders,
    })
}

/// Names that stand there more than once.
fn repeated<'n>(names: impl Iterator<Item = &'n String>) -> impl Iterator<Item = &'n String> {
    let mut seen = BTreeSet::new();
    names.filter(move |name| !seen.insert(*name))
}

fn read_agent(agent: &mut Section<'_>) -> Option<AgentConfig> {
    let name = agent.needed(
        "name",
        "write the common name of the agent's certificate, such as \"plant-7\"",
    );
    let zone = agent.needed::<String>("zone", "write the plant's time zone, such as \"Europe/Berlin\"");
    let data = agent.path(
        "data",
        "write the folder of the store, such as \"/var/lib/millrace\"",
    );
    let clock = Clock::in_zone(&zone?)
        .map_err(|error| agent.problem(error.to_string()))
        .ok();
    Some(AgentConfig {
        name: name?,
        clock: clock?,
        data,
    })
}

fn read_relay(relay: &mut Section<'_>) -> Option<RelayConfig> {
    Some(RelayConfig {
        host: relay.text("host", "write the broker's host name, as in its certificate"),
        port: relay.number("port", 8883, 1..=65_535) as u16,
        ca: relay.path("ca", "write the file of the certificate authority, PEM"),
        certificate: relay.path(
            "certificate",
            "write the file of the agent's certificate chain, PEM",
        ),
        key: relay.path("key", "write the file of the agent's private key, PEM"),
    })
}

fn read_spool(root: &mut Section<'_>) -> SpoolConfig {
    let read = |spool: &mut Section<'_>| {
        let quota = spool.number("quota_mib", 10 * 1024, 16..=4 * 1024 * 1024);
        let reserve = spool.number("reserve_mib", (quota / 20).max(1), 1..=1024 * 1024);
        if reserve > quota / 2 {
            spool.problem("`reserve_mib` must be at most half of `quota_mib`");
        }
        let retention = spool.number("retention_days", 90, 1..=3650);
        Some((quota, reserve, retention))
    };
    let (quota, reserve, retention) = root.section("spool", read).unwrap_or((10 * 1024, 512, 90));
    SpoolConfig {
        quota_bytes: quota * MIB,
        reserve_bytes: reserve * MIB,
        retention: Duration::from_secs(retention * DAY),
    }
}
