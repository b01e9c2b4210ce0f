//! A model of Odoo's inbox: what a posting may do, and what it leaves behind.
//!
//! A stand-in for the addon, with the same rules: the fence must be the row's, known ids are answered and never run
//! again, a group with a known id or a business refusal runs nothing, a void claims its id, a stored refusal reopens
//! only for a higher attempt.

use std::collections::BTreeMap;

use millrace_shared::ident::{AgentId, Stamp};

use crate::simulation::bug::Bug;

/// The name of a message in the target: its agent's, and the one it was given at capture.
pub type Name = (AgentId, Stamp);

/// A message as a posting carries it.
#[derive(Debug, Clone)]
pub struct Posted {
    /// Its name.
    pub name: Name,
    /// The scan that it is.
    pub scan: usize,
    /// Which attempt this is.
    pub attempt: u32,
}

/// What the target knows of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// It took effect.
    Done,
    /// It never will.
    Void,
    /// It was refused at this attempt.
    Rejected(u32),
}

/// A movement in the target's books.
#[derive(Debug, Clone)]
pub struct Effect {
    /// The scan that it came from.
    pub scan: usize,
    /// The fence of the instance that sent it.
    pub fence: u64,
}

/// What is asked of the target.
#[derive(Debug, Clone)]
pub enum Ask {
    /// Raise the fence above this, and tell it.
    Take(u64),
    /// What is known of these?
    Known(Vec<Name>),
    /// Run these in one transaction.
    Post(Vec<Posted>),
    /// This shall never take effect.
    Void(Name),
}

/// What the target answers.
#[derive(Debug, Clone)]
pub enum Reply {
    /// The fence is this now.
    Taken(u64),
    /// What is known of what was asked.
    Told(Vec<(Name, Option<Known>)>),
    /// All took effect.
    Done(Vec<Name>),
    /// Nothing ran: some of it is known, or some of it is refused in a group.
    Split(Vec<(Name, Option<Known>)>),
    /// The only message was refused.
    Rejected(Name),
    /// The fence is higher: another instance took over.
    Stale,
    /// Fewer outcomes than the sender has seen: the target was restored.
    Restored,
}

/// The target.
#[derive(Debug, Clone, Default)]
pub struct Odoo {
    /// The number that a request must carry.
    pub fence: u64,
    /// Outcomes by name.
    pub known: BTreeMap<Name, Known>,
    /// Movements, in the order in which they happened.
    pub effects: Vec<Effect>,
    /// How many outcomes were ever stored.
    pub count: u64,
}

impl Odoo {
    /// Answers a request that was sent under this fence by somebody who has seen this many outcomes.
    pub fn answer(&mut self, ask: &Ask, fence: u64, seen: u64, bug: Option<Bug>) -> Reply {
        if let Ask::Take(above) = ask {
            self.fence = self.fence.max(*above) + 1;
            return Reply::Taken(self.fence);
        }
        if seen > self.count || fence > self.fence {
            return Reply::Restored;
        }
        if fence != self.fence && bug != Some(Bug::StaleFenceIgnored) {
            return Reply::Stale;
        }
        match ask {
            Ask::Take(_) => Reply::Stale,
            Ask::Known(names) => Reply::Told(
                names
                    .iter()
                    .map(|name| (name.clone(), self.known.get(name).cloned()))
                    .collect(),
            ),
            Ask::Post(posted) => self.post(posted, fence, bug),
            Ask::Void(name) => {
                if !matches!(self.known.get(name), Some(Known::Done | Known::Void)) {
                    self.known.insert(name.clone(), Known::Void);
                    self.count += 1;
                }
                Reply::Told(vec![(name.clone(), self.known.get(name).cloned())])
            }
        }
    }

    fn post(&mut self, posted: &[Posted], fence: u64, bug: Option<Bug>) -> Reply {
        let final_for = |posted: &Posted| match self.known.get(&posted.name) {
            Some(Known::Done) => bug != Some(Bug::RetryReopensDone) || posted.attempt < 2,
            Some(Known::Void) => true,
            Some(Known::Rejected(attempt)) => posted.attempt <= *attempt,
            None => false,
        };
        let any_known = posted.iter().any(final_for);
        let runs_anyway = bug == Some(Bug::GroupRunThoughPartlyKnown) && posted.len() > 1;
        let guilty = |posted: &Posted| refuses(posted.scan, posted.attempt);
        if (any_known && !runs_anyway) || (posted.len() > 1 && posted.iter().any(guilty)) {
            let known = |posted: &Posted| {
                let known = self.known.get(&posted.name).filter(|_| final_for(posted));
                (posted.name.clone(), known.cloned())
            };
            return Reply::Split(posted.iter().map(known).collect());
        }
        if let [posted] = posted
            && guilty(posted)
        {
            self.known
                .insert(posted.name.clone(), Known::Rejected(posted.attempt));
            self.count += 1;
            return Reply::Rejected(posted.name.clone());
        }
        for posted in posted {
            self.known.insert(posted.name.clone(), Known::Done);
            self.count += 1;
            self.effects.push(Effect {
                scan: posted.scan,
                fence,
            });
        }
        Reply::Done(posted.iter().map(|posted| posted.name.clone()).collect())
    }
}

/// Whether the books refuse this scan at this attempt: one in eight, until it was amended once or twice.
pub fn refuses(scan: usize, attempt: u32) -> bool {
    let stubborn = (scan as u32).wrapping_mul(2_654_435_761) >> 24;
    stubborn < 32 && attempt <= 1 + stubborn % 2
}
