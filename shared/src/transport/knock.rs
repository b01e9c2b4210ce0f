//! One attempt to be taken by the broker, and away again: for whoever only wants to know whether it would work.

use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{DIAL_TIMEOUT, Event, Fault, GREETING_TIMEOUT, Settings, open};

/// Dialling and greeting have limits of their own; this is a little more than both.
const LIMIT: Duration = Duration::from_secs(DIAL_TIMEOUT.as_secs() + GREETING_TIMEOUT.as_secs() + 5);

/// Ends when the connection is up, or with why it is not.
pub async fn knock(settings: Settings) -> Result<(), Fault> {
    let (_client, mut events, connection) = open(settings);
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
