//! Why a worker ends, and why one of its rounds does.

use millrace_shared::store::StoreError;
use millrace_shared::store::desk::Gone;

use crate::target::Fault;

/// Why a worker ends. Fatal: the program must start again over the same inbox.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The inbox failed in a way that does not pass.
    #[error("the inbox: {0}")]
    Store(#[from] StoreError),
    /// The inbox's thread is gone.
    #[error("the inbox: {0}")]
    Gone(#[from] Gone),
}

/// Why a round ends early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Halt {
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("{0}")]
    Stop(String),
    #[error(transparent)]
    Work(#[from] WorkError),
}
