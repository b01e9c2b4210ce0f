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
            eprintln!("millrace-agent: {error}");
            exit_of(&error)
        }
    }
}

fn exit_of(error: &DaemonError) -> Exit {
    match error {
        DaemonError::Folder { .. } | DaemonError::Store(_) => Exit::Store,
        DaemonError::Host(_) => Exit::Config,
        DaemonError::Service(_) | DaemonError::Link(_) => Exit::Fault,
    }
}
