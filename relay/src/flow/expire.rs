//! Waiting for stock has an end: goods that do not come are somebody's business, and what waits for them holds back its
//! keys.

use std::time::Duration;

use millrace_shared::outcome::Reason;
use millrace_shared::store::inbox::{
    Change, Entry, Filter, InboxView, PAGE, Request, State, StateName, Worklist,
};

use super::halt::Halt;
use super::worker::Worker;
use crate::post::why::Why;
use crate::target::Target;

impl<I: Worklist + InboxView + Send + 'static, T: Target> Worker<I, T> {
    /// Makes dead letters of what has waited for stock for too long.
    pub(super) async fn expire(&mut self) -> Result<(), Halt> {
        let (wait, now_ms) = (self.domain.stock_wait, self.clock.moment().wall_ms);
        let waiting = Filter {
            agents: self.domain.agents.clone(),
            states: vec![StateName::Held],
            reasons: vec![Why::NegativeStock.word().to_owned()],
            ..Filter::default()
        };
        let mut after = None;
        loop {
            let filter = waiting.clone();
            let page = self.call(move |inbox| inbox.list(&filter, after, PAGE)).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.ticket.slot);
            let overdue: Vec<Request> = page
                .iter()
                .filter_map(|entry| overdue(entry, wait, now_ms))
                .collect();
            if !overdue.is_empty() {
                self.change(overdue).await?;
                self.ring();
            }
        }
    }
}

/// What becomes of a message that is held for stock; none while it may wait on. A person who tries it again lets it wait
/// anew.
fn overdue(entry: &Entry, wait: Duration, now_ms: i64) -> Option<Request> {
    let State::Held(hold) = &entry.state else {
        return None;
    };
    let waited_ms = u64::try_from(now_ms.saturating_sub(entry.changed_ms)).unwrap_or(0);
    let change = || {
        let hours = wait.as_secs() / 3600;
        let text = format!(
            "{}; it has waited for that for {hours} hours, as long as `stock_wait_hours` lets it: see where the goods are, \
             then retry, amend or discard it",
            hold.reason.text
        );
        Change::Dead(Reason::new(Why::NoStock.word(), text))
    };
    (u128::from(waited_ms) >= wait.as_millis()).then(|| Request {
        ticket: entry.ticket,
        change: change(),
    })
}
