//! The door of a network source: takes connections one after the other until told to stop.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How long to wait after the system refused a connection, as it does when file descriptors run out: one that waits in
/// its queue stays there.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The next connection; none when it is time to stop.
pub(super) async fn accept(
    listener: &TcpListener,
    source: &str,
    stop: &CancellationToken,
) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(accepted) => return Some(accepted),
            Err(error) => {
                warn!(source, %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
