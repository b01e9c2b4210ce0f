//! Whether messages move: the age of the oldest that is not settled, and what cannot settle without a person.

use std::time::Duration;

use millrace_shared::doctor::Finding;
use millrace_shared::ident::Lane;
use millrace_shared::print::span;
use millrace_shared::store::StoreError;
use millrace_shared::store::spool::SpoolReader;
use millrace_shared::store::sqlite::spool::SqliteSpoolReader;

use super::Case;
use crate::health::age_seconds;

const PROBE: &str = "progress";

/// What all lanes have together.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    unsettled: u64,
    waiting: u64,
    dead: u64,
    oldest_seconds: Option<u64>,
}

pub(super) fn probe(case: &Case<'_>) -> Vec<Finding> {
    let Ok(store) = &case.store else {
        return vec![Finding::skipped(PROBE, "the store cannot be read")];
    };
    vec![match count(case, store) {
        Ok(sum) => judge(sum, case.config.health.oldest),
        Err(error) => Finding::skipped(PROBE, error.to_string()),
    }]
}

fn count(case: &Case<'_>, store: &SqliteSpoolReader) -> Result<Sum, StoreError> {
    let mut sum = Sum::default();
    for lane in Lane::ALL {
        let tally = store.tally(lane)?;
        sum.unsettled += tally.waiting + tally.stored + tally.dead;
        sum.waiting += tally.waiting;
        sum.dead += tally.dead;
        let age = tally.oldest.map(|oldest| age_seconds(oldest, case.now));
        sum.oldest_seconds = sum.oldest_seconds.max(age);
    }
    Ok(sum)
}

fn judge(sum: Sum, limit: Duration) -> Finding {
    let Some(oldest) = sum.oldest_seconds.filter(|_| sum.unsettled > 0) else {
        return Finding::ok(PROBE, "everything that was accepted is settled");
    };
    let found = format!(
        "{} are not settled ({} kept here only, {} dead); the oldest is {} old",
        sum.unsettled,
        sum.waiting,
        sum.dead,
        span(oldest)
    );
    let dead = "`millrace-agent messages list --state dead` names what central IT must repair: millrace-relay dead list";
    if oldest > limit.as_secs() {
        let limit = span(limit.as_secs());
        let next = match sum.dead {
            0 => {
                "see below for the link; what is stored but does not settle waits at the relay: millrace-relay doctor"
            }
            _ => dead,
        };
        Finding::failed(PROBE, format!("{found}, more than the {limit} of [health]"), next)
    } else if sum.dead > 0 {
        Finding::warning(PROBE, found, dead)
    } else {
        Finding::ok(PROBE, found)
    }
}

#[cfg(test)]
mod tests {
    use millrace_shared::doctor::Verdict;

    use super::*;

    #[test]
    fn healthy_means_moving() {
        let limit = Duration::from_secs(3600);
        let sum = |unsettled, dead, oldest_seconds| Sum {
            unsettled,
            waiting: unsettled - dead,
            dead,
            oldest_seconds,
        };
        assert_eq!(judge(sum(0, 0, None), limit).verdict, Verdict::Ok);
        assert_eq!(judge(sum(5, 0, Some(10)), limit).verdict, Verdict::Ok);
        assert_eq!(judge(sum(5, 1, Some(10)), limit).verdict, Verdict::Warning);
        assert_eq!(judge(sum(5, 0, Some(3601)), limit).verdict, Verdict::Failed);
    }
}
