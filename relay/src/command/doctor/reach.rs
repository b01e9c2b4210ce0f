//! Whether the broker takes us and Odoo is ready: real connections, and away again.

use millrace_shared::doctor::Finding;
use millrace_shared::transport::{Settings, knock};

use crate::config::{Config, OdooConfig, PlantConfig, TargetConfig};
use crate::daemon::domains::odoo_of;
use crate::daemon::transport_settings;
use crate::target::Class;

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
