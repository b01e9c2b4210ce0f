//! Whether the broker takes us: a real connection over TLS and MQTT with our certificate, and away again.

use std::time::Duration;

use millrace_shared::doctor::Finding;
use millrace_shared::topic::Filter;
use millrace_shared::transport::{Endpoint, Fault, Settings, knock};

use super::{Case, credentials};

const PROBE: &str = "broker";

/// The connection is over before it falls silent.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

pub(super) fn probe(case: &Case<'_>) -> Vec<Finding> {
    if case.identity.is_err() {
        return vec![Finding::skipped(
            PROBE,
            "without certificates there is no connection",
        )];
    }
    let (agent, relay) = (&case.config.agent.name, &case.config.relay);
    let at = format!("{}:{}", relay.host, relay.port);
    let Some(endpoint) = Endpoint::new(&relay.host, relay.port, None) else {
        let found = format!("`{}` is neither a host name nor an address", relay.host);
        return vec![Finding::failed(PROBE, found, "correct `host` in [relay]")];
    };
    let settings = Settings {
        endpoint,
        credentials: credentials(relay),
        // Under the agent's own id the broker would end the session of the running service.
        client_id: format!("{agent}.doctor"),
        filters: Filter::of_agent(agent),
        status: None,
        keep_alive: KEEP_ALIVE,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    vec![match runtime {
        Ok(runtime) => match runtime.block_on(knock(settings)) {
            Ok(()) => Finding::ok(
                PROBE,
                format!("{at} takes our certificate, session and subscriptions"),
            ),
            Err(fault) => judge(&at, &fault),
        },
        Err(error) => Finding::skipped(PROBE, format!("the system refused: {error}")),
    }]
}

/// A fault's text says what to do itself; what is added is what the agent does meanwhile.
fn judge(at: &str, fault: &Fault) -> Finding {
    let text = fault.to_string();
    let found = if text.starts_with(at) {
        text
    } else {
        format!("{at}: {text}")
    };
    let next = match fault.is_transient() {
        true => "every scan is kept here until it is mended, and sent then: production need not stop",
        false => "this does not pass by itself; every scan is kept here until it is mended, and sent then",
    };
    Finding::failed(PROBE, found, next)
}
