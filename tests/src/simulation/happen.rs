//! What each event does.

use millrace_shared::ident::AgentId;
use millrace_shared::link::{Channel, ReceiverEvent, SenderEvent};
use millrace_shared::store::spool::SpoolReader;

use super::bug::Bug;
use super::odoo::Reply;
use super::world::{Answer, Event, Job, Node, World};

impl World {
    /// Lets an event happen.
    pub fn happen(&mut self, event: Event) {
        match event {
            Event::Payload(node, agent, channel, payload) => self.arrive(node, &agent, channel, payload),
            Event::Start(node, run) => self.start(node, run),
            Event::Wake(node, run) if self.runs(node, run) => self.wake(node),
            Event::Connect(agent, run) if self.runs(Node::Agent(agent), run) => self.connect(agent),
            Event::Disconnect(agent, run) if self.runs(Node::Agent(agent), run) => self.disconnect(agent),
            Event::Do(Node::Agent(agent), run, job) if self.runs(Node::Agent(agent), run) => {
                self.do_for_agent(agent, job);
            }
            Event::Do(Node::Relay(relay), run, job) if self.runs(Node::Relay(relay), run) => {
                self.do_for_relay(relay, job);
            }
            Event::Answer(node, run, answer) if self.runs(node, run) => self.hear(node, answer),
            Event::Scan(agent) => self.scan(agent),
            Event::Tick(relay, run) if self.runs(Node::Relay(relay), run) => self.tick(relay),
            Event::Request(relay, run, number, ask, (fence, seen)) => {
                self.reach_target(relay, run, number, &ask, fence, seen);
            }
            Event::Reply(relay, run, number, reply, count) if self.runs(Node::Relay(relay), run) => {
                let node = &mut self.relays[relay];
                if !matches!(reply, Reply::Restored | Reply::Stale | Reply::Taken(_)) {
                    node.disk.seen = node.disk.seen.max(count);
                }
                if let Some(step) = node.poster.hear(number, reply, &node.disk, &mut self.dice) {
                    self.step(relay, step);
                }
            }
            Event::Person => self.look_at_dead_letters(),
            Event::Disaster(disaster) => self.strike(disaster),
            Event::Mend => self.mend(),
            _ => {}
        }
    }

    fn arrive(&mut self, node: Node, agent: &AgentId, channel: Channel, payload: Vec<u8>) {
        match node {
            Node::Agent(index) => {
                if self.agents[index].connected {
                    self.receive(index, payload);
                }
            }
            Node::Relay(relay) => {
                let paused = self.relays[relay].paused_until_ms > self.now_ms;
                if !self.relays[relay].up || paused {
                    return;
                }
                let event = match channel {
                    Channel::Frames(lane) => ReceiverEvent::Frame(lane, payload),
                    _ => ReceiverEvent::Control(payload),
                };
                self.tell_receiver(relay, agent, event);
            }
        }
    }

    fn wake(&mut self, node: Node) {
        let now = self.moment(node);
        match node {
            Node::Agent(agent) => {
                self.agents[agent].wake_ms = None;
                if let Some(sender) = &mut self.agents[agent].sender
                    && sender.poll_timeout().is_some_and(|at| at <= self.now_ms)
                {
                    sender.handle_timeout(now);
                }
                self.drive_sender(agent);
            }
            Node::Relay(relay) => {
                self.relays[relay].wake_ms = None;
                let ids: Vec<AgentId> = self.relays[relay].receivers.keys().cloned().collect();
                for id in ids {
                    let Some(receiver) = self.relays[relay].receivers.get_mut(&id) else {
                        return;
                    };
                    if receiver.poll_timeout().is_some_and(|at| at <= self.now_ms) {
                        receiver.handle_timeout(now);
                    }
                    self.drive_receiver(relay, &id);
                }
            }
        }
    }

    fn hear(&mut self, node: Node, answer: Answer) {
        match (node, answer) {
            (Node::Agent(agent), Answer::Sender(event)) => self.tell_sender(agent, event),
            (Node::Agent(agent), Answer::Tone(scan, ok)) => {
                self.tone(agent, scan, ok);
                let heads = self.agents[agent].disk.spool.heads().unwrap_or_default();
                self.tell_sender(agent, SenderEvent::Heads(heads));
            }
            (Node::Relay(relay), Answer::Receiver(agent, event)) => self.tell_receiver(relay, &agent, event),
            (Node::Relay(relay), Answer::Poster(to_post)) => {
                let node = &mut self.relays[relay];
                let step = node.poster.post(&to_post, &node.disk, self.now_ms);
                let ids: Vec<AgentId> = node.receivers.keys().cloned().collect();
                for id in ids {
                    self.tell_receiver(relay, &id, ReceiverEvent::NewsWaiting);
                }
                if let Some(step) = step {
                    self.step(relay, step);
                }
            }
            _ => {}
        }
    }

    fn scan(&mut self, agent: usize) {
        let node = &self.agents[agent];
        if !node.exists {
            return;
        }
        let Some(&scan) = node.to_scan.front() else { return };
        let after_ms = self.dice.between(2_000, 4_000);
        self.later(after_ms, Event::Scan(agent)); // Repeated if there is no tone until then.
        if self.agents[agent].sender.is_none() {
            return;
        }
        if self.bug == Some(Bug::ToneBeforeCommit) {
            self.ask_store(Node::Agent(agent), Job::Scan(scan));
            self.tone(agent, scan, true);
            return;
        }
        self.ask_store(Node::Agent(agent), Job::Scan(scan));
    }

    fn tone(&mut self, agent: usize, scan: usize, ok: bool) {
        if !ok || self.agents[agent].to_scan.front() != Some(&scan) {
            return;
        }
        self.scans[scan].ok = true;
        self.agents[agent].to_scan.pop_front();
        let after_ms = self.dice.between(1, self.plan.scan_every_ms * 2);
        self.later(after_ms, Event::Scan(agent));
    }
}
