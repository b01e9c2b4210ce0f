//! What keeps the service in order: pruning, and the proof for systemd that it moves.

use std::time::Duration;

use millrace_shared::clock::Clock;
use millrace_shared::store::desk::Desk;
use millrace_shared::store::inbox::Worklist;
use millrace_shared::store::sqlite::inbox::SqliteInbox;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::{Ended, notify};

/// How often what is past its retention is taken away, and how many messages at once.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
const PRUNE_COUNT: usize = 1000;

/// How often the service proves that its inbox moves, where systemd does not ask more often.
const PROOF_EVERY: Duration = Duration::from_secs(10);

/// Takes away what is past its retention.
pub(super) async fn keep(
    inbox: Desk<SqliteInbox>,
    clock: Clock,
    retention: Duration,
    stop: CancellationToken,
) -> Ended {
    let mut tick = interval(PRUNE_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = tick.tick() => {}
        }
        let before_ms = clock
            .moment()
            .wall_ms
            .saturating_sub_unsigned(retention.as_millis() as u64);
        match inbox
            .ask(move |inbox| inbox.prune(before_ms, PRUNE_COUNT))
            .await?
        {
            Ok(PRUNE_COUNT) => tick.reset_immediately(),
            Ok(_) => {}
            Err(error) if error.is_transient() => tracing::warn!(%error, "pruning failed; it is tried again"),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Feeds systemd's watchdog, and only while the inbox's thread answers.
pub(super) async fn prove_progress(inbox: Desk<SqliteInbox>, stop: CancellationToken) -> Ended {
    let every = sd_notify::watchdog_enabled().map_or(PROOF_EVERY, |limit| limit / 3);
    let mut tick = interval(every);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = tick.tick() => {}
        }
        inbox.ask(|_| ()).await?;
        notify(&[sd_notify::NotifyState::Watchdog]);
    }
}
