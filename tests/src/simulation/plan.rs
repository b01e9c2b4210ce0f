//! What a seed makes happen: how large the world is, how bad its network, and which disasters strike when.

use super::dice::Dice;

/// A disaster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disaster {
    /// The agent's process is killed.
    KillAgent,
    /// The relay's process is killed.
    KillRelay,
    /// The agent's line is cut for a while.
    Partition,
    /// What the agent sends (or hears) vanishes for a while, though its connection stands.
    HalfOpen,
    /// The agent's disk is put back from an older image.
    RestoreAgent,
    /// The agent's disk is copied to a second machine, which runs beside the first.
    CloneAgent,
    /// The agent's disk is lost.
    LoseAgent,
    /// The relay's disk is put back from an older image.
    RestoreRelay,
    /// The relay's disk is lost.
    LoseRelay,
    /// A second relay takes over from a copy of the disk; the first does not know yet.
    TakeOver,
    /// The target is put back from an older image.
    RestoreTarget,
    /// The target cannot be reached for a while.
    TargetDown,
    /// Wall clocks are set.
    ClockJump,
    /// The agent prunes what is settled; where its disk is short, what is stored too.
    PruneAgent,
    /// The relay prunes what is settled and acknowledged.
    PruneRelay,
    /// An image is taken of every disk.
    Backup,
}

const DISASTERS: [(Disaster, u32); 16] = [
    (Disaster::KillAgent, 6),
    (Disaster::KillRelay, 6),
    (Disaster::Partition, 6),
    (Disaster::HalfOpen, 3),
    (Disaster::RestoreAgent, 3),
    (Disaster::CloneAgent, 2),
    (Disaster::LoseAgent, 1),
    (Disaster::RestoreRelay, 2),
    (Disaster::LoseRelay, 3),
    (Disaster::TakeOver, 2),
    (Disaster::RestoreTarget, 2),
    (Disaster::TargetDown, 4),
    (Disaster::ClockJump, 2),
    (Disaster::PruneAgent, 4),
    (Disaster::PruneRelay, 2),
    (Disaster::Backup, 8),
];

/// What a seed makes happen.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many agents.
    pub agents: usize,
    /// How many scans at each.
    pub scans: u64,
    /// From how many orders they draw.
    pub orders: u64,
    /// Mean pause between two scans.
    pub scan_every_ms: u64,
    /// Of a thousand payloads this many are lost.
    pub loss: u32,
    /// This many arrive twice.
    pub duplicates: u32,
    /// How long a payload travels at most.
    pub delay_ms: u64,
    /// Of a thousand steps between two boundaries this many are the process's last.
    pub crash: u32,
    /// Of a thousand store calls this many fail.
    pub store_faults: u32,
    /// Most rows of a frame.
    pub rows: usize,
    /// Most messages of a posting.
    pub group: usize,
    /// Whether agents drop stored messages when they prune.
    pub pressure: bool,
    /// Bytes that an agent may have in a lane of the inbox.
    pub quota: u64,
    /// When the storm is over and everything is mended.
    pub storm_ms: u64,
    /// What strikes, and when.
    pub disasters: Vec<(u64, Disaster)>,
}

impl Plan {
    /// The plan of these dice.
    pub fn new(dice: &mut Dice) -> Self {
        let mild = dice.chance(300);
        let storm_ms = dice.between(30_000, 400_000);
        let scans = dice.between(8, 48);
        let mut plan = Self {
            agents: if dice.chance(300) { 2 } else { 1 },
            scans,
            orders: dice.between(1, 6),
            scan_every_ms: if dice.chance(200) {
                dice.between(50, 1_000).min(storm_ms / scans)
            } else {
                // Spread over the storm, so that whatever strikes strikes amid scans.
                storm_ms / scans * dice.between(50, 110) / 100
            },
            loss: if mild { 0 } else { dice.between(0, 250) as u32 },
            duplicates: if mild { 0 } else { dice.between(0, 200) as u32 },
            delay_ms: if mild { 50 } else { dice.between(20, 5_000) },
            crash: if mild { 0 } else { dice.between(0, 6) as u32 },
            store_faults: if mild { 0 } else { dice.between(0, 30) as u32 },
            rows: dice.between(1, 9) as usize,
            group: dice.between(1, 4) as usize,
            pressure: dice.chance(250),
            quota: if dice.chance(150) {
                dice.between(3_000, 12_000)
            } else {
                1 << 30
            },
            storm_ms,
            disasters: Vec::new(),
        };
        let total: u32 = DISASTERS.iter().map(|(_, weight)| weight).sum();
        for _ in 0..dice.between(0, 14) {
            let mut throw = dice.between(0, u64::from(total) - 1) as u32;
            let drawn = DISASTERS.iter().find(|(_, weight)| {
                let hit = throw < *weight;
                throw = throw.saturating_sub(*weight);
                hit
            });
            let at = dice.between(1_000, storm_ms);
            plan.disasters.extend(drawn.map(|(disaster, _)| (at, *disaster)));
        }
        for _ in 0..if plan.pressure { dice.between(0, 6) } else { 0 } {
            let at = dice.between(1_000, storm_ms);
            plan.disasters.push((at, Disaster::PruneAgent));
        }
        plan.disasters.sort_by_key(|(at, _)| *at);
        plan
    }
}
