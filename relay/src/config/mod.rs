//! The relay's configuration: what central IT writes, checked whole before anything starts.
//!
//! Every field has its unit in its name and its bounds beside it. Policies read their own sections.

mod policy;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use millrace_shared::config::{self, Problems, Section};
use millrace_shared::ident::AgentId;

use crate::govern::{self, StandingHold};
use crate::post::PolicyTable;

/// Most plants of one relay.
pub const PLANTS: usize = 256;

const DAY: u64 = 24 * 60 * 60;

/// A week: what is bought in the meantime comes, and after it somebody asks anyway.
const STOCK_WAIT_HOURS: u64 = 7 * 24;

/// Everything that `relay.toml` says.
#[derive(Debug)]
pub struct Config {
    /// The folder of the store.
    pub data: PathBuf,
    /// How long settled messages stay after their agent has heard of it.
    pub retention: Duration,
    /// Section `[broker]`.
    pub broker: BrokerConfig,
    /// Where the messages take effect.
    pub target: TargetConfig,
    /// Sections `[[plant]]`.
    pub plants: Vec<PlantConfig>,
}

/// Which broker, and how to prove who we are.
#[derive(Debug)]
pub struct BrokerConfig {
    /// The broker's host name, as in its certificate.
    pub host: String,
    /// The broker's TLS port.
    pub port: u16,
    /// The certificate authority that signs broker, relay and agents.
    pub ca: PathBuf,
    /// The relay's certificate chain.
    pub certificate: PathBuf,
    /// The relay's private key.
    pub key: PathBuf,
    /// The broker inside the relay, where it is to run one.
    pub embedded: Option<EmbeddedConfig>,
}

/// Section `[broker.embedded]`.
#[derive(Debug)]
pub struct EmbeddedConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its certificate chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Section `[odoo]` or `[shadow]`.
#[derive(Debug)]
pub enum TargetConfig {
    /// A real Odoo.
    Odoo(OdooConfig),
    /// Records what would be posted, and posts nothing.
    Shadow,
}

/// Section `[odoo]`.
#[derive(Debug)]
pub struct OdooConfig {
    /// Such as `https://odoo.example`.
    pub url: String,
    /// The database.
    pub database: String,
    /// Most requests at once over all plants; fewer than Odoo has workers.
    pub callers: usize,
}

/// Section `[[plant]]`.
#[derive(Debug)]
pub struct PlantConfig {
    /// The plant's agent.
    pub agent: AgentId,
    /// The id of its company in Odoo.
    pub company: i64,
    /// The domain that its bot user is bound to in Odoo.
    pub domain: String,
    /// The file that holds its bot user's API key.
    pub api_key: PathBuf,
    /// What was under way for so long is held for review before it posts; none holds nothing.
    pub hold_older_than_minutes: Option<u64>,
    /// What has waited for stock for so long becomes a dead letter.
    pub stock_wait: Duration,
    /// Section `[plant.policy]`.
    pub policies: PolicyTable,
}

impl PlantConfig {
    /// The holds that the configuration lays over this plant's messages.
    pub fn holds(&self) -> Option<StandingHold> {
        self.hold_older_than_minutes
            .map(|minutes| govern::older_than(&self.agent, minutes))
    }
}

impl Config {
    /// Reads and checks the file.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        config::load(path, read)
    }
}

fn read(root: &mut Section<'_>) -> Option<Config> {
    let relay = root.needed_section("relay", |relay| {
        let data = relay.path(
            "data",
            "write the folder of the store, such as \"/var/lib/millrace-relay\"",
        );
        Some((data, relay.number("retention_days", 90, 1..=3650)))
    });
    let broker = root.needed_section("broker", read_broker);
    let odoo = root.section("odoo", read_odoo);
    let shadow = root.section("shadow", |_| Some(()));
    let plants = root.sections("plant", PLANTS, |plant| read_plant(plant, shadow.is_some()));
    if odoo.is_none() && shadow.is_none() {
        root.problem("no target: add a section [odoo], or [shadow] to post nothing");
    } else if odoo.is_some() && shadow.is_some() {
        root.problem("two targets: remove [odoo] or [shadow]");
    }
    if plants.is_empty() {
        root.problem("no plant: add a section [[plant]] for each agent");
    }
    for (index, plant) in plants.iter().enumerate() {
        if plants[..index].iter().any(|other| other.agent == plant.agent) {
            root.problem(format!("agent `{}` has two sections [[plant]]", plant.agent));
        }
    }
    let (data, retention) = relay?;
    let target = odoo.map(TargetConfig::Odoo).unwrap_or(TargetConfig::Shadow);
    Some(Config {
        data,
        retention: Duration::from_secs(retention * DAY),
        broker: broker?,
        target,
        plants,
    })
}

fn read_broker(broker: &mut Section<'_>) -> Option<BrokerConfig> {
    let embedded = broker.section("embedded", |embedded| {
        let listen = embedded.needed("listen", "write address and port, such as \"0.0.0.0:8883\"");
        let certificate = embedded.path(
            "certificate",
            "write the file of the broker's certificate chain, PEM",
        );
        let key = embedded.path("key", "write the file of the broker's private key, PEM");
        Some(EmbeddedConfig {
            listen: listen?,
            certificate,
            key,
        })
    });
    Some(BrokerConfig {
        host: broker.text("host", "write the broker's host name, as in its certificate"),
        port: broker.number("port", 8883, 1..=65_535) as u16,
        ca: broker.path("ca", "write the file of the certificate authority, PEM"),
        certificate: broker.path(
            "certificate",
            "write the file of the relay's certificate chain, PEM",
        ),
        key: broker.path("key", "write the file of the relay's private key, PEM"),
        embedded,
    })
}

fn read_odoo(odoo: &mut Section<'_>) -> Option<OdooConfig> {
    Some(OdooConfig {
        url: odoo.text("url", "write Odoo's address, such as \"https://odoo.example\""),
        database: odoo.text("database", "write the name of Odoo's database"),
        callers: odoo.number("callers", 2, 1..=32) as usize,
    })
}

fn read_plant(plant: &mut Section<'_>, shadow: bool) -> Option<PlantConfig> {
    let agent = plant.needed("agent", "write the agent's name");
    // A rehearsal needs no rights in Odoo; the fields may already be there.
    for field in ["company", "domain", "api_key"] {
        if !shadow && !plant.has(field) {
            plant.problem(format!(
                "`{field}` is missing: say which company, domain and API key file this plant posts with"
            ));
        }
    }
    let company = plant.number("company", 1, 1..=i32::MAX as u64) as i64;
    let domain = plant.parsed(
        "domain",
        "write the name of the domain in Odoo that the bot user is bound to",
    );
    let api_key = plant.optional_path("api_key", "write the file that holds the bot user's API key");
    let minutes = plant.number("hold_older_than_minutes", 0, 0..=525_600);
    let hours = plant.number("stock_wait_hours", STOCK_WAIT_HOURS, 1..=8760);
    let policies = policy::read(plant);
    let agent: AgentId = agent?;
    Some(PlantConfig {
        // What was seen of a rehearsal says nothing about Odoo: its domains have names of their own.
        domain: domain
            .filter(|_| !shadow)
            .unwrap_or_else(|| format!("shadow/{agent}")),
        agent,
        company,
        api_key: api_key.unwrap_or_default(),
        hold_older_than_minutes: (minutes > 0).then_some(minutes),
        stock_wait: Duration::from_secs(hours * 3600),
        policies,
    })
}
