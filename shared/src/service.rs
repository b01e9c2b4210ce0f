//! What both services stand on: the log, the runtime, their tasks, and what systemd is told.
//!
//! Whichever task ends early ends the service: what is on disk is safe, and the next start goes on from there. Knows
//! nothing of what the tasks do.

use std::io::{self, IsTerminal};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// How long the tasks may take to finish what they began, and whoever waits for them.
pub const SHUTDOWN: Duration = Duration::from_secs(5);

/// How often a service proves that it moves, where systemd does not ask more often.
const PROOF_EVERY: Duration = Duration::from_secs(10);

/// Threads of a runtime: the stores have their own.
const THREADS: usize = 2;

/// Why a service could not run, or ended by itself. Fatal: it must be started again.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A thread, signal or runtime could not be had.
    #[error("the system refused: {0}")]
    System(#[from] io::Error),
    /// A task ended that must not.
    #[error("a task ended unexpectedly: {0}")]
    Task(String),
}

/// Logs to standard error and runs a service to its end. What `MILLRACE_LOG` says is logged, as tracing's directives;
/// `info` where it says nothing.
pub fn run<E: From<ServiceError>>(service: impl Future<Output = Result<(), E>>) -> Result<(), E> {
    let filter = EnvFilter::try_from_env("MILLRACE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // Its complaint about a log that cannot be written would go the same way, and end the service there.
        .log_internal_errors(false)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .map_err(ServiceError::System)?;
    let ended = runtime.block_on(service);
    runtime.shutdown_background();
    ended
}

/// The tasks of a running service.
#[derive(Debug)]
pub struct Tasks<E> {
    stop: CancellationToken,
    running: JoinSet<Result<(), E>>,
}

impl<E> Default for Tasks<E> {
    fn default() -> Self {
        Self {
            stop: CancellationToken::new(),
            running: JoinSet::new(),
        }
    }
}

impl<E: From<ServiceError> + Send + 'static> Tasks<E> {
    /// Tells a task when to end.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts a task.
    pub fn spawn(&mut self, task: impl Future<Output = Result<(), E>> + Send + 'static) {
        self.running.spawn(task);
    }

    /// Starts a task that cannot fail.
    pub fn spawn_sure(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn(async move {
            task.await;
            Ok(())
        });
    }

    /// Says that the service is ready, and waits for a signal, or for a task that ends by itself.
    pub async fn run(&mut self) -> Result<(), E> {
        let mut terminate = signal(SignalKind::terminate()).map_err(ServiceError::System)?;
        notify(sd_notify::NotifyState::Ready);
        tracing::info!("ready");
        tokio::select! {
            _ = terminate.recv() => Ok(()),
            interrupted = tokio::signal::ctrl_c() => Ok(interrupted.map_err(ServiceError::System)?),
            ended = self.running.join_next() => match ended {
                Some(Ok(Err(error))) => Err(error),
                Some(Err(error)) => Err(ServiceError::Task(error.to_string()).into()),
                Some(Ok(Ok(()))) | None => Err(ServiceError::Task("it had nothing left to do".into()).into()),
            },
        }
    }

    /// Ends all tasks, or gives them up after [`SHUTDOWN`]. Returns what is left of that time.
    pub async fn end(mut self) -> Duration {
        notify(sd_notify::NotifyState::Stopping);
        let deadline = Instant::now() + SHUTDOWN;
        self.stop.cancel();
        let finished = timeout(SHUTDOWN, async {
            while self.running.join_next().await.is_some() {}
        });
        if finished.await.is_err() {
            tracing::warn!(
                "some tasks did not finish in time; what they had not committed was told to nobody"
            );
        }
        deadline.saturating_duration_since(Instant::now())
    }
}

/// Does something in this rhythm until told to stop; once more at once where the job says that there is more to do.
pub async fn tend<E, F>(every: Duration, stop: CancellationToken, mut job: impl FnMut() -> F) -> Result<(), E>
where
    F: Future<Output = Result<bool, E>>,
{
    let mut tick = interval(every);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = tick.tick() => {}
        }
        if job().await? {
            tick.reset_immediately();
        }
    }
}

/// Feeds systemd's watchdog as long as the probe answers: a process that lives and stands still is restarted.
pub async fn prove_progress<E, F>(stop: CancellationToken, mut probe: impl FnMut() -> F) -> Result<(), E>
where
    F: Future<Output = Result<(), E>>,
{
    let every = sd_notify::watchdog_enabled().map_or(PROOF_EVERY, |limit| limit / 3);
    tend(every, stop, || {
        let probed = probe();
        async {
            probed.await?;
            notify(sd_notify::NotifyState::Watchdog);
            Ok(false)
        }
    })
    .await
}

fn notify(state: sd_notify::NotifyState<'_>) {
    // Not run by systemd: nobody to tell.
    let _ = sd_notify::notify(&[state]);
}
