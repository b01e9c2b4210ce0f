//! `run`: the service in the foreground, logging to standard error.

use millrace_shared::exit::Exit;
use millrace_shared::service;

use crate::config::Config;
use crate::daemon::{self, DaemonError};

/// Runs the service until a signal ends it.
pub fn run(config: Config) -> Exit {
    match service::run(daemon::run(config)) {
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
        DaemonError::Service(_) | DaemonError::Link(_) | DaemonError::Work(_) => Exit::Fault,
        _ => Exit::Config,
    }
}
