//! The drivers: events go to the machines, their actions to stores and network, one boundary after another.

use millrace_shared::ident::{AgentId, Epoch};
use millrace_shared::link::wire::{self, Control};
use millrace_shared::link::{Channel, ReceiverAction, ReceiverEvent, SenderAction, SenderEvent, serve};
use millrace_shared::store::inbox::Inbox;
use millrace_shared::store::spool::SpoolReader;
use millrace_shared::store::spool::{Spool, Verdict};

use super::bug::Bug;
use super::inbox::commit;
use super::network::Way;
use super::world::{Answer, Event, Job, Node, World};

impl World {
    /// Something happens to an agent's sending machine.
    pub fn tell_sender(&mut self, agent: usize, event: SenderEvent) {
        let now = self.moment(Node::Agent(agent));
        let Some(sender) = &mut self.agents[agent].sender else {
            return;
        };
        sender.handle_event(event, now);
        self.drive_sender(agent);
    }

    /// Does what the sending machine asks for, until it asks for nothing or its process dies.
    pub fn drive_sender(&mut self, agent: usize) {
        let node = Node::Agent(agent);
        while let Some(action) = self.agents[agent]
            .sender
            .as_mut()
            .and_then(|sender| sender.poll_action())
        {
            if !self.do_for_sender(agent, action) {
                return;
            }
        }
        let wake = self.agents[agent]
            .sender
            .as_ref()
            .and_then(|sender| sender.poll_timeout());
        self.wake_at(node, wake);
    }

    /// Does one thing that the sending machine asks for. False where its process died over it.
    pub fn do_for_sender(&mut self, agent: usize, action: SenderAction) -> bool {
        let node = Node::Agent(agent);
        if self.boundary(node) {
            return false;
        }
        self.note(|| format!("agent {agent} {}", super::log::action(&action)));
        match action {
            SenderAction::Publish(channel, payload) => self.publish_up(agent, channel, payload),
            SenderAction::Reconnect(_) => {
                let run = self.agents[agent].run;
                self.later(1, Event::Disconnect(agent, run));
            }
            SenderAction::Notice(_) => {}
            action => self.ask_spool(agent, action),
        }
        !self.boundary(node)
    }

    fn ask_spool(&mut self, agent: usize, mut action: SenderAction) {
        self.plant_in_question(agent, &mut action);
        if self.bug == Some(Bug::HeardBeforeCommit)
            && let SenderAction::Learn(ticket, _) = &action
        {
            let (run, ticket) = (self.agents[agent].run, *ticket);
            let heads = self.agents[agent].disk.spool.heads().unwrap_or_default();
            let answer = Answer::Sender(SenderEvent::Committed(ticket, heads));
            self.later(0, Event::Answer(Node::Agent(agent), run, answer));
        }
        self.ask_store(Node::Agent(agent), Job::Sender(action));
    }

    /// Does a job of an agent's store.
    pub fn do_for_agent(&mut self, agent: usize, job: Job) {
        let node = Node::Agent(agent);
        let now = self.moment(node);
        let fails = !self.mended && self.dice.chance(self.plan.store_faults);
        match job {
            Job::Sender(action) if fails => {
                if let Some(ticket) = super::log::ticket(&action) {
                    self.answer(node, Answer::Sender(SenderEvent::Failed(ticket)));
                }
            }
            Job::Sender(mut action) => {
                self.shorten(&mut action);
                self.watch_settling(agent, &action);
                let epoch = Epoch(self.dice.number());
                let continues = self.bug == Some(Bug::EpochContinuedAfterRestore);
                let spool = &mut self.agents[agent].disk.spool;
                let answer = match &action {
                    SenderAction::Cut { ticket, .. } if continues => Ok(spool
                        .heads()
                        .ok()
                        .map(|heads| SenderEvent::Committed(*ticket, heads))),
                    _ => serve::spool(spool, &action, || epoch, now),
                };
                match answer {
                    Ok(Some(event)) => self.answer(node, Answer::Sender(event)),
                    Ok(None) => {}
                    Err(error) => {
                        self.violate(format!("the spool of agent {agent} failed for good: {error}"))
                    }
                }
            }
            Job::Scan(scan) if fails => self.answer(node, Answer::Tone(scan, false)),
            Job::Scan(scan) => self.commit_scan(agent, scan),
            Job::Receiver(..) | Job::Poster(..) => {}
        }
    }

    /// Frames of a few rows: a small world must have many of them.
    fn shorten(&mut self, action: &mut SenderAction) {
        if let SenderAction::Read(_, read) = action {
            read.count = read
                .count
                .min(self.dice.between(1, self.plan.rows as u64) as usize);
        }
    }

    fn commit_scan(&mut self, agent: usize, scan: usize) {
        let node = Node::Agent(agent);
        let now = self.moment(node);
        let intake = self.scans[scan].intake(scan, now);
        let disk = &mut self.agents[agent].disk;
        let verdicts = disk.spool.commit(std::slice::from_ref(&intake), now);
        let ok = match verdicts.as_deref() {
            Ok([Verdict::Kept(names)]) => {
                disk.lineage.push(scan);
                self.scans[scan].name = names.first().map(|id| (id.agent.clone(), id.stamp()));
                true
            }
            Ok([Verdict::Known(_)]) => true,
            _ => false,
        };
        self.note(|| format!("agent {agent} commits scan {scan}: {ok}"));
        self.answer(node, Answer::Tone(scan, ok));
    }

