//! Whether the files that prove who we are can be used, and are valid now and for a while.

use jiff::{SignedDuration, Timestamp};
use millrace_shared::doctor::Finding;
use millrace_shared::transport::{Certificate, Credentials};

use crate::config::Config;
use crate::daemon::credentials;

const PROBE: &str = "certificates";

/// A certificate that ends sooner should be renewed now: that can take people a while.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

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
    let authorities = identity
        .authorities
        .iter()
        .filter_map(|one| judge("the authority's", one, now));
    let wrong: Vec<Finding> = judge(whose, &identity.certificate, now)
        .into_iter()
        .chain(authorities)
        .collect();
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

fn judge(whose: &str, certificate: &Certificate, now: Timestamp) -> Option<Finding> {
    let (from, until) = (certificate.not_before, certificate.not_after);
    let renew = "have a new one issued and put it in place of the old file";
    if now < from {
        let found = format!(
            "{whose} is valid only from {}, and the clock says {}",
            day(from),
            day(now)
        );
        Some(Finding::failed(
            PROBE,
            found,
            "the clock is probably wrong: set it",
        ))
    } else if now > until {
        Some(Finding::failed(
            PROBE,
            format!("{whose} ended on {}", day(until)),
            renew,
        ))
    } else if until.duration_since(now) < SOON {
        let left = until.duration_since(now).as_hours() / 24;
        Some(Finding::warning(
            PROBE,
            format!("{whose} ends on {}, in {left} days", day(until)),
            renew,
        ))
    } else {
        None
    }
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use millrace_shared::doctor::Verdict;

    use super::*;

    #[test]
    fn a_certificate_is_judged_by_its_dates() {
        let certificate = Certificate {
            common_name: Some("relay".to_owned()),
            subject: "CN=relay".to_owned(),
            issuer: "CN=CA".to_owned(),
            not_before: "2026-01-01T00:00:00Z".parse().unwrap(),
            not_after: "2027-01-01T00:00:00Z".parse().unwrap(),
        };
        let verdict =
            |now: &str| judge("ours", &certificate, now.parse().unwrap()).map(|finding| finding.verdict);
        assert_eq!(verdict("2026-06-01T00:00:00Z"), None);
        assert_eq!(verdict("2026-12-20T00:00:00Z"), Some(Verdict::Warning));
        assert_eq!(verdict("2027-01-02T00:00:00Z"), Some(Verdict::Failed));
        assert_eq!(verdict("2016-06-01T00:00:00Z"), Some(Verdict::Failed));
    }
}
