//! Holds that may resolve by themselves: what waits for a code, a stock or a period is tried by one message of all that
//! wait for the same, and all are released together when that one is free.

use std::time::Duration;

use millrace_shared::store::inbox::{Change, Filter, GroupBy, InboxView, Item, PAGE, StateName, Worklist};

use super::halt::Halt;
use super::prepare::plans;
use super::worker::{FLOW, Worker};
use crate::post::Plan;
use crate::target::{End, Target};

/// How often.
const EVERY: Duration = Duration::from_secs(30);

/// Most subjects that are looked at each time; with more they take turns.
const SUBJECTS: usize = 50;

impl<I: Worklist + InboxView + Send + 'static, T: Target> Worker<I, T> {
    /// Looks at what is held for something, where it is time to.
    pub(super) async fn recheck(&mut self) -> Result<(), Halt> {
        let now_ms = self.clock.moment().monotonic_ms;
        if now_ms < self.recheck_at_ms {
            return Ok(());
        }
        self.expire().await?;
        let samples = self.samples().await?;
        if !samples.is_empty() {
            self.target.flush();
            let items: Vec<Item> = samples.iter().map(|(_, item)| item.clone()).collect();
            let plans = plans(&self.domain, &self.target, &items).await?;
            for ((subject, _), plan) in samples.iter().zip(plans) {
                if self.is_free(subject, plan).await {
                    self.release(subject).await?;
                }
            }
        }
        self.recheck_at_ms = now_ms + EVERY.as_millis() as u64;
        Ok(())
    }

    fn held_for(&self, subject: Option<&str>) -> Filter {
        Filter {
            agents: self.domain.agents.clone(),
            states: vec![StateName::Held],
            subject: subject.map(str::to_owned),
            ..Filter::default()
        }
    }

    /// The oldest message of each subject whose turn it is.
    async fn samples(&mut self) -> Result<Vec<(String, Item)>, Halt> {
        let held = self.held_for(None);
        let counts = self
            .call(move |inbox| inbox.counts(&held, GroupBy::Subject))
            .await?;
        let mut subjects: Vec<String> = counts.into_iter().map(|(subject, _)| subject).collect();
        subjects.retain(|subject| !subject.is_empty());
        subjects.sort_unstable();
        if self.recheck_from >= subjects.len() {
            self.recheck_from = 0;
        }
        let turn: Vec<String> = subjects
            .into_iter()
            .skip(self.recheck_from)
            .take(SUBJECTS)
            .collect();
        self.recheck_from += turn.len();
        let filters: Vec<Filter> = turn.iter().map(|subject| self.held_for(Some(subject))).collect();
        self.call(move |inbox| {
            let mut samples = Vec::new();
            for (subject, filter) in turn.into_iter().zip(filters) {
                let first = inbox.list(&filter, None, 1)?.pop();
                if let Some(entry) = first
                    && let Some(item) = inbox.get(entry.ticket.slot)?
                {
                    samples.push((subject, item));
                }
            }
            Ok(samples)
        })
        .await
    }

    /// Whether what held the message is over. A plan that can be posted may still be refused, as for want of stock, so
    /// it is rehearsed; where that is not possible, sending it is the only way to know.
    async fn is_free(&self, subject: &str, plan: Option<Plan>) -> bool {
        match plan {
            Some(Plan::Hold(hold)) => hold.subject.as_deref() != Some(subject),
            Some(Plan::Post(posting)) => match self.target.rehearse(&[*posting]).await {
                Ok(rehearsal) => !rehearsal
                    .answers
                    .iter()
                    .any(|answer| matches!(answer.end, End::Rejected(_))),
                Err(_) => true,
            },
            _ => true,
        }
    }

    async fn release(&mut self, subject: &str) -> Result<(), Halt> {
        let (filter, now_ms) = (self.held_for(Some(subject)), self.clock.moment().wall_ms);
        let mut after = None;
        let mut released = 0;
        loop {
            let filter = filter.clone();
            let page =
                move |inbox: &mut I| inbox.change_where(&filter, after, &Change::Release, PAGE, FLOW, now_ms);
            let selection = self.call(page).await?;
            released += selection.changed;
            after = selection.next;
            if after.is_none() {
                break;
            }
        }
        tracing::info!(
            domain = self.domain.name,
            subject,
            released,
            "what was held is released"
        );
        Ok(())
    }
}
