//! What passes between a relay and the target: requests that are lost, late or doubled, and their answers.

use millrace_shared::link::receiver::ReceiverNotice;
use millrace_shared::store::inbox::{Change, Inbox, Request, StateName};

use super::bug::Bug;
use super::inbox::commit;
use super::odoo::{Ask, Known, Reply};
use super::poster::{Step, request};
use super::world::{Event, Job, Node, World};

impl World {
    /// A poster looks for work.
    pub fn tick(&mut self, relay: usize) {
        let run = self.relays[relay].run;
        let after_ms = self.dice.between(20, 400);
        self.later(after_ms, Event::Tick(relay, run));
        if self.relays[relay].paused_until_ms > self.now_ms {
            return;
        }
        let node = &mut self.relays[relay];
        if let Some(step) = node
            .poster
            .next(&node.disk, self.plan.group, self.now_ms, &mut self.dice)
        {
            self.step(relay, step);
        }
    }

    /// Does what a poster wants done.
    pub fn step(&mut self, relay: usize, step: Step) {
        let run = self.relays[relay].run;
        match step {
            Step::Send(number, ask) => {
                let node = &self.relays[relay];
                let stamp = (node.poster.fence.unwrap_or(0), node.disk.seen);
                self.note(|| format!("relay {relay} asks the target {number}: {ask:?}"));
                if !self.mended && self.dice.chance(self.plan.loss / 2) {
                    return;
                }
                // A slow target may do what is asked long after nobody waits for it any more; a proxy may ask twice.
                let twice = !self.mended && self.dice.chance(self.plan.duplicates / 2);
                for _ in 0..=u32::from(twice) {
                    let slow = !self.mended && self.dice.chance(self.plan.loss / 2);
                    let longest = if slow {
                        90_000
                    } else {
                        self.plan.delay_ms.min(5_000)
                    };
                    let after_ms = self.dice.between(1, longest);
                    let event = Event::Request(relay, run, number, ask.clone(), stamp);
                    self.later(after_ms, event);
                }
            }
            Step::Commit(changes, to_post) => {
                self.ask_store(Node::Relay(relay), Job::Poster(changes, to_post))
            }
            Step::Fenced(fence) => self.raise_term(relay, fence),
            Step::Restored => {
                let trusted = self.bug == Some(Bug::RestoredTargetTrusted);
                let disk = &mut self.relays[relay].disk;
                (disk.seen, disk.replay) = (self.odoo.count, !trusted);
            }
            Step::Replay => self.replay(relay),
            Step::Stop => {
                self.note(|| format!("relay {relay} hears that it was taken over from"));
                self.kill(Node::Relay(relay));
            }
        }
    }

    /// What the restored target does not have is done again, under the same names: what took effect is posted, and what
    /// was discarded is voided. A discard that the target forgot would come back from the next image
    /// of a spool or an inbox in which it had not happened yet.
    fn replay(&mut self, relay: usize) {
        let disk = &self.relays[relay].disk;
        let settled = disk.items(&[StateName::Settled]).into_iter();
        let forgotten = settled.filter(|item| self.is_forgotten(item));
        let again: Vec<Request> = forgotten.map(|item| request(&item, Change::Replay)).collect();
        let now_ms = self.moment(Node::Relay(relay)).wall_ms;
        let disk = &mut self.relays[relay].disk;
        disk.replay = false;
        let verdicts = commit(disk, &again, now_ms);
        self.note(|| format!("relay {relay} replays {again:?}: {verdicts:?}"));
    }

    /// A request reaches the target, which answers it.
    pub fn reach_target(&mut self, relay: usize, run: u32, number: u64, ask: &Ask, fence: u64, seen: u64) {
        if self.now_ms < self.odoo_down_until_ms {
            return;
        }
        let before = self.odoo.effects.len();
        let reply = self.odoo.answer(ask, fence, seen, self.bug);
        self.watch_effects(before);
        if let (Ask::Void(_), Reply::Told(told)) = (ask, &reply) {
            for (name, known) in told {
                if *known == Some(Known::Void) {
                    self.discarded.insert(name.clone());
                }
            }
        }
        self.note(|| format!("the target answers relay {relay} {number}: {reply:?}"));
        if !self.mended && self.dice.chance(self.plan.loss / 2) {
            return;
        }
        let after_ms = self.dice.between(1, self.plan.delay_ms.min(5_000));
        let count = self.odoo.count;
        self.later(after_ms, Event::Reply(relay, run, number, reply, count));
    }

    /// What a receiving machine wants to be known.
    pub fn heed(&mut self, relay: usize, notice: &ReceiverNotice) {
        if let ReceiverNotice::Outranked(term) = notice
            && *term > self.relays[relay].disk.opening().term
        {
            // Who holds the fence still may raise it again; who lost it is told when he asks with the old one.
            let poster = &mut self.relays[relay].poster;
            poster.outranked = poster.outranked.max(*term);
            if poster.fence == Some(self.odoo.fence) {
                poster.fence = None;
            }
        }
    }
}
