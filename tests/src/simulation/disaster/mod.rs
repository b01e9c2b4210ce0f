//! Disasters, and what they destroy.

mod agent;
mod relay;

use std::collections::BTreeSet;

use millrace_shared::store::inbox::Inbox;

use super::inbox::RelayDisk;
use super::network::Way;
use super::odoo::Known;
use super::plan::Disaster;
use super::world::{Node, World};

/// Most images of a disk.
const IMAGES: usize = 4;

/// How long the relay keeps what is settled: longer than any line is cut, as in earnest, so that every twin of an agent
/// heard of it.
const RETENTION_MS: i64 = 120_000;

impl World {
    /// A disaster strikes.
    pub fn strike(&mut self, disaster: Disaster) {
        let agent = self.dice.index(self.agents.len());
        let relay = self.relay();
        if !self.agents[agent].exists {
            return;
        }
        self.note(|| format!("DISASTER {disaster:?} (agent {agent})"));
        let while_ms = self.dice.between(1_000, 90_000);
        match disaster {
            Disaster::KillAgent => self.kill(Node::Agent(agent)),
            Disaster::KillRelay => self.kill(Node::Relay(relay)),
            Disaster::Partition => self.cut_line(agent, while_ms),
            Disaster::HalfOpen => {
                let way = if self.dice.chance(500) { Way::Up } else { Way::Down };
                self.agents[agent].line.deaf = Some((way, self.now_ms + while_ms));
            }
            Disaster::RestoreAgent => self.restore_agent(agent),
            Disaster::CloneAgent => self.clone_agent(agent),
            Disaster::LoseAgent => self.lose_agent(agent),
            Disaster::RestoreRelay => self.restore_relay(),
            Disaster::LoseRelay => {
                let (store, mark) = (self.dice.number(), self.dice.number());
                let empty = RelayDisk::new(store, mark, self.plan.quota, self.bug);
                self.replace_relay_disk(empty);
            }
            Disaster::TakeOver => self.take_over(while_ms),
            Disaster::RestoreTarget => self.restore_target(),
            Disaster::TargetDown => self.odoo_down_until_ms = self.now_ms + while_ms,
            Disaster::ClockJump => {
                let years = self.dice.between(0, 20) as i64 - 10;
                self.agents[agent].skew_ms = years * 365 * 86_400_000;
            }
            Disaster::PruneAgent => self.prune_agent(agent),
            Disaster::PruneRelay => {
                let before_ms = self.moment(Node::Relay(relay)).wall_ms - RETENTION_MS;
                self.relays[relay].disk.prune(before_ms);
            }
            Disaster::Backup => self.back_up(),
        }
        self.count_destroyed();
    }

    fn back_up(&mut self) {
        for agent in &mut self.agents {
            let image = agent.disk.clone();
            agent.images.push(image);
            if agent.images.len() > IMAGES {
                agent.images.remove(0);
            }
        }
        if !self.is_replaying() {
            let image = self.relays[self.relay()].disk.clone();
            self.relay_images.push(image);
        }
        if self.relay_images.len() > IMAGES {
            self.relay_images.remove(0);
        }
        self.odoo_image = Some(self.odoo.clone());
    }

    /// Scans of which no copy is left anywhere, and of which the target knows nothing: what it forgot, too, be it that they
    /// took effect or that a person discarded them.
    pub fn count_destroyed(&mut self) {
        let spools: Vec<_> = self.agents.iter().filter(|agent| agent.exists).collect();
        let kept: BTreeSet<_> = spools
            .iter()
            .flat_map(|agent| {
                agent
                    .disk
                    .unsettled()
                    .into_iter()
                    .map(|name| (agent.id.clone(), name))
            })
            .collect();
        let disk = &self.relays[self.relay()].disk;
        let mut destroyed = Vec::new();
        for (number, scan) in self.scans.iter().enumerate() {
            let Some(name) = &scan.name else { continue };
            let known = matches!(self.odoo.known.get(name), Some(Known::Done | Known::Void));
            if !known && !kept.contains(name) && !disk.has(&scan.agent, number) {
                destroyed.push(number);
            }
        }
        for number in destroyed {
            if !self.scans[number].destroyed {
                self.note(|| format!("scan {number} is destroyed"));
            }
            self.scans[number].destroyed = true;
        }
    }

    /// The storm is over: everything that was broken is mended, and stays so.
    pub fn mend(&mut self) {
        self.note(|| "MENDED".to_owned());
        self.mended = true;
        self.moved_ms = self.now_ms;
        self.plan.loss = 0;
        self.plan.duplicates = 0;
        self.plan.delay_ms = self.plan.delay_ms.min(500);
        self.odoo_down_until_ms = 0;
        for relay in 0..self.relay() {
            self.relays[relay].deposed = true;
            self.kill(Node::Relay(relay));
        }
        for agent in &mut self.agents {
            agent.line.cut_until_ms = 0;
            agent.line.deaf = None;
        }
        let relay = self.relay();
        self.relays[relay].paused_until_ms = 0;
        let _ = self.relays[relay].disk.opening();
    }
}