    fn publish_up(&mut self, agent: usize, channel: Channel, payload: Vec<u8>) {
        self.watch_heard(agent, channel, &payload);
        if !self.agents[agent].connected {
            return;
        }
        let id = self.agents[agent].id.clone();
        for relay in 0..self.relays.len() {
            let line = self.agents[agent].line.clone();
            for at_ms in line.arrivals(Way::Up, &self.plan, self.now_ms, &mut self.dice) {
                let event = Event::Payload(Node::Relay(relay), id.clone(), channel, payload.clone());
                self.at(at_ms, event);
            }
        }
    }

    /// Something happens to a relay's receiving machine.
    pub fn tell_receiver(&mut self, relay: usize, agent: &AgentId, event: ReceiverEvent) {
        let now = self.moment(Node::Relay(relay));
        let Some(receiver) = self.relays[relay].receivers.get_mut(agent) else {
            return;
        };
        receiver.handle_event(event, now);
        self.drive_receiver(relay, agent);
    }

    /// Does what a receiving machine asks for, until it asks for nothing or its process dies.
    pub fn drive_receiver(&mut self, relay: usize, agent: &AgentId) {
        let node = Node::Relay(relay);
        while let Some(receiver) = self.relays[relay].receivers.get_mut(agent) {
            let Some(action) = receiver.poll_action() else {
                break;
            };
            if self.boundary(node) {
                return;
            }
            self.note(|| format!("relay {relay} {}", super::log::reaction(&action)));
            match action {
                ReceiverAction::Publish(_, payload) => self.publish_down(relay, agent, &payload),
                ReceiverAction::Clock(_) => {}
                ReceiverAction::Notice(notice) => self.heed(relay, &notice),
                action => self.ask_inbox(relay, agent, action),
            }
            if self.boundary(node) {
                return;
            }
        }
        let receivers = self.relays[relay].receivers.values();
        let wake = receivers.filter_map(|receiver| receiver.poll_timeout()).min();
        self.wake_at(node, wake);
    }

    fn ask_inbox(&mut self, relay: usize, agent: &AgentId, action: ReceiverAction) {
        if self.bug == Some(Bug::ReceiptBeforeCommit) && matches!(action, ReceiverAction::Take(..)) {
            let now = self.moment(Node::Relay(relay));
            let mut early = self.relays[relay].disk.clone();
            if let Ok(Some(event)) = serve::inbox(&mut early, agent, &action, now) {
                let run = self.relays[relay].run;
                let answer = Answer::Receiver(agent.clone(), event);
                self.later(0, Event::Answer(Node::Relay(relay), run, answer));
            }
        }
        self.ask_store(Node::Relay(relay), Job::Receiver(agent.clone(), action));
    }

    fn publish_down(&mut self, relay: usize, agent: &AgentId, payload: &[u8]) {
        self.watch_receipt(relay, agent, payload);
        for index in 0..self.agents.len() {
            if self.agents[index].id != *agent {
                continue;
            }
            let line = self.agents[index].line.clone();
            for at_ms in line.arrivals(Way::Down, &self.plan, self.now_ms, &mut self.dice) {
                let node = Node::Agent(index);
                let event = Event::Payload(node, agent.clone(), Channel::Receipt, payload.to_vec());
                self.at(at_ms, event);
            }
        }
    }

    /// Does a job of a relay's store.
    pub fn do_for_relay(&mut self, relay: usize, job: Job) {
        let node = Node::Relay(relay);
        let now = self.moment(node);
        let fails = !self.mended && self.dice.chance(self.plan.store_faults);
        match job {
            Job::Receiver(agent, action) if fails => {
                if let Some(ticket) = super::log::question(&action) {
                    self.answer(node, Answer::Receiver(agent, ReceiverEvent::Failed(ticket)));
                }
            }
            Job::Receiver(agent, action) => {
                match serve::inbox(&mut self.relays[relay].disk, &agent, &action, now) {
                    Ok(Some(event)) => self.answer(node, Answer::Receiver(agent, event)),
                    Ok(None) => {}
                    Err(error) => {
                        self.violate(format!("the inbox of relay {relay} failed for good: {error}"))
                    }
                }
            }
            Job::Poster(..) if fails => self.answer(node, Answer::Poster(Vec::new())),
            Job::Poster(changes, to_post) => {
                self.watch_changes(relay, &changes);
                let verdicts = commit(&mut self.relays[relay].disk, &changes, now.wall_ms);
                for (request, verdict) in changes.iter().zip(verdicts) {
                    self.note(|| format!("relay {relay} commits {request:?}: {verdict:?}"));
                }
                if !changes.is_empty() {
                    self.moved_ms = self.now_ms;
                }
                self.answer(node, Answer::Poster(to_post));
            }
            Job::Sender(_) | Job::Scan(_) => {}
        }
    }

    fn wake_at(&mut self, node: Node, at_ms: Option<u64>) {
        let Some(at_ms) = at_ms else { return };
        let planned = match node {
            Node::Agent(agent) => &mut self.agents[agent].wake_ms,
            Node::Relay(relay) => &mut self.relays[relay].wake_ms,
        };
        if planned.is_some_and(|planned| planned <= at_ms) {
            return;
        }
        *planned = Some(at_ms);
        let run = self.run_of(node);
        self.at(at_ms, Event::Wake(node, run));
    }

    /// The control message of a payload, where it is one.
    pub fn control(channel: Channel, payload: &[u8]) -> Option<Control> {
        (channel == Channel::Control)
            .then(|| wire::decode(payload).ok())
            .flatten()
    }

    /// Raises the term of a relay's receipts.
    pub fn raise_term(&mut self, relay: usize, term: u64) {
        let _ = self.relays[relay].disk.raise_term(term);
        let agents: Vec<AgentId> = self.relays[relay].receivers.keys().cloned().collect();
        for agent in agents {
            self.tell_receiver(relay, &agent, ReceiverEvent::Term(term));
        }
    }
}
