//! Whether the broker takes us: a real connection over TLS and MQTT with our certificate, and away again.

use std::time::Duration;

use millrace_shared::doctor::Finding;
use millrace_shared::topic::Filter;
use millrace_shared::transport::{self, DIAL_TIMEOUT, Endpoint, Event, Fault, GREETING_TIMEOUT, Settings};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Case, credentials};

const PROBE: &str = "broker";

/// Dialling and greeting have limits of their own; this is a little more than both.
const LIMIT: Duration = Duration::from_secs(DIAL_TIMEOUT.as_secs() + GREETING_TIMEOUT.as_secs() + 5);

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

/// One attempt, until it is up or has failed.
async fn knock(settings: Settings) -> Result<(), Fault> {
    let (_client, mut events, connection) = transport::open(settings);
    let stop = CancellationToken::new();
    let running = tokio::spawn(connection.run(stop.clone()));
    let outcome = async {
        loop {
            match events.next().await {
                Some(Event::Up) => return Ok(()),
                Some(Event::Down { fault, .. }) => return Err(fault),
                Some(Event::Arrived { .. } | Event::Stray { .. }) => {}
                None => return Err(late()),
            }
        }
    };
    let outcome = timeout(LIMIT, outcome).await.unwrap_or_else(|_| Err(late()));
    stop.cancel();
    // The farewell is bounded; a broker that does not answer it is none of our business any more.
    let _ = timeout(LIMIT, running).await;
    outcome
}

fn late() -> Fault {
    Fault::TimedOut {
        waiting_for: "connecting",
        after: LIMIT,
    }
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
