//! `doctor`: one probe a file; each says what it found and what to do next. Changes nothing.
//!
//! The probes share what is expensive to get ([`Case`]). What a probe decides is a pure function of what it read, so that a
//! clock ten years off needs no machine with such a clock to be tested.

mod broker;
mod certificates;
mod clock;
mod disk;
mod progress;
mod relay;
mod service;
mod sources;
mod store;

use millrace_shared::doctor::{self, Finding};
use millrace_shared::envelope::Moment;
use millrace_shared::exit::Exit;
use millrace_shared::print::{Style, say};
use millrace_shared::store::sqlite::spool::{Entry, Filter, SqliteSpoolReader};
use millrace_shared::transport::{Credentials, Fault, Identity};

use super::messages::list::newest;
use super::{CommandError, open_store};
use crate::config::{Config, RelayConfig};
use crate::health::Pulse;

/// What the probes look at.
struct Case<'c> {
    config: &'c Config,
    now: Moment,
    store: Result<SqliteSpoolReader, CommandError>,
    /// The message that was kept last.
    newest: Option<Entry>,
    identity: Result<Identity, Fault>,
    /// The last sign of life of the service, however old.
    pulse: Option<Pulse>,
}

impl<'c> Case<'c> {
    fn open(config: &'c Config) -> Self {
        let store = open_store(config);
        let last = |store: &SqliteSpoolReader| newest(store, &Filter::default(), 1).ok()?.0.pop();
        Self {
            newest: store.as_ref().ok().and_then(last),
            store,
            identity: credentials(&config.relay).load(),
            pulse: Pulse::read(&config.agent.data),
            now: config.agent.clock.moment(),
            config,
        }
    }

    /// The sign of life of a service that lives.
    fn alive(&self) -> Option<&Pulse> {
        self.pulse.as_ref().filter(|pulse| pulse.is_alive(self.now))
    }
}

fn credentials(relay: &RelayConfig) -> Credentials {
    Credentials {
        ca_file: relay.ca.clone(),
        certificate_file: relay.certificate.clone(),
        key_file: relay.key.clone(),
    }
}

/// Runs every probe and prints each finding as it is made.
pub fn doctor(config: &Config, style: Style) -> Result<Exit, CommandError> {
    let case = Case::open(config);
    let probes: [fn(&Case<'_>) -> Vec<Finding>; 9] = [
        service::probe,
        sources::probe,
        disk::probe,
        clock::probe,
        store::probe,
        progress::probe,
        certificates::probe,
        broker::probe,
        relay::probe,
    ];
    let mut findings = Vec::new();
    for probe in probes {
        for finding in probe(&case) {
            say(&doctor::tell(style, &finding))?;
            findings.push(finding);
        }
    }
    Ok(doctor::exit(&findings))
}
