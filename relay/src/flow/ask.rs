//! What is asked before anything is sent: the fate of what was under way, and of what a person discarded.

use millrace_shared::store::inbox::{InboxView, Item, PAGE, State, Worklist};

use super::halt::Halt;
use super::worker::{Worker, by_name, named};
use crate::post::Stamp;
use crate::target::{Target, Tenure};

impl<I: Worklist + InboxView + Send + 'static, T: Target> Worker<I, T> {
    /// Asks what became of every message whose intent is committed and whose outcome is not known.
    pub(super) async fn ask_first(&mut self) -> Result<(), Halt> {
        let mut after = None;
        loop {
            let items = self.call(move |inbox| inbox.sent(after, PAGE)).await?;
            let Some(last) = items.last() else { return Ok(()) };
            after = Some(last.entry.ticket.slot);
            let ours = |item: &Item| self.domain.agents.contains(&item.entry.agent);
            let sent = |item: &Item| ours(item) && item.entry.state == State::Sent;
            let sent: Vec<Item> = items.into_iter().filter(sent).collect();
            let stamps: Vec<Stamp> = sent.iter().filter_map(named).collect();
            if !stamps.is_empty() {
                let (_, answers) = self.target.ask(&stamps).await?;
                self.settle(answers, by_name(sent)).await?;
            }
        }
    }

    /// Declares in the target what a person discarded. If the target says done, done wins.
    pub(super) async fn void(&mut self, tenure: &Tenure) -> Result<bool, Halt> {
        let mut ours = self.call(|inbox| inbox.sent(None, PAGE)).await?;
        ours.retain(|item| self.domain.agents.contains(&item.entry.agent));
        let mut any = false;
        for item in ours {
            let State::Voiding { by, reason } = item.entry.state.clone() else {
                continue;
            };
            let Some(stamp) = named(&item) else { continue };
            let reply = self.target.void(tenure, &[stamp], &reason, &by).await?;
            let answers = self.admitted(reply).await?;
            self.settle(answers, by_name(vec![item])).await?;
            any = true;
        }
        Ok(any)
    }
}
