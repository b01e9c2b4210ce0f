//! The right to post into a domain: taken at a start, kept over restarts, lost to another relay, and stopped where the
//! target was restored.
//!
//! What was seen last of the target stands in a note of the inbox, so that a target that was put back from a backup
//! while the relay was down is noticed too. A domain that is stopped here goes on only when a person resumes it.

use millrace_shared::store::StoreError;
use millrace_shared::store::inbox::{InboxView, Worklist};
use serde::{Deserialize, Serialize};

use super::halt::Halt;
use super::replay::Replay;
use super::worker::Worker;
use crate::target::{Answer, Head, Reply, Target, Tenure};

/// How often what was seen of a busy target is written down. Seen a little late it still only rises.
const NOTE_EVERY_MS: u64 = 1000;

/// What the worker holds of its domain.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Where the domain is taken.
    pub(super) tenure: Option<Tenure>,
    /// Another relay took the domain when it had been resumed so often: it is not taken again before the next time.
    lost_at: Option<u64>,
    /// There is no replay to be done, until a person gives an order.
    pub(super) replayed: bool,
    noted: Option<Tenure>,
    noted_ms: u64,
}

/// What is written down of a domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// The last fence.
    pub fence: u64,
    /// What was seen last; none where a person ordered to go on whatever is there.
    pub seen: Option<Head>,
    /// How often a person resumed the domain.
    pub resumed: u64,
    /// The replay that a person ordered, until it is at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
}

impl Term {
    /// The name of a domain's note.
    pub fn note(domain: &str) -> String {
        format!("term:{domain}")
    }

    /// What is written down, where anything is.
    pub fn load(store: &impl InboxView, domain: &str) -> Result<Option<Self>, StoreError> {
        let text = store.note(&Self::note(domain))?;
        text.map(|text| serde_json::from_str(&text).map_err(|error| damaged(domain, &error)))
            .transpose()
    }

    /// As it is written down.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As a person resumes it: whatever the target has now counts.
    pub fn resume(self) -> Self {
        Self {
            seen: None,
            resumed: self.resumed + 1,
            ..self
        }
    }
}

fn damaged(domain: &str, error: &serde_json::Error) -> StoreError {
    StoreError::Damaged(format!("the note on domain `{domain}`: {error}"))
}

impl<I: Worklist + InboxView + Send + 'static, T: Target> Worker<I, T> {
    /// The right to post, taken anew after a start or a stop.
    pub(super) async fn take(&mut self) -> Result<Tenure, Halt> {
        if let Some(tenure) = &self.held.tenure {
            return Ok(tenure.clone());
        }
        let name = self.domain.name.clone();
        let term = self.call(move |inbox| Term::load(inbox, &name)).await?;
        let term = term.unwrap_or_default();
        if self.held.lost_at == Some(term.resumed) {
            return Err(self.stale());
        }
        let mut tenure = self.target.take(term.fence).await?;
        // Written down before it is used: after a restart the fence never falls.
        let seen = term.seen.or_else(|| tenure.seen.clone());
        let now = tenure.seen.take();
        tenure.seen = seen;
        self.write_down(&tenure).await?;
        if let (Some(now), Some(seen)) = (now, &tenure.seen)
            && (now.count < seen.count || now.database != seen.database)
        {
            return Err(self.restored(&now));
        }
        tracing::info!(domain = self.domain.name, fence = tenure.fence, "domain taken");
        self.held.lost_at = None;
        self.held.tenure = Some(tenure.clone());
        Ok(tenure)
    }

    /// Writes down what was seen of the target, now and then.
    pub(super) async fn note_tenure(&mut self, idle: bool) -> Result<(), Halt> {
        let now_ms = self.clock.moment().monotonic_ms;
        let due = idle || now_ms.saturating_sub(self.held.noted_ms) >= NOTE_EVERY_MS;
        match self.held.tenure.clone() {
            Some(tenure) if due && self.held.noted.as_ref() != Some(&tenure) => {
                self.write_down(&tenure).await
            }
            _ => Ok(()),
        }
    }

    async fn write_down(&mut self, tenure: &Tenure) -> Result<(), Halt> {
        let (name, Tenure { fence, seen }) = (self.domain.name.clone(), tenure.clone());
        self.call(move |inbox| {
            let known = Term::load(inbox, &name)?.unwrap_or_default();
            let term = Term { fence, seen, ..known };
            inbox.set_note(&Term::note(&name), Some(&term.text()), None)
        })
        .await?;
        self.held.noted = Some(tenure.clone());
        self.held.noted_ms = self.clock.moment().monotonic_ms;
        Ok(())
    }

    /// The answers of a reply; a reply that refuses this relay as such stops the domain.
    pub(super) async fn admitted(&mut self, reply: Reply) -> Result<Vec<Answer>, Halt> {
        match reply {
            Reply::Answers(head, answers) => {
                if let Some(tenure) = &mut self.held.tenure {
                    tenure.seen = Some(head);
                }
                Ok(answers)
            }
            Reply::Stale(_) => {
                let name = self.domain.name.clone();
                let term = self.call(move |inbox| Term::load(inbox, &name)).await?;
                self.held.lost_at = Some(term.unwrap_or_default().resumed);
                Err(self.stale())
            }
            Reply::Restored(head) => Err(self.restored(&head)),
        }
    }

    fn stale(&self) -> Halt {
        let name = &self.domain.name;
        Halt::Stop(format!(
            "another relay has taken domain `{name}`: stop one of the two, then `millrace-relay domain resume {name}`"
        ))
    }

    fn restored(&self, head: &Head) -> Halt {
        let name = &self.domain.name;
        Halt::Stop(format!(
            "Odoo was restored: domain `{name}` has {} outcomes in database {}, fewer or others than before. Nothing is \
             posted until a person has looked: `millrace-relay domain replay {name}` does again what this Odoo does not \
             have, under the same names; `millrace-relay domain resume {name}` goes on without",
            head.count, head.database
        ))
    }
}
