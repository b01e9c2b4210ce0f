//! What a standing hold catches is held whole: what waits behind the first that was caught too, so that whoever reviews
//! it sees all of it at once.

use millrace_shared::store::inbox::{Change, InboxView, PAGE, Request, Worklist};

use super::halt::Halt;
use super::worker::Worker;
use crate::govern::StandingHold;
use crate::target::Target;

impl<I: Worklist + InboxView + Send + 'static, T: Target> Worker<I, T> {
    /// Holds what waits and is caught by the same hold as one of these.
    pub(super) async fn hold_all(&self, holds: &[StandingHold], caught: &[Request]) -> Result<(), Halt> {
        let has_caught = |hold: &&StandingHold| {
            let change = Change::Hold(hold.hold());
            caught.iter().any(|request| request.change == change)
        };
        for hold in holds.iter().filter(has_caught) {
            let mut filter = hold.waiting();
            if filter.agents.is_empty() {
                filter.agents.clone_from(&self.domain.agents);
            }
            let mut after = None;
            loop {
                let wanted = filter.clone();
                let page = self.call(move |inbox| inbox.list(&wanted, after, PAGE)).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.ticket.slot);
                let caught = page.iter().filter(|entry| hold.is_over(entry));
                let request = |ticket| Request {
                    ticket,
                    change: Change::Hold(hold.hold()),
                };
                self.change(caught.map(|entry| request(entry.ticket)).collect())
                    .await?;
            }
        }
        Ok(())
    }
}
