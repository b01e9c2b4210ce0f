//! Whether the files that prove who we are can be used, and are valid now and for a while.

use jiff::Timestamp;
use millrace_shared::doctor::Finding;
use millrace_shared::doctor::certificates::{PROBE, day, judge};
use millrace_shared::transport::Credentials;

use crate::config::Config;
use crate::daemon::credentials;

/// The relay's own, and those of its broker where it runs one.
pub(super) fn probe(config: &Config, now: Timestamp) -> Vec<Finding> {
    let mut found = of("the relay's", &credentials(config), now);
    if let Some(embedded) = &config.broker.embedded {
        let broker = Credentials {
            ca_file: config.broker.ca.clone(),
            certificate_file: embedded.certificate.clone(),
            key_file: embedded.key.clone(),
        };
        found.extend(of("the broker's", &broker, now));
    }
    found
}

fn of(whose: &str, credentials: &Credentials, now: Timestamp) -> Vec<Finding> {
    let identity = match credentials.load() {
        Ok(identity) => identity,
        Err(fault) => {
            let next = "mend the file, or correct its path in [broker]";
            return vec![Finding::failed(PROBE, format!("{whose}: {fault}"), next)];
        }
    };
    let wrong = judge(whose, &identity, &credentials.key_file, now);
    if wrong.is_empty() {
        let own = &identity.certificate;
        let name = own.common_name.as_deref().unwrap_or("nobody");
        let text = format!(
            "{whose} is for `{name}`, fits its key and is valid until {}",
            day(own.not_after)
        );
        return vec![Finding::ok(PROBE, text)];
    }
    wrong
}
