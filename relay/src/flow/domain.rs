//! What is worked off together: the plants whose messages take effect in one domain of the target, and what they decided.

use std::sync::Arc;
use std::time::Duration;

use millrace_shared::ident::AgentId;

use crate::govern::StandingHold;
use crate::post::PolicyTable;

/// What a domain is.
#[derive(Debug, Clone)]
pub struct Domain {
    /// Its name in the target.
    pub name: String,
    /// The agents whose messages take effect in it.
    pub agents: Vec<AgentId>,
    /// The target's company.
    pub company: i64,
    /// The plant's decisions.
    pub policies: Arc<PolicyTable>,
    /// Holds that the configuration lays over what is ready; those of people stand in the inbox.
    pub holds: Vec<StandingHold>,
    /// What has waited for stock for so long becomes a dead letter.
    pub stock_wait: Duration,
    /// Most messages in one request.
    pub batch: usize,
    /// Most messages in one posting.
    pub group: usize,
}
