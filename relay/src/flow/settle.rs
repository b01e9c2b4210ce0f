//! Commits what follows from the target's answers, and has the agents told.

use std::collections::HashMap;

use millrace_shared::ident::MessageId;
use millrace_shared::store::inbox::{Change, InboxView, Item, Request, Verdict, Worklist};

use super::conclude::{Conclusion, conclude};
use super::halt::Halt;
use super::worker::Worker;
use crate::target::{Answer, Target};

impl<I: Worklist + InboxView + Send + 'static, T: Target> Worker<I, T> {
    /// Commits what follows from the answers.
    pub(super) async fn settle(
        &mut self,
        answers: Vec<Answer>,
        mut items: HashMap<MessageId, Item>,
    ) -> Result<(), Halt> {
        let mut stop = None;
        let mut steps: Vec<(Item, std::vec::IntoIter<Change>)> = Vec::new();
        for answer in &answers {
            let Some(item) = items.remove(&answer.id) else {
                continue;
            };
            let Conclusion {
                changes,
                alone,
                forget,
                stop: why,
            } = conclude(&item.entry, answer);
            let slot = item.entry.ticket.slot;
            if alone {
                self.alone.insert(slot)
            } else {
                self.alone.remove(&slot)
            };
            if forget {
                self.target.flush();
            }
            stop = stop.or(why);
            steps.push((item, changes.into_iter()));
        }
        // A message that takes two changes takes them one after the other; almost all take one.
        while !steps.is_empty() {
            let mut round = Vec::new();
            for (item, mut changes) in steps.drain(..) {
                if let Some(change) = changes.next() {
                    round.push((
                        Request {
                            ticket: item.entry.ticket,
                            change,
                        },
                        item,
                        changes,
                    ));
                }
            }
            let requests = round.iter().map(|(request, ..)| request.clone()).collect();
            let verdicts = self.change(requests).await?;
            for ((_, mut item, changes), verdict) in round.into_iter().zip(verdicts) {
                if let Verdict::Done(ticket, _) = verdict {
                    item.entry.ticket = ticket;
                    steps.push((item, changes));
                }
            }
        }
        self.ring();
        stop.map_or(Ok(()), |text| Err(Halt::Stop(text)))
    }
}
