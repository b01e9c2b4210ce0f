//! Whether the service runs, and whether it is this program.

use millrace_shared::doctor::Finding;
use millrace_shared::print;

use super::Case;

const PROBE: &str = "service";

pub(super) fn probe(case: &Case<'_>) -> Vec<Finding> {
    vec![judge(case)]
}

fn judge(case: &Case<'_>) -> Finding {
    let start =
        "start it: systemctl start millrace-agent; if it ends again, journalctl -u millrace-agent says why";
    let Some(pulse) = &case.pulse else {
        return Finding::warning(PROBE, "the service has not run here yet", start);
    };
    if case.alive().is_none() {
        let (end, at) = (
            if pulse.stopped {
                "was stopped at"
            } else {
                "gave its last sign of life at"
            },
            pulse.written,
        );
        return Finding::warning(PROBE, format!("the service {end} {}", print::time(at)), start);
    }
    let (version, process) = (&pulse.version, pulse.process);
    let found = format!(
        "version {version}, process {process}, since {}",
        print::time(pulse.started)
    );
    if version == env!("CARGO_PKG_VERSION") {
        Finding::ok(PROBE, found)
    } else {
        let next = "restart it, so that the installed version runs: systemctl restart millrace-agent";
        Finding::warning(PROBE, found, next)
    }
}
