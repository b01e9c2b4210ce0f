//! What can be asked of the inbox, and the shapes of the answers.

use serde::{Deserialize, Serialize};

use crate::ident::{AgentId, Epoch, Lane, MessageId, Stamp};
use crate::message::Key;

use super::{Entry, Slot, StateName};

/// From which end ready messages are wanted. Places are those of [`super::Entry::place`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadyFrom {
    /// Oldest first, from behind this place: works off a backlog.
    Oldest(Option<i64>),
    /// Newest first, from before this place: lets live work pass a backlog.
    Newest(Option<i64>),
}

/// Which messages. All that is given must hold; within a list, one of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Of these agents.
    pub agents: Vec<AgentId>,
    /// In these lanes.
    pub lanes: Vec<Lane>,
    /// Of these epochs.
    pub epochs: Vec<Epoch>,
    /// Of kinds with these names.
    pub kinds: Vec<String>,
    /// In these states.
    pub states: Vec<StateName>,
    /// With one of these keys, such as an order's. Of all agents, unless those are named too.
    pub keys: Vec<Key>,
    /// From these stations.
    pub stations: Vec<String>,
    /// By these operators.
    pub operators: Vec<String>,
    /// Dead, held or settled for reasons (or with outcomes) of these words.
    pub reasons: Vec<String>,
    /// Held for this subject.
    pub subject: Option<String>,
    /// Captured at or after this time, milliseconds since 1970, by the agent's clock.
    pub captured_from_ms: Option<i64>,
    /// Captured before this time.
    pub captured_before_ms: Option<i64>,
}

/// What a note is written down with, where the audit shall know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remark<'a> {
    /// Who writes it.
    pub who: &'a str,
    /// What was done, in one word.
    pub what: &'a str,
    /// Whatever else belongs to it.
    pub detail: &'a str,
    /// When.
    pub now_ms: i64,
}

/// What counts are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    /// The agent.
    Agent,
    /// The kind.
    Kind,
    /// The state.
    State,
    /// The reason's word, or the outcome's.
    Reason,
    /// What a hold waits for.
    Subject,
    /// The station.
    Station,
    /// The operator.
    Operator,
}

/// What a message waits for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WaitsFor {
    /// Messages that are here and not at their end, in order of capture.
    pub here: Vec<Entry>,
    /// Messages that are not here yet, named by it or by those before it that ended without having waited for them.
    pub missing: Vec<Stamp>,
    /// Messages of which nothing is left here, named likewise. It waits for all that was captured before who names them.
    pub gone: Vec<Stamp>,
}

/// How far a change by filter came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    /// How many messages were changed.
    pub changed: usize,
    /// Where to go on; none where nothing that matches is left.
    pub next: Option<Slot>,
}

/// What an agent has in a lane, over all its epochs. Counts are of messages, derived at the moment of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneBacklog {
    /// The agent.
    pub agent: AgentId,
    /// The lane.
    pub lane: Lane,
    /// Waiting, ready or not.
    pub waiting: u64,
    /// Those of them that wait for no other message.
    pub ready: u64,
    /// With an intent and no outcome, voiding included.
    pub sent: u64,
    /// Held.
    pub held: u64,
    /// Dead letters.
    pub dead: u64,
    /// Positions that are settled, pruned ones included.
    pub settled: u64,
    /// Bytes of what is not settled.
    pub bytes: u64,
    /// When the oldest unsettled one in order of capture arrived here.
    pub oldest_received_ms: Option<i64>,
    /// When it was captured, by the agent's clock.
    pub oldest_captured_ms: Option<i64>,
}

/// The relay's half of a lane's balance at a cut: the seven add up to the cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    /// Positions that are settled.
    pub settled: u64,
    /// Dead letters; of `lost`, each position.
    pub dead: u64,
    /// Held.
    pub held: u64,
    /// Waiting.
    pub waiting: u64,
    /// With an intent and no outcome.
    pub sent: u64,
    /// With an intent to void and no outcome.
    pub voiding: u64,
    /// Not stored here.
    pub missing: u64,
    /// Not in the sum: unsettled content beside the first at its position.
    pub beside: u64,
}

/// One record of the audit. Its hash covers all its fields and the hash before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number; from 1, without gaps.
    pub number: u64,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Who: a person, or the room of the program.
    pub who: String,
    /// What was done, in one word.
    pub what: String,
    /// The message; none for a record about many.
    pub slot: Option<Slot>,
    /// The message's name, or for an arrival its agent, lane and range.
    pub subject: String,
    /// The state before; empty where there was none.
    pub before: String,
    /// The state after.
    pub after: String,
    /// Reason, outcome, record: whatever else belongs to it.
    pub detail: String,
    /// SHA-256 over all of the above and the hash before.
    pub hash: [u8; 32],
}

/// The last record of the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHead {
    /// How many records there are.
    pub number: u64,
    /// The hash of the last.
    pub hash: [u8; 32],
}

/// A key that more than one agent uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedKey {
    /// The key.
    pub key: Key,
    /// The agents, the first user first.
    pub agents: Vec<AgentId>,
    /// The message by which the second one was noticed.
    pub seen_in: MessageId,
}
