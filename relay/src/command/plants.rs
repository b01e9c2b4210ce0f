//! `plants`: each plant in one line, and what its domain in the target is known to have.

use std::collections::BTreeSet;

use millrace_shared::exit::Exit;
use millrace_shared::ident::AgentId;
use millrace_shared::print::{self, Listed, Style, listing, say};
use millrace_shared::store::inbox::{InboxView, LaneBacklog, PAGE};
use serde::Serialize;

use super::backlog::age_seconds;
use super::{CommandError, open_store};
use crate::config::Config;
use crate::flow::tenure::Term;

/// Prints the plants of the configuration, and those that are known from the inbox only.
pub fn plants(config: &Config, style: Style) -> Result<Exit, CommandError> {
    let reader = open_store(config)?;
    let (lanes, now_ms) = (reader.backlog()?, jiff::Timestamp::now().as_millisecond());
    let mut agents: BTreeSet<AgentId> = reader.agents()?.into_iter().collect();
    agents.extend(config.plants.iter().map(|plant| plant.agent.clone()));
    let mut rows = Vec::new();
    for agent in agents {
        let domain = config
            .plants
            .iter()
            .find(|plant| plant.agent == agent)
            .map(|plant| plant.domain.clone());
        let term = match &domain {
            Some(domain) => Term::load(&reader, domain)?,
            None => None,
        };
        let theirs = lanes.iter().filter(|lane| lane.agent == agent);
        rows.push(Row::of(&agent, domain, term, &theirs.collect::<Vec<_>>(), now_ms));
    }
    say(&listing(style, &rows, "none"))?;
    let shared = reader.shared_keys(PAGE)?;
    if style == Style::Table && !shared.is_empty() {
        let mut text = format!(
            "{} key(s) are used by more than one plant, and are ordered within each only:\n",
            shared.len()
        );
        for key in shared.iter().take(20) {
            let agents: Vec<&str> = key.agents.iter().map(AgentId::as_str).collect();
            text += &format!("  {} by {}\n", key.key, agents.join(", "));
        }
        say(&text)?;
    }
    Ok(Exit::Done)
}

#[derive(Debug, Serialize)]
struct Row {
    plant: String,
    /// None: it has no section in the configuration, and is not answered.
    domain: Option<String>,
    /// Outcomes that the domain had when it was last asked.
    outcomes: Option<u64>,
    waiting: u64,
    sent: u64,
    held: u64,
    dead: u64,
    settled: u64,
    bytes: u64,
    oldest_seconds: Option<u64>,
}

impl Row {
    fn of(
        agent: &AgentId,
        domain: Option<String>,
        term: Option<Term>,
        lanes: &[&LaneBacklog],
        now_ms: i64,
    ) -> Self {
        let sum = |of: fn(&LaneBacklog) -> u64| lanes.iter().map(|lane| of(lane)).sum();
        let oldest = lanes.iter().filter_map(|lane| lane.oldest_received_ms).min();
        Self {
            plant: agent.to_string(),
            domain,
            outcomes: term.and_then(|term| term.seen).map(|head| head.count),
            waiting: sum(|lane| lane.waiting),
            sent: sum(|lane| lane.sent),
            held: sum(|lane| lane.held),
            dead: sum(|lane| lane.dead),
            settled: sum(|lane| lane.settled),
            bytes: sum(|lane| lane.bytes),
            oldest_seconds: age_seconds(oldest, now_ms),
        }
    }
}

impl Listed for Row {
    const TITLES: &'static [&'static str] = &[
        "PLANT", "DOMAIN", "OUTCOMES", "WAITING", "SENT", "HELD", "DEAD", "SETTLED", "BYTES", "OLDEST",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.plant.clone(),
            self.domain.clone().unwrap_or("(not configured)".to_owned()),
            self.outcomes.map_or("-".to_owned(), |count| count.to_string()),
            self.waiting.to_string(),
            self.sent.to_string(),
            self.held.to_string(),
            self.dead.to_string(),
            self.settled.to_string(),
            print::bytes(self.bytes),
            self.oldest_seconds.map_or("-".to_owned(), print::span),
        ]
    }
}
