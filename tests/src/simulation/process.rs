//! Processes that start and die, and the connections between them.

use millrace_shared::ident::AgentId;
use millrace_shared::link::{Receiver, ReceiverConfig, Sender, SenderConfig, SenderEvent};
use millrace_shared::store::inbox::Inbox;

use super::poster::Poster;
use super::world::{Event, Node, World};

/// How long a broken connection goes unnoticed at most.
const KEEP_ALIVE_MS: u64 = 15_000;

impl World {
    /// A process starts, unless it was killed again meanwhile.
    pub fn start(&mut self, node: Node, run: u32) {
        if self.run_of(node) != run {
            return;
        }
        match node {
            Node::Agent(agent) if self.agents[agent].exists && self.agents[agent].sender.is_none() => {
                let config = SenderConfig {
                    agent: self.agents[agent].id.clone(),
                    session: self.dice.number(),
                };
                let sender = Sender::new(config, self.moment(node));
                let node = &mut self.agents[agent];
                node.sender = Some(sender);
                node.term_heard = 0;
                node.wake_ms = None;
                self.note(|| format!("agent {agent} starts"));
                let after_ms = self.dice.between(50, 3_000);
                self.later(after_ms, Event::Connect(agent, run));
                self.drive_sender(agent);
            }
            Node::Relay(relay) if !self.relays[relay].up && !self.relays[relay].deposed => {
                let mark = self.dice.number();
                let now = self.moment(node);
                let ids: Vec<AgentId> = self.agents.iter().map(|agent| agent.id.clone()).collect();
                let node = &mut self.relays[relay];
                node.disk.open(mark);
                node.up = true;
                node.wake_ms = None;
                node.poster = Poster::default();
                let origin = node.disk.opening().into();
                let receiver = |agent: AgentId| {
                    let config = ReceiverConfig {
                        agent: agent.clone(),
                        origin,
                    };
                    (agent, Receiver::new(config, now))
                };
                node.receivers = ids.iter().cloned().map(receiver).collect();
                self.note(|| format!("relay {relay} starts: {origin:?}"));
                for id in ids {
                    self.drive_receiver(relay, &id);
                }
                self.later(10, Event::Tick(relay, run));
            }
            _ => {}
        }
    }

    /// An agent gets a connection, if its line is whole.
    pub fn connect(&mut self, agent: usize) {
        let run = self.agents[agent].run;
        if !self.agents[agent].line.is_whole(self.now_ms) {
            let after_ms = self.dice.between(500, 5_000);
            return self.later(after_ms, Event::Connect(agent, run));
        }
        if std::mem::replace(&mut self.agents[agent].connected, true) {
            return;
        }
        // The broker knows a client by its name: who comes later drives out who was there.
        for other in 0..self.agents.len() {
            let twin = other != agent && self.agents[other].id == self.agents[agent].id;
            if twin && self.agents[other].connected {
                let run = self.agents[other].run;
                self.later(1, Event::Disconnect(other, run));
            }
        }
        self.note(|| format!("agent {agent} is connected"));
        self.tell_sender(agent, SenderEvent::Connected);
    }

    /// An agent notices that its connection is gone; it tries again after a while.
    pub fn disconnect(&mut self, agent: usize) {
        self.agents[agent].connected = false;
        self.note(|| format!("agent {agent} lost its connection"));
        self.tell_sender(agent, SenderEvent::Disconnected);
        let run = self.agents[agent].run;
        let twins = self
            .agents
            .iter()
            .filter(|other| other.id == self.agents[agent].id && other.exists)
            .count();
        let longest = if twins > 1 { 60_000 } else { 5_000 };
        let after_ms = self.dice.between(500, longest);
        self.later(after_ms, Event::Connect(agent, run));
    }

    /// A process is killed; it starts again after a while.
    pub fn kill(&mut self, node: Node) {
        match node {
            Node::Agent(agent) => {
                let node = &mut self.agents[agent];
                node.run += 1;
                node.sender = None;
                node.connected = false;
                node.store_free_ms = 0;
            }
            Node::Relay(relay) => {
                let node = &mut self.relays[relay];
                node.run += 1;
                node.up = false;
                node.receivers.clear();
                node.store_free_ms = 0;
            }
        }
        let run = self.run_of(node);
        let after_ms = self.dice.between(200, 15_000);
        self.later(after_ms, Event::Start(node, run));
    }

    /// A line is cut; both ends notice after a while.
    pub fn cut_line(&mut self, agent: usize, for_ms: u64) {
        self.agents[agent].line.cut_until_ms = self.now_ms + for_ms;
        let run = self.agents[agent].run;
        let after_ms = self.dice.between(100, KEEP_ALIVE_MS);
        if self.agents[agent].connected {
            self.later(after_ms, Event::Disconnect(agent, run));
        }
    }
}
