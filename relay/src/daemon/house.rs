//! What keeps the service in order: pruning, and the proof for systemd that it moves.

use std::time::Duration;

use millrace_shared::clock::Clock;
use millrace_shared::service;
use millrace_shared::store::desk::Desk;
use millrace_shared::store::inbox::Worklist;
use millrace_shared::store::sqlite::inbox::SqliteInbox;
use tokio_util::sync::CancellationToken;

use super::DaemonError;

/// How often what is past its retention is taken away, and how many messages at once.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
const PRUNE_COUNT: usize = 1000;

/// Takes away what is past its retention. A failure is said and tried again: pruning can wait, messages cannot.
pub(super) async fn keep(
    inbox: Desk<SqliteInbox>,
    clock: Clock,
    retention: Duration,
    stop: CancellationToken,
) -> Result<(), DaemonError> {
    service::tend(PRUNE_EVERY, stop, || {
        let now_ms = clock.moment().wall_ms;
        let before_ms = now_ms.saturating_sub_unsigned(retention.as_millis() as u64);
        let inbox = inbox.clone();
        async move {
            match inbox
                .ask(move |inbox| inbox.prune(before_ms, PRUNE_COUNT))
                .await?
            {
                Ok(pruned) => Ok(pruned == PRUNE_COUNT),
                Err(error) if error.is_transient() => {
                    tracing::warn!(%error, "pruning failed; it is tried again");
                    Ok(false)
                }
                Err(error) => Err(error.into()),
            }
        }
    })
    .await
}

/// Feeds systemd's watchdog, and only while the inbox's thread answers.
pub(super) async fn prove_progress(
    inbox: Desk<SqliteInbox>,
    stop: CancellationToken,
) -> Result<(), DaemonError> {
    service::prove_progress(stop, move || {
        let inbox = inbox.clone();
        async move { Ok(inbox.ask(|_| ()).await?) }
    })
    .await
}
