//! What can happen to an agent's disk.

use std::collections::VecDeque;
use std::time::Duration;

use millrace_shared::ident::Epoch;
use millrace_shared::store::memory::MemorySpool;
use millrace_shared::store::spool::{Pressure, Retention, Spool};

use crate::simulation::agent::{AgentNode, Disk};
use crate::simulation::bug::Bug;
use crate::simulation::scan::Scan;
use crate::simulation::world::{Event, Node, World};

impl World {
    pub(super) fn restore_agent(&mut self, agent: usize) {
        let images = self.agents[agent].images.len();
        if images == 0 {
            return;
        }
        let image = self.agents[agent].images[self.dice.index(images)].clone();
        self.kill(Node::Agent(agent));
        self.replace_disk(agent, image);
        self.scan_more(agent);
        if self.dice.chance(600) {
            // It scans on for a while before anybody can tell it that it is an old image.
            let while_ms = self.dice.between(5_000, 60_000);
            self.cut_line(agent, while_ms);
        }
    }

    pub(super) fn lose_agent(&mut self, agent: usize) {
        let spool = MemorySpool::new(self.agents[agent].id.clone(), Epoch(self.dice.number()));
        self.kill(Node::Agent(agent));
        self.agents[agent].images.clear();
        let lineage = Vec::new();
        self.replace_disk(agent, Disk { spool, lineage });
        self.scan_more(agent);
    }

    /// The shift goes on: what is captured now meets what the old disk had sent.
    fn scan_more(&mut self, agent: usize) {
        for _ in 0..self.dice.between(1, 8) {
            let scan = Scan::throw(&self.agents[agent].id, self.plan.orders, &mut self.dice);
            self.agents[agent].to_scan.push_back(self.scans.len());
            self.scans.push(scan);
        }
        self.later(1_000, Event::Scan(agent));
    }

    /// The disk is another one from now on. What the scanner had not heard OK for is not repeated: the claim by which
    /// a repetition is recognised may be on the disk that is no more.
    pub(super) fn replace_disk(&mut self, agent: usize, disk: Disk) {
        let node = &mut self.agents[agent];
        let old = std::mem::replace(&mut node.disk, disk);
        self.lineages.push(old.lineage);
        if let Some(scan) = node.to_scan.pop_front() {
            self.scans[scan].abandoned = true;
            self.later(1_000, Event::Scan(agent));
        }
    }

    pub(super) fn clone_agent(&mut self, agent: usize) {
        if self.agents.len() >= 4 {
            return;
        }
        let original = &self.agents[agent];
        let number = self.agents.len();
        let twin = AgentNode {
            id: original.id.clone(),
            disk: original.disk.clone(),
            images: Vec::new(),
            exists: true,
            run: 0,
            sender: None,
            connected: false,
            line: original.line.clone(),
            store_free_ms: 0,
            wake_ms: None,
            skew_ms: original.skew_ms,
            to_scan: VecDeque::new(),
            term_heard: 0,
        };
        self.agents.push(twin);
        self.later(500, Event::Start(Node::Agent(number), 0));
        self.scan_more(number);
    }

    /// Prunes a spool: what is settled, and where the disk is short what is stored.
    pub fn prune_agent(&mut self, agent: usize) {
        let short = self.plan.pressure || self.bug == Some(Bug::PruneAtStored);
        let now = self.moment(Node::Agent(agent));
        let long = Duration::from_secs(365 * 86_400);
        let keep = Retention {
            settled: Duration::from_secs(30),
            claims: long,
            scans: long,
            pressure: if short {
                Pressure::DropStored
            } else {
                Pressure::Refuse
            },
        };
        let before = self.agents[agent].disk.unsettled();
        let spool = &mut self.agents[agent].disk.spool;
        spool.set_pressed(short);
        let _ = spool.prune(&keep, now);
        spool.set_pressed(false);
        let after = self.agents[agent].disk.unsettled();
        if after.len() < before.len() && !self.plan.pressure {
            self.violate(format!("P2: agent {agent} pruned what is not settled"));
        }
    }
}
