//! Whether the files that prove who a program is are valid now and for a while, and its key is its own.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::Finding;
use crate::transport::{Certificate, Identity};

/// What it is called.
pub const PROBE: &str = "certificates";

/// A certificate that ends sooner should be renewed now: that can take people a while.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Rights that let anybody on the machine read a file.
const OTHERS: u32 = 0o007;

/// Everything that is wrong with them. `whose` begins the sentences, such as `the relay's`.
pub fn judge(whose: &str, identity: &Identity, key: &Path, now: Timestamp) -> Vec<Finding> {
    let authorities = identity.authorities.iter().map(|one| ("the authority's", one));
    let all = std::iter::once((whose, &identity.certificate)).chain(authorities);
    let dates = all.filter_map(|(whose, certificate)| judge_dates(whose, certificate, now));
    judge_key(key).into_iter().chain(dates).collect()
}

/// A day as it is shown.
pub fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
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
    let renew = "have a new one issued, put it in place of the old file, and restart the service";
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

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
