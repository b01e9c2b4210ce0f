//! `run`: the service in the foreground, logging to standard error.

use millrace_shared::exit::Exit;
use tracing_subscriber::EnvFilter;

use crate::config::Config;
use crate::daemon::{self, DaemonError};

/// Runs the service until a signal ends it.
pub fn run(config: Config) -> Exit {
    let filter = EnvFilter::try_from_env("MILLRACE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the system refused: {error}");
            return Exit::Fault;
        }
    };
    let ended = runtime.block_on(daemon::run(config));
    runtime.shutdown_background();
    match ended {
        Ok(()) => Exit::Done,
        Err(error) => {
            eprintln!("millrace-relay: {error}");
            exit_of(&error)
        }
    }
}

fn exit_of(error: &DaemonError) -> Exit {
    match error {
        DaemonError::Folder { .. } | DaemonError::Store(_) | DaemonError::Gone(_) => Exit::Store,
        DaemonError::Target(_) => Exit::Unreachable,
        DaemonError::System(_) | DaemonError::Link(_) | DaemonError::Work(_) | DaemonError::Task(_) => {
            Exit::Fault
        }
        _ => Exit::Config,
    }
}
