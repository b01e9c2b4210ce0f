//! Whether every source is open, by what the running service says: to try here would be to take its place.

use millrace_shared::doctor::Finding;

use super::Case;
use crate::health::Pulse;

const PROBE: &str = "sources";

pub(super) fn probe(case: &Case<'_>) -> Vec<Finding> {
    let config = case.config;
    let count = config.scanners.len() + config.https.len() + config.folders.len();
    match case.alive() {
        Some(pulse) => judge(pulse, count),
        None => vec![Finding::skipped(
            PROBE,
            format!("the service does not run; {count} are configured"),
        )],
    }
}

fn judge(pulse: &Pulse, count: usize) -> Vec<Finding> {
    let next = "mend what it names, or correct it in the configuration and restart: the service tries it again by itself, \
                and no other source waits for it";
    if pulse.closed.is_empty() {
        return vec![Finding::ok(PROBE, format!("{count} are open"))];
    }
    let closed = pulse.closed.values();
    closed
        .map(|why| Finding::failed(PROBE, why.clone(), next))
        .collect()
}
