//! What each command does. A command prints its answer to standard output and what went wrong to standard error.
//!
//! All but `run` read the store beside the running service or without it, and change nothing.

pub mod backlog;
pub mod check;
pub mod doctor;
pub mod entry;
pub mod find;
pub mod messages;
pub mod run;
pub mod station;
pub mod trace;
pub mod verify;

use std::io;
use std::path::PathBuf;

use millrace_shared::exit::Exit;
use millrace_shared::ident::AgentId;
use millrace_shared::store::StoreError;
use millrace_shared::store::sqlite::spool::SqliteSpoolReader;

use crate::config::Config;
use crate::daemon::spool_path;

/// Why a command has no answer. Each says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Nothing was kept yet, or the configuration leads to another folder.
    #[error(
        "there is no store at {0}: the service makes it when it first starts; if it did, correct `data` in [agent]"
    )]
    NoStore(PathBuf),
    /// The store cannot be read.
    #[error("{0}. Run `millrace-agent doctor` as the service's user")]
    Store(#[from] StoreError),
    /// The store keeps the messages of another agent.
    #[error(
        "the store at {path} keeps the messages of `{found}`, not of `{wanted}`: correct `name` or `data` in [agent]"
    )]
    Foreign {
        /// Where it is.
        path: PathBuf,
        /// Whose messages it keeps.
        found: AgentId,
        /// Whose it should keep.
        wanted: AgentId,
    },
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// Standard input cannot be read.
    #[error("standard input: {0}")]
    Input(io::Error),
    /// The answer cannot be written.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
    /// The system has no threads left, or this program is wrong.
    #[error("fault: {0}")]
    Fault(String),
}

impl CommandError {
    /// The exit code that tells it to scripts.
    pub fn exit(&self) -> Exit {
        match self {
            CommandError::NoStore(_) | CommandError::Store(_) | CommandError::Foreign { .. } => Exit::Store,
            CommandError::NotFound(_) => Exit::NotFound,
            CommandError::Input(_) => Exit::Usage,
            CommandError::Output(_) | CommandError::Fault(_) => Exit::Fault,
        }
    }
}

/// The store of this configuration, for reading.
pub(crate) fn open_store(config: &Config) -> Result<SqliteSpoolReader, CommandError> {
    let path = spool_path(&config.agent.data);
    if !path.exists() {
        return Err(CommandError::NoStore(path));
    }
    let reader = SqliteSpoolReader::open(&path)?;
    if *reader.agent() != config.agent.name {
        return Err(CommandError::Foreign {
            path,
            found: reader.agent().clone(),
            wanted: config.agent.name.clone(),
        });
    }
    Ok(reader)
}
