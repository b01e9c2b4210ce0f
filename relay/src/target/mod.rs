//! Where messages take effect: the contract that Odoo and its shadow keep.
//!
//! A target is asked for facts, given postings, and asked what became of messages. It runs each message at most once,
//! whoever sends it how often. It decides nothing about order, holds or attempts.

mod fault;
pub mod shadow;

use std::future::Future;

use millrace_shared::ident::MessageId;
use millrace_shared::outcome::Record;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use fault::{Class, Fault};

use crate::post::{Case, Facts, Plan, Posting, Question, Stamp};

/// What a target says of itself with every answer. A lower count or another database means that it was restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Outcomes ever stored in the domain.
    pub count: u64,
    /// Which database, by name, identity and life.
    pub database: String,
    /// Rises at a fail-over or point-in-time recovery: what settled last should be asked for once more.
    pub timeline: u64,
}

/// Who may post: the number that `take` gave, and the head that was seen last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenure {
    /// The fence's number.
    pub fence: u64,
    /// None where nothing was seen yet, or where a person ordered to go on after a restore.
    pub seen: Option<Head>,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Each message has an answer, in order.
    Answers(Head, Vec<Answer>),
    /// Another relay took the domain: stop posting. Nothing ran.
    Stale(Head),
    /// The target was restored: the domain stops until a person has decided. Nothing ran.
    Restored(Head),
}

/// What the target says about one message.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Which.
    pub id: MessageId,
    /// The attempt that this is the answer to.
    pub attempt: u32,
    /// Whether it was stored earlier.
    pub repeat: bool,
    /// What became of it.
    pub end: End,
}

/// What became of a message in the target.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// It took effect; the record shows it, the data was kept with it.
    Done(Record, Value),
    /// The business refuses it. Stored; runs again for a higher attempt only.
    Rejected(Rejection),
    /// It was declared void and never runs.
    Void {
        /// Why.
        reason: String,
        /// Who declared it.
        by: String,
    },
    /// Its group did not run, for a reason that need not be its own: send it again without the others.
    Split,
    /// The rights or the allow-list do not permit it. Stored nowhere.
    Forbidden(String),
    /// The posting cannot be run as it is written. Stored nowhere.
    Malformed(String),
    /// The id is known with other content.
    Conflict,
    /// The lane was purged beyond it; it never runs.
    Expired,
    /// A method of the target broke its own transaction: a person has to look.
    Claimed,
    /// The target does not know it. A transaction may still be under way; sending it again is safe.
    Unknown,
}

/// Why the business refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The exception's name.
    pub name: String,
    /// Its text, for people.
    pub text: String,
    /// The step that failed.
    pub step: Option<String>,
    /// What the failed expectation was to say: see [`crate::post::judge`].
    pub say: Option<String>,
}

/// What a dry run found.
#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsal {
    /// As [`Reply::Answers`] would have.
    pub answers: Vec<Answer>,
    /// Records created, written and deleted, by model.
    pub changes: Value,
}

/// The contract.
pub trait Target: Send + Sync {
    /// The plan for a message, with what is known so far.
    fn plan(&self, case: &Case<'_>, facts: &Facts) -> Plan;

    /// Answers questions. What may be kept comes from memory where it is there.
    fn look(&self, questions: &[Question]) -> impl Future<Output = Result<Facts, Fault>> + Send;

    /// Forgets what was kept of earlier answers.
    fn flush(&self);

    /// Takes the domain: whoever had it is stale from now on. The new number is above both the target's and `at_least`.
    fn take(&self, at_least: u64) -> impl Future<Output = Result<Tenure, Fault>> + Send;

    /// Runs postings, each in one transaction, each message at most once.
    fn apply(
        &self,
        tenure: &Tenure,
        postings: &[Posting],
    ) -> impl Future<Output = Result<Reply, Fault>> + Send;

    /// Runs postings and takes everything back.
    fn rehearse(&self, postings: &[Posting]) -> impl Future<Output = Result<Rehearsal, Fault>> + Send;

    /// What is stored of these messages. Changes nothing and needs no tenure.
    fn ask(&self, stamps: &[Stamp]) -> impl Future<Output = Result<(Head, Vec<Answer>), Fault>> + Send;

    /// Declares that these messages never take effect. Where one is done, done is the answer.
    fn void(
        &self,
        tenure: &Tenure,
        stamps: &[Stamp],
        reason: &str,
        by: &str,
    ) -> impl Future<Output = Result<Reply, Fault>> + Send;

    /// Forgets outcomes below these sequences of these lanes (as [`Stamp::lane`] names them). Returns whether more is
    /// left to forget.
    fn purge(
        &self,
        tenure: &Tenure,
        floors: &[(String, u64)],
    ) -> impl Future<Output = Result<bool, Fault>> + Send;
}
