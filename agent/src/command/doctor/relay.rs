//! Whether the relay answers, by what the running service heard of it. The doctor does not speak to the relay itself: it
//! would have to speak for the agent, whose one voice the service is.

use millrace_shared::doctor::Finding;
use millrace_shared::print::{self, span};

use super::Case;
use crate::health::{Pulse, age_seconds};

const PROBE: &str = "relay";

/// A relay says something at least this often while there is a connection: it answers each hello.
const SILENT_SECONDS: u64 = 90;

pub(super) fn probe(case: &Case<'_>) -> Vec<Finding> {
    let heard = case.pulse.as_ref().and_then(|pulse| pulse.link.heard);
    vec![match case.alive() {
        Some(pulse) => judge(pulse, heard.map(|heard| age_seconds(heard, case.now))),
        None => Finding::skipped(
            PROBE,
            match heard {
                Some(heard) => format!(
                    "the service does not run; it heard the relay last at {}",
                    print::time(heard)
                ),
                None => "the service does not run, and only it speaks to the relay".to_owned(),
            },
        ),
    }]
}

fn judge(pulse: &Pulse, silent_seconds: Option<u64>) -> Finding {
    let ask = "ask central IT whether the relay runs and knows this agent: millrace-relay plants";
    match (&pulse.link, silent_seconds) {
        (link, heard) if !link.up => {
            let why = link
                .fault
                .as_ref()
                .map_or("there was no connection yet", |(_, text)| text);
            let last = heard.map_or("it was not heard yet".to_owned(), |ago| {
                format!("it was heard {} ago", span(ago))
            });
            Finding::skipped(PROBE, format!("the service has no connection ({why}); {last}"))
        }
        (_, None) => Finding::failed(
            PROBE,
            "the broker is connected, but the relay never answered",
            ask,
        ),
        (_, Some(ago)) if ago > SILENT_SECONDS => Finding::failed(
            PROBE,
            format!(
                "the broker is connected, but the relay is silent for {}",
                span(ago)
            ),
            ask,
        ),
        (_, Some(ago)) => Finding::ok(PROBE, format!("heard {} ago", span(ago))),
    }
}

#[cfg(test)]
mod tests {
    use millrace_shared::doctor::Verdict;
    use millrace_shared::envelope::Moment;

    use super::*;
    use crate::health::LinkState;

    fn pulse(up: bool) -> Pulse {
        let now = Moment {
            wall_ms: 0,
            offset_minutes: 0,
            boot: 1,
            monotonic_ms: 0,
        };
        Pulse {
            version: "1".to_owned(),
            process: 1,
            started: now,
            written: now,
            stopped: false,
            link: LinkState {
                up,
                ..LinkState::default()
            },
            closed: Default::default(),
            marks: Vec::new(),
        }
    }

    #[test]
    fn a_relay_is_well_only_while_it_speaks() {
        assert_eq!(judge(&pulse(true), Some(3)).verdict, Verdict::Ok);
        assert_eq!(judge(&pulse(true), Some(600)).verdict, Verdict::Failed);
        assert_eq!(judge(&pulse(true), None).verdict, Verdict::Failed);
    }

    #[test]
    fn without_a_connection_the_relay_is_not_blamed() {
        assert_eq!(judge(&pulse(false), Some(600)).verdict, Verdict::Skipped);
    }
}
