//! What each command does. A command prints its answer to standard output and what went wrong to standard error.
//!
//! What only looks reads the store beside the running service, or without it. What changes something is an order: see
//! [`crate::control`].

pub mod allow_list;
pub mod audit;
pub mod backlog;
pub mod balance;
pub mod check;
pub mod dead;
pub mod doctor;
pub mod entry;
pub mod holds;
pub mod order;
pub mod pki;
pub mod plants;
pub mod rehearse;
pub mod run;
pub mod show;
pub mod trace;

use std::io;
use std::path::PathBuf;

use millrace_shared::exit::Exit;
use millrace_shared::ident::MessageId;
use millrace_shared::store::StoreError;
use millrace_shared::store::inbox::{InboxView, Item};
use millrace_shared::store::sqlite::inbox::SqliteInboxReader;

use crate::config::Config;
use crate::control::Refusal;
use crate::daemon::inbox_path;
use crate::target::Fault;

/// Why a command has no answer. Each says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Nothing was kept yet, or the configuration leads to another folder.
    #[error(
        "there is no store at {0}: the service makes it when it first starts; if it did, correct `data` in [relay]"
    )]
    NoStore(PathBuf),
    /// The store cannot be read or written.
    #[error("{0}. Run `millrace-relay doctor` as the service's user")]
    Store(#[from] StoreError),
    /// The options do not go together.
    #[error("{0}")]
    Usage(String),
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// The running service could not be asked.
    #[error("the running service: {0}. Give orders as root or as the service's user")]
    Service(io::Error),
    /// An order was not carried out.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The target cannot be asked.
    #[error("{0}")]
    Target(#[from] Fault),
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
            CommandError::NoStore(_) | CommandError::Store(_) | CommandError::Refused(Refusal::Store(_)) => {
                Exit::Store
            }
            CommandError::Usage(_) => Exit::Usage,
            CommandError::NotFound(_) | CommandError::Refused(Refusal::NotFound(_)) => Exit::NotFound,
            CommandError::Refused(Refusal::Unsuited(_)) => Exit::Wrong,
            CommandError::Service(_) | CommandError::Target(_) => Exit::Unreachable,
            CommandError::Output(_) | CommandError::Fault(_) => Exit::Fault,
        }
    }
}

/// The store of this configuration, for reading.
pub(crate) fn open_store(config: &Config) -> Result<SqliteInboxReader, CommandError> {
    let path = inbox_path(&config.data);
    if !path.exists() {
        return Err(CommandError::NoStore(path));
    }
    Ok(SqliteInboxReader::open(&path)?)
}

/// The message of this name.
pub(crate) fn find(reader: &SqliteInboxReader, id: &MessageId) -> Result<Item, CommandError> {
    let none = || {
        CommandError::NotFound(format!(
            "{id} is not here: it has not arrived yet, or it settled and was pruned. At the plant, \
             `millrace-agent trace {id}` tells"
        ))
    };
    let slot = reader.find(id)?.ok_or_else(none)?;
    reader.get(slot)?.ok_or_else(none)
}
