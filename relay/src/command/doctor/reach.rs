//! Whether the broker takes us and Odoo is ready: real connections, and away again.

use std::time::Duration;

use millrace_shared::doctor::Finding;
use millrace_shared::transport::{self, DIAL_TIMEOUT, Event, Fault, GREETING_TIMEOUT, Settings};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, OdooConfig, PlantConfig, TargetConfig};
use crate::daemon::domains::odoo_of;
use crate::daemon::transport_settings;
use crate::target::Class;

/// Dialling and greeting have limits of their own; this is a little more than both.
const LIMIT: Duration = Duration::from_secs(DIAL_TIMEOUT.as_secs() + GREETING_TIMEOUT.as_secs() + 5);

/// The broker.
pub(super) async fn broker(config: &Config) -> Finding {
    const PROBE: &str = "broker";
    let at = format!("{}:{}", config.broker.host, config.broker.port);
    let settings = match transport_settings(config) {
        Ok(settings) => Settings {
            // Under the relay's own id the broker would end the session of the running service.
            client_id: "relay.doctor".into(),
            ..settings
        },
        Err(error) => return Finding::failed(PROBE, error.to_string(), "correct [broker]"),
    };
    match knock(settings).await {
        Ok(()) => Finding::ok(
            PROBE,
            format!("{at} takes our certificate, session and subscriptions"),
        ),
        Err(fault) if config.broker.embedded.is_some() => Finding::warning(
            PROBE,
            format!("{at}: {fault}"),
            "it runs inside the service: start that first",
        ),
        Err(fault) => Finding::failed(
            PROBE,
            format!("{at}: {fault}"),
            "mend what it says, then run this again",
        ),
    }
}

/// One attempt, until it is up or has failed.
async fn knock(settings: Settings) -> Result<(), Fault> {
    let late = || Fault::TimedOut {
        waiting_for: "connecting",
        after: LIMIT,
    };
    let (_client, mut events, connection) = transport::open(settings);
    let stop = CancellationToken::new();
    let running = tokio::spawn(connection.run(stop.clone()));
    let outcome = timeout(LIMIT, async {
        loop {
            match events.next().await {
                Some(Event::Up) => return Ok(()),
                Some(Event::Down { fault, .. }) => return Err(fault),
                Some(Event::Arrived { .. } | Event::Stray { .. }) => {}
                None => return Err(late()),
            }
        }
    })
    .await
    .unwrap_or_else(|_| Err(late()));
    stop.cancel();
    // The farewell is bounded; a broker that does not answer it is none of our business any more.
    let _ = timeout(LIMIT, running).await;
    outcome
}

/// Odoo, once for each domain.
pub(super) async fn target(config: &Config) -> Vec<Finding> {
    let TargetConfig::Odoo(odoo) = &config.target else {
        return vec![Finding::ok(
            "target",
            "the shadow: postings are recorded, and nothing is posted",
        )];
    };
    let mut findings = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for plant in &config.plants {
        if !seen.contains(&plant.domain.as_str()) {
            seen.push(&plant.domain);
            findings.push(domain(odoo, plant).await);
        }
    }
    findings
}

async fn domain(config: &OdooConfig, plant: &PlantConfig) -> Finding {
    const PROBE: &str = "odoo";
    let name = &plant.domain;
    let odoo = match odoo_of(config, plant) {
        Ok(odoo) => odoo,
        Err(error) => {
            let next = "correct [odoo], or `api_key` of this plant";
            return Finding::failed(PROBE, format!("domain `{name}`: {error}"), next);
        }
    };
    match odoo.check().await {
        Ok(release) => {
            let (odoo, addon, user) = (&release.odoo, &release.addon, &release.user);
            let found = format!("domain `{name}`: Odoo {odoo}, addon {addon}, user {user}");
            if release.dry_run {
                Finding::ok(PROBE, found)
            } else {
                let next = "give the user the right to rehearse in Odoo, so that `dead try` works";
                Finding::warning(PROBE, found, next)
            }
        }
        Err(fault) => {
            let next = match fault.class {
                Class::Transient => {
                    "look whether Odoo runs and can be reached from here: everything is kept meanwhile"
                }
                _ => "correct what it names: the domain's messages are kept meanwhile",
            };
            Finding::failed(PROBE, format!("domain `{name}`: {fault}"), next)
        }
    }
}
