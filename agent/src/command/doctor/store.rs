//! Whether the store opens and is ours, and when something was kept last.

use std::collections::BTreeSet;

use millrace_shared::doctor::Finding;
use millrace_shared::doctor::store::advice;
use millrace_shared::print;
use millrace_shared::store::spool::{Head, SpoolReader};
use millrace_shared::store::sqlite::spool::{Content, Entry, SqliteSpoolReader};

use super::Case;
use crate::command::CommandError;
use crate::health::age_seconds;

const PROBE: &str = "store";

pub(super) fn probe(case: &Case<'_>) -> Vec<Finding> {
    vec![match &case.store {
        Ok(store) => judge(case, store),
        Err(CommandError::NoStore(path)) => Finding::warning(
            PROBE,
            format!("there is none yet at {}", path.display()),
            "the service makes it when it first starts; if it ran before, correct `data` in [agent]",
        ),
        Err(CommandError::Store(error)) => Finding::failed(PROBE, error.to_string(), advice(error, "agent")),
        Err(error) => Finding::failed(
            PROBE,
            error.to_string(),
            "correct the configuration; the store itself is left as it is",
        ),
    }]
}

fn judge(case: &Case<'_>, store: &SqliteSpoolReader) -> Finding {
    let epochs = match store.heads() {
        Ok(heads) => open_epochs(&heads),
        Err(error) => return Finding::failed(PROBE, error.to_string(), advice(&error, "agent")),
    };
    let last = case.newest.as_ref().and_then(moment);
    let last = last.map_or("nothing was kept yet".to_owned(), |moment| {
        let (at, ago) = (print::time(moment), print::span(age_seconds(moment, case.now)));
        format!("the newest message is of {at}, {ago} ago")
    });
    let found = format!("opens; {last}");
    match epochs {
        0 | 1 => Finding::ok(PROBE, found),
        _ => Finding::warning(
            PROBE,
            format!("{found}; {epochs} epochs are open"),
            "it was put back from an older image or damaged once; older epochs close when all of theirs is settled: see \
             `millrace-agent backlog`, and do not restore it again",
        ),
    }
}

/// The epoch that grows, and those of which not all is settled.
fn open_epochs(heads: &[Head]) -> usize {
    let last = heads.last().map(|head| head.epoch);
    let open = heads
        .iter()
        .filter(|head| Some(head.epoch) == last || head.settled + 1 < head.next);
    open.map(|head| head.epoch).collect::<BTreeSet<_>>().len()
}

fn moment(entry: &Entry) -> Option<millrace_shared::envelope::Moment> {
    match &entry.content {
        Content::Whole(envelope) => Some(envelope.capture.moment),
        Content::Gone(_) | Content::Damaged(_) => None,
    }
}
