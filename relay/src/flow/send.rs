//! Intent, request, and what is done where the request as a whole failed.

use std::collections::{HashMap, HashSet};

use millrace_shared::ident::MessageId;
use millrace_shared::outcome::Reason;
use millrace_shared::store::inbox::{Change, InboxView, Item, Request, Verdict, Worklist};

use super::halt::Halt;
use super::worker::{Worker, by_name, name};
use crate::post::Posting;
use crate::target::{Class, Fault, Target, Tenure};

impl<I: Worklist + InboxView + Send + 'static, T: Target> Worker<I, T> {
    /// Commits the intent to send these postings. What another changed meanwhile is left out.
    pub(super) async fn intend(
        &self,
        items: Vec<Item>,
        postings: &[Posting],
    ) -> Result<HashMap<MessageId, Item>, Halt> {
        let mut items = by_name(items);
        let posted: HashSet<&MessageId> = postings.iter().map(name).collect();
        items.retain(|id, _| posted.contains(id));
        let mut items: Vec<Item> = items.into_values().collect();
        let send = |item: &Item| Request {
            ticket: item.entry.ticket,
            change: Change::Send,
        };
        let verdicts = self.change(items.iter().map(send).collect()).await?;
        let mut intended = Vec::new();
        for (mut item, verdict) in items.drain(..).zip(verdicts) {
            if let Verdict::Done(ticket, state) = verdict {
                (item.entry.ticket, item.entry.state) = (ticket, state);
                intended.push(item);
            }
        }
        Ok(by_name(intended))
    }

    pub(super) async fn send(
        &mut self,
        tenure: &Tenure,
        request: &[Posting],
        intended: HashMap<MessageId, Item>,
    ) -> Result<(), Halt> {
        let reply = match self.target.apply(tenure, request).await {
            Ok(reply) => reply,
            Err(fault) => return self.unsent(fault, request, intended).await,
        };
        let answers = match self.admitted(reply).await {
            Ok(answers) => answers,
            Err(halt) => {
                self.give_back(intended, Change::Return).await?;
                return Err(halt);
            }
        };
        self.settle(answers, intended).await
    }

    /// The request as a whole failed.
    async fn unsent(
        &mut self,
        fault: Fault,
        request: &[Posting],
        intended: HashMap<MessageId, Item>,
    ) -> Result<(), Halt> {
        if fault.ambiguous {
            return Err(fault.into());
        }
        match fault.class {
            Class::Transient => self.give_back(intended, Change::Return).await?,
            Class::Configuration => {
                self.give_back(intended, Change::Return).await?;
                return Err(Halt::Stop(fault.to_string()));
            }
            // One of them is at fault: each is sent alone, and the one that fails alone is it.
            Class::Business | Class::Malformed if request.len() > 1 || intended.len() > 1 => {
                self.alone
                    .extend(intended.values().map(|item| item.entry.ticket.slot));
                self.give_back(intended, Change::Return).await?;
                return Ok(());
            }
            Class::Business | Class::Malformed => {
                let reason = Reason::new("malformed-posting", fault.to_string());
                self.give_back(intended, Change::Dead(reason)).await?;
                return Ok(());
            }
        }
        Err(fault.into())
    }

    async fn give_back(&self, items: HashMap<MessageId, Item>, change: Change) -> Result<(), Halt> {
        let back = |item: Item| Request {
            ticket: item.entry.ticket,
            change: change.clone(),
        };
        self.change(items.into_values().map(back).collect())
            .await
            .map(drop)
    }
}
