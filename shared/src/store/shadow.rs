//! The contract of a target that only records: what would have been posted, and what was answered.
//!
//! It keeps the promises of the real one: each message once, a repeat is told from a conflict, a stale writer is
//! refused, what is void never runs. Every call that changes something is one transaction.

use super::StoreError;

/// A message as the record knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Its id, as text.
    pub id: String,
    /// The digest of its content, as text.
    pub digest: String,
    /// Which attempt this is; from 1.
    pub attempt: u32,
    /// The lane that its sequence counts in.
    pub lane: String,
    /// Its place there.
    pub sequence: u64,
}

/// What would have been posted for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The message.
    pub name: Name,
    /// What people know its effect by.
    pub title: String,
    /// The posting as JSON text.
    pub posting: String,
}

/// What the record says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The fence's number.
    pub fence: u64,
    /// How many outcomes were ever kept in the domain.
    pub count: u64,
    /// Which file this is; another one after it was made anew.
    pub identity: String,
}

/// What is known of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Recorded, under this number and title.
    Done {
        /// The number of the record.
        record: i64,
        /// What people know its effect by.
        title: String,
        /// The attempt that was recorded.
        attempt: u32,
    },
    /// Declared void.
    Void {
        /// Why.
        reason: String,
        /// By whom.
        by: String,
    },
    /// The id is known with other content.
    Conflict,
    /// The lane was purged beyond it.
    Expired,
}

/// What became of a message now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What is known of it.
    pub known: Known,
    /// Whether it was known before.
    pub repeat: bool,
}

/// What became of a call that needs the fence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fenced<T> {
    /// Done.
    Done(Mark, T),
    /// Somebody else took the domain. Nothing was done.
    Stale(Mark),
}

/// The record. Several domains share one.
pub trait Recorder {
    /// Raises the domain's fence above both its own number and this one.
    fn take(&mut self, domain: &str, at_least: u64) -> Result<Mark, StoreError>;

    /// Records what is new and tells what is known, in the order of the messages.
    fn record(
        &mut self,
        domain: &str,
        fence: u64,
        recordings: &[Recording],
    ) -> Result<Fenced<Vec<Kept>>, StoreError>;

    /// Declares messages void, unless they are recorded.
    fn void(
        &mut self,
        domain: &str,
        fence: u64,
        names: &[Name],
        reason: &str,
        by: &str,
    ) -> Result<Fenced<Vec<Kept>>, StoreError>;

    /// What is known of these messages.
    fn ask(&self, domain: &str, names: &[Name]) -> Result<(Mark, Vec<Option<Known>>), StoreError>;

    /// Forgets what is below these sequences of these lanes for good. Returns whether more is left to forget.
    fn purge(
        &mut self,
        domain: &str,
        fence: u64,
        floors: &[(String, u64)],
    ) -> Result<Fenced<bool>, StoreError>;
}
