//! Whether the files that prove who we are can be used, name this agent, and are valid now and for a while.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use millrace_shared::doctor::Finding;
use millrace_shared::transport::Certificate;

use super::Case;

const PROBE: &str = "certificates";

/// A certificate that ends sooner should be renewed now: that can take people a while.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Rights that let anybody on the machine read a file.
const OTHERS: u32 = 0o007;

pub(super) fn probe(case: &Case<'_>) -> Vec<Finding> {
    let identity = match &case.identity {
        Ok(identity) => identity,
        Err(fault) => {
            let next = "mend the file, or correct its path in [relay]";
            return vec![Finding::failed(PROBE, fault.to_string(), next)];
        }
    };
    let now = Timestamp::from_millisecond(case.now.wall_ms).unwrap_or(Timestamp::MAX);
    let name = case.config.agent.name.as_str();
    let own = ("ours", &identity.certificate);
    let mut all = vec![own];
    all.extend(
        identity
            .authorities
            .iter()
            .map(|authority| ("the authority's", authority)),
    );
    let wrong = judge_name(&identity.certificate, name)
        .into_iter()
        .chain(judge_key(&case.config.relay.key))
        .chain(
            all.iter()
                .filter_map(|(whose, certificate)| judge_dates(whose, certificate, now)),
        );
    let wrong: Vec<Finding> = wrong.collect();
    if wrong.is_empty() {
        let until = day(identity.certificate.not_after);
        return vec![Finding::ok(
            PROBE,
            format!("the certificate is for `{name}`, fits its key and is valid until {until}"),
        )];
    }
    wrong
}

fn judge_name(own: &Certificate, name: &str) -> Option<Finding> {
    let found = own.common_name.as_deref().unwrap_or("nobody");
    (found != name).then(|| {
        Finding::failed(
            PROBE,
            format!(
                "the certificate is for `{found}`, this agent is `{name}`: the broker will not let it speak"
            ),
            "correct `name` in [agent], or have a certificate with this common name issued",
        )
    })
}

fn judge_key(key: &Path) -> Option<Finding> {
    let mode = std::fs::metadata(key).ok()?.permissions().mode();
    (mode & OTHERS != 0).then(|| {
        let file = key.display();
        Finding::warning(
            PROBE,
            format!("everybody on this machine can read or change the private key {file}"),
            format!("chmod 640 {file}; if strangers use this machine, have a new certificate issued"),
        )
    })
}

fn judge_dates(whose: &str, certificate: &Certificate, now: Timestamp) -> Option<Finding> {
    let (from, until) = (certificate.not_before, certificate.not_after);
    let renew =
        "have a new one issued and put it in place of the old file; it is taken up at the next connection";
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
        let found = format!("{whose} ended on {}, and the clock says {}", day(until), day(now));
        Some(Finding::failed(
            PROBE,
            found,
            format!("{renew}; or set the clock, if that is wrong"),
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

    fn certificate(common_name: &str) -> Certificate {
        Certificate {
            common_name: Some(common_name.to_owned()),
            subject: format!("CN={common_name}"),
            issuer: "CN=plant CA".to_owned(),
            not_before: "2026-01-01T00:00:00Z".parse().unwrap(),
            not_after: "2027-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_certificate_is_judged_by_its_dates() {
        let verdict = |now: &str| {
            let now = now.parse().unwrap();
            judge_dates("ours", &certificate("plant-7"), now).map(|finding| finding.verdict)
        };
        assert_eq!(verdict("2026-06-01T00:00:00Z"), None);
        assert_eq!(verdict("2026-12-20T00:00:00Z"), Some(Verdict::Warning));
        assert_eq!(verdict("2027-01-02T00:00:00Z"), Some(Verdict::Failed));
        assert_eq!(verdict("2016-06-01T00:00:00Z"), Some(Verdict::Failed));
    }

    #[test]
    fn a_certificate_for_another_agent_is_failed() {
        assert_eq!(judge_name(&certificate("plant-7"), "plant-7"), None);
        let finding = judge_name(&certificate("plant-8"), "plant-7").unwrap();
        assert_eq!(finding.verdict, Verdict::Failed);
        assert!(finding.found.contains("`plant-8`"));
    }

    #[test]
    fn a_key_that_everybody_can_read_is_warned_of() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        std::fs::write(&key, "").unwrap();
        let with = |mode| {
            std::fs::set_permissions(&key, PermissionsExt::from_mode(mode)).unwrap();
            judge_key(&key).map(|finding| finding.verdict)
        };
        assert_eq!(with(0o640), None);
        assert_eq!(with(0o644), Some(Verdict::Warning));
    }
}
