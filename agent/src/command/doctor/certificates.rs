//! Whether the files that prove who we are can be used, name this agent, and are valid now and for a while.

use jiff::Timestamp;
use millrace_shared::doctor::Finding;
use millrace_shared::doctor::certificates::{PROBE, day, judge};
use millrace_shared::transport::Certificate;

use super::Case;

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
    let mut wrong = judge("ours", identity, &case.config.relay.key, now);
    wrong.splice(0..0, judge_name(&identity.certificate, name));
    if wrong.is_empty() {
        let until = day(identity.certificate.not_after);
        let found = format!("the certificate is for `{name}`, fits its key and is valid until {until}");
        return vec![Finding::ok(PROBE, found)];
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
    fn a_certificate_for_another_agent_is_failed() {
        assert_eq!(judge_name(&certificate("plant-7"), "plant-7"), None);
        let finding = judge_name(&certificate("plant-8"), "plant-7").unwrap();
        assert_eq!(finding.verdict, Verdict::Failed);
        assert!(finding.found.contains("`plant-8`"));
    }
}
