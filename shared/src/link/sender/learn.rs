//! What was heard goes into the spool, in the order in which it was heard, and is acknowledged when it is there; rows
//! whose position another content took are moved to a new epoch.

use std::collections::BTreeSet;

use crate::ident::{Epoch, Stamp};
use crate::link::wire::{self, Control, Heard, Tide, Told};
use crate::link::{Ticket, pace};
use crate::store::spool::News;

use super::{Sender, SenderAction};

/// News that wait for their commit; at this many, receipts are dropped (they come again).
const QUEUE: usize = 16 * 1024;

/// Rows that are moved by one commit.
const MOVES: usize = 1024;

/// What the spool has still to learn.
#[derive(Debug, Default)]
pub struct Learning {
    queue: Vec<News>,
    asked: Option<(Ticket, Vec<News>, u64)>,
    /// Up to this change number news are in the queue or committed.
    upto: u64,
    /// Epochs that other content was seen in: new messages must not go there.
    pub left: BTreeSet<Epoch>,
    /// Rows whose position other content has.
    pub to_move: BTreeSet<Stamp>,
    cutting: Option<(Ticket, Vec<Stamp>)>,
    /// The store could not; nothing is asked of it before this.
    pub store_rests_until_ms: u64,
}

impl Learning {
    /// Notes something for the spool.
    pub fn news(&mut self, news: News) {
        self.queue.push(news);
    }

    /// Whether receipts must wait until some of this is committed.
    pub fn is_full(&self) -> bool {
        self.queue.len() >= QUEUE
    }

    /// The opening changed: change numbers begin anew.
    pub fn forget_pages(&mut self) {
        self.upto = 0;
        if let Some((_, _, upto)) = &mut self.asked {
            *upto = 0;
        }
    }

    /// When to ask again after a failure.
    pub fn timeout(&self) -> Option<u64> {
        let waits = !self.queue.is_empty() && self.asked.is_none();
        let moves = !self.to_move.is_empty() && self.cutting.is_none();
        (waits || moves).then_some(self.store_rests_until_ms)
    }
}

impl Sender {
    pub(super) fn on_news(&mut self, page: wire::News) {
        if page.session != self.config.session {
            return; // For a twin that shares our name: what it knew already is left out.
        }
        if page.upto <= self.heard {
            return self.say_heard();
        }
        if page.after > self.learn.upto || page.upto <= self.learn.upto {
            return; // A page before it is missing, or it is on its way into the spool.
        }
        self.learn.upto = page.upto;
        for note in page.notes {
            let stamp = note.stamp;
            self.learn.news(match note.told {
                Told::Dead(reason) => News::Dead { stamp, reason },
                Told::Reopened => News::Reopened { stamp },
                Told::Settled(outcome) => News::Settled { stamp, outcome },
            });
        }
    }

    /// Of what is settled there no more news will come. What is ours there by its digest, or was taken there as what it
    /// is, settles here too; so does what is gone here and can be compared by nobody. In a lane that diverged the same
    /// positions hold other content as well: that is to be moved, and settles only where it went.
    pub(super) fn on_finished(&mut self, tide: &Tide) {
        let Some(flow) = self.flows.get_mut(&(tide.epoch, tide.lane)) else {
            return;
        };
        let (epoch, lane) = (tide.epoch, tide.lane);
        let upto = tide.settled.min(flow.head.next - 1);
        if upto > flow.head.settled.max(flow.finished) {
            flow.finished = upto;
            self.learn.news(News::Gone { epoch, lane, upto });
        }
        let mut ours = flow.done.clone();
        ours.insert(0, flow.confirmed.sequence);
        ours.remove(0, flow.head.settled);
        for (from, to) in ours.without([&flow.beside, &flow.over], upto) {
            flow.over.insert(from, to);
            self.learn.news(News::Finished {
                epoch,
                lane,
                from,
                to,
            });
        }
    }

    /// Asks for the commit of what waits, one commit at a time.
    pub(super) fn learn_on(&mut self, now_ms: u64) {
        if now_ms < self.learn.store_rests_until_ms {
            return;
        }
        if self.learn.asked.is_none() && !self.learn.queue.is_empty() {
            let news = std::mem::take(&mut self.learn.queue);
            let ticket = self.ticket();
            self.learn.asked = Some((ticket, news.clone(), self.learn.upto));
            self.act(SenderAction::Learn(ticket, news));
        }
        let Some(&(newest, _)) = self.epochs.last() else {
            return;
        };
        let fresh = self.learn.left.contains(&newest);
        if self.learn.cutting.is_none() && (fresh || !self.learn.to_move.is_empty()) {
            let moved: Vec<Stamp> = self.learn.to_move.iter().take(MOVES).copied().collect();
            let ticket = self.ticket();
            self.learn.cutting = Some((ticket, moved.clone()));
            self.act(SenderAction::Cut { ticket, fresh, moved });
        }
    }

    pub(super) fn on_committed(&mut self, ticket: Ticket) {
        let learnt = self.learn.asked.take_if(|(asked, _, _)| *asked == ticket);
        if let Some((_, _, upto)) = learnt
            && upto > self.heard
        {
            self.heard = upto;
            self.say_heard();
        }
        if let Some((_, moved)) = self.learn.cutting.take_if(|(asked, _)| *asked == ticket) {
            for stamp in moved {
                self.learn.to_move.remove(&stamp);
            }
        }
    }

    /// The store could not: the same is asked again, in the same order.
    pub(super) fn on_failed(&mut self, ticket: Ticket, now_ms: u64) {
        self.learn.store_rests_until_ms = now_ms + pace::STORE_RETRY_MS;
        if let Some((_, mut news, _)) = self.learn.asked.take_if(|(asked, _, _)| *asked == ticket) {
            news.append(&mut self.learn.queue);
            self.learn.queue = news;
        }
        self.learn.cutting.take_if(|(asked, _)| *asked == ticket);
        for flow in self.flows.values_mut() {
            if let Some((_, first, last)) = flow.reading.take_if(|(asked, _, _)| *asked == ticket) {
                flow.release(first, last);
            }
            if let Some((_, floor)) = flow.weighing.take_if(|(asked, _)| *asked == ticket) {
                flow.to_weigh = Some(flow.to_weigh.unwrap_or(floor));
            }
        }
    }

    fn say_heard(&mut self) {
        let Some(origin) = self.origin.filter(|_| self.connected) else {
            return;
        };
        self.say(&Control::Heard(Heard {
            session: self.config.session,
            mark: origin.mark,
            upto: self.heard,
        }));
    }
}
