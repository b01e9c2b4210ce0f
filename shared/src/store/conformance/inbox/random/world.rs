//! The plants of a random run, and one step of it on both stores.

use std::collections::{BTreeMap, BTreeSet};

use proptest::sample::Index;

use crate::ident::{AgentId, Epoch, Lane, MessageId};
use crate::store::GapKind;
use crate::store::inbox::{Arrival, Gap, Lineage};

use super::super::kit::{Made, PARKS, PASSES, Plant, Store, frame_of};
use super::hand::Target;

/// One step; what it means depends on what is there.
#[derive(Debug, Clone)]
pub enum Step {
    Make {
        plant: Index,
        lane: u8,
        passes: bool,
        keys: u8,
    },
    Undo {
        plant: Index,
        of: Index,
    },
    Deliver {
        log: Index,
        from: Index,
        count: usize,
        broken: u8,
    },
    Declare {
        log: Index,
        from: Index,
        count: usize,
        kind: u8,
    },
    Clone {
        plant: Index,
    },
    Cut {
        plant: Index,
        moved: Vec<Index>,
    },
    Change {
        which: Index,
        what: u8,
    },
    Prune {
        which: Index,
    },
    /// A plant says how far its open epochs reach: the newest, and as many before it.
    Hello {
        plant: Index,
        open: u8,
    },
}

/// A plant and what it has captured, by epoch and lane.
#[derive(Clone)]
struct Site {
    plant: Plant,
    /// Epochs that were cut, as they were then.
    cut: Vec<Lineage>,
    logs: BTreeMap<(Epoch, Lane), Vec<Made>>,
}

impl Site {
    /// The newest epoch and so many before it.
    fn hello(&self, before: usize) -> Vec<Lineage> {
        let now = self.plant.lineage(self.cut.last().map(|last| last.epoch.0));
        let cut = &self.cut[self.cut.len().saturating_sub(before)..];
        cut.iter().copied().chain([now]).collect()
    }
}

/// Everything outside the stores.
pub struct World {
    sites: Vec<Site>,
    epochs: u64,
    /// By the name of a copy, the name that the message was given at capture.
    origin: BTreeMap<MessageId, MessageId>,
    pub target: Target,
}

impl World {
    pub fn new() -> Self {
        let site = |name, epoch| Site {
            plant: Plant::new(name, epoch),
            cut: Vec::new(),
            logs: BTreeMap::new(),
        };
        Self {
            sites: vec![site("plant-1", 1), site("plant-2", 2)],
            epochs: 2,
            origin: BTreeMap::new(),
            target: Target::default(),
        }
    }

    pub fn agents(&self) -> BTreeSet<AgentId> {
        self.sites.iter().map(|site| site.plant.agent.clone()).collect()
    }

    /// Takes a step on both stores, which must answer alike.
    pub fn take_step(
        &mut self,
        step: &Step,
        disk: &mut impl Store,
        model: &mut impl Store,
    ) -> Result<(), String> {
        match step {
            Step::Make {
                plant,
                lane,
                passes,
                keys,
            } => self.make(plant, *lane, *passes, *keys),
            Step::Undo { plant, of } => self.undo(plant, of),
            Step::Deliver {
                log,
                from,
                count,
                broken,
            } => {
                if let Some(frame) = self.frame(log, from, *count, *broken) {
                    let frame = [frame];
                    let (a, b) = (disk.take(&frame).unwrap(), model.take(&frame).unwrap());
                    return alike(&a, &b);
                }
            }
            Step::Declare {
                log,
                from,
                count,
                kind,
            } => {
                if let Some((agent, gap)) = self.gap(log, from, *count, *kind) {
                    disk.declare(&agent, &[gap], 50).unwrap();
                    model.declare(&agent, &[gap], 50).unwrap();
                }
            }
            Step::Clone { plant } => {
                let copy = plant.get(&self.sites).clone();
                if self.sites.len() < 5 {
                    self.sites.push(copy);
                }
            }
            Step::Cut { plant, moved } => self.cut(plant, moved, disk, model),
            Step::Change { which, what } => return self.change(which, *what, disk, model),
            Step::Hello { plant, open } => {
                let site = plant.get(&self.sites);
                let epochs = site.hello(usize::from(*open));
                disk.announce(&site.plant.agent, &epochs, 60).unwrap();
                model.announce(&site.plant.agent, &epochs, 60).unwrap();
            }
            Step::Prune { which } => return self.prune(which, disk, model),
        }
        Ok(())
    }

    fn make(&mut self, plant: &Index, lane: u8, passes: bool, keys: u8) {
        let at = plant.index(self.sites.len());
        let names: Vec<&str> = (0..4)
            .filter(|bit| keys & (1 << bit) != 0)
            .map(|bit| ["order:a", "order:b", "lot:c", "item:d"][bit])
            .collect();
        let kind = if passes { PASSES } else { PARKS };
        let lane = Lane::ALL[usize::from(lane)];
        let made = self.sites[at].plant.make_in(lane, kind, &names, |_| {});
        self.log(at, made);
    }

    /// The name that a message was given at capture.
    pub fn name(&self, id: &MessageId) -> MessageId {
        self.origin.get(id).unwrap_or(id).clone()
    }

    fn log(&mut self, at: usize, made: Made) {
        let origin = made.envelope.moved_from.map(|stamp| MessageId {
            agent: made.id.agent.clone(),
            position: stamp.position,
            digest: stamp.digest,
        });
        let origin = origin.map(|id| self.origin.get(&id).cloned().unwrap_or(id));
        self.origin
            .insert(made.id.clone(), origin.unwrap_or_else(|| made.id.clone()));
        let log = (made.id.position.epoch, made.lane);
        self.sites[at].logs.entry(log).or_default().push(made);
    }

    fn undo(&mut self, plant: &Index, of: &Index) {
        let at = plant.index(self.sites.len());
        let rows: Vec<Made> = self.sites[at].logs.values().flatten().cloned().collect();
        if !rows.is_empty() {
            let made = self.sites[at].plant.undo(of.get(&rows));
            self.log(at, made);
        }
    }

    /// Rows of one log of one site, in one piece.
    fn rows(&self, log: &Index, from: &Index, count: usize) -> Option<(AgentId, Vec<Made>)> {
        let logs: Vec<(&AgentId, &Vec<Made>)> = self
            .sites
            .iter()
            .flat_map(|site| site.logs.values().map(|log| (&site.plant.agent, log)))
            .collect();
        if logs.is_empty() {
            return None;
        }
        let (agent, rows) = logs[log.index(logs.len())];
        let from = from.index(rows.len());
        Some((agent.clone(), rows[from..(from + count).min(rows.len())].to_vec()))
    }

    fn frame(&self, log: &Index, from: &Index, count: usize, broken: u8) -> Option<Arrival> {
        let (agent, rows) = self.rows(log, from, count)?;
        let mut frame = frame_of(&agent, &rows.iter().collect::<Vec<_>>());
        if let Some(row) = frame.rows.get_mut(usize::from(broken)) {
            *row = format!("broken {broken} of {}", frame.first).into_bytes();
        }
        Some(frame)
    }

    fn gap(&self, log: &Index, from: &Index, count: usize, kind: u8) -> Option<(AgentId, Gap)> {
        let (agent, rows) = self.rows(log, from, count)?;
        let (first, last) = (rows.first()?, rows.last()?);
        let gap = Gap {
            epoch: first.id.position.epoch,
            lane: first.lane,
            from: first.sequence,
            to: last.sequence,
            before: (first.sequence % 3 != 0).then_some(first.before),
            running: last.running,
            kind: [GapKind::Settled, GapKind::Moved, GapKind::Lost][usize::from(kind)],
        };
        Some((agent, gap))
    }

    fn cut(&mut self, plant: &Index, moved: &[Index], disk: &mut impl Store, model: &mut impl Store) {
        let at = plant.index(self.sites.len());
        self.epochs += 1;
        let before = self.sites[at].plant.epoch;
        let rows: Vec<Made> = self.sites[at].logs.values().flatten().cloned().collect();
        let last = self.sites[at].hello(0);
        self.sites[at].cut.extend(last);
        self.sites[at].plant.cut(self.epochs);
        let lineage = [Lineage {
            epoch: Epoch(self.epochs),
            predecessor: Some(before),
            heads: None,
        }];
        let agent = self.sites[at].plant.agent.clone();
        disk.announce(&agent, &lineage, 60).unwrap();
        model.announce(&agent, &lineage, 60).unwrap();
        let mut chosen: Vec<usize> = if rows.is_empty() {
            Vec::new()
        } else {
            moved.iter().map(|index| index.index(rows.len())).collect()
        };
        chosen.sort_unstable();
        chosen.dedup();
        for index in chosen {
            let made = self.sites[at].plant.move_here(&rows[index]);
            self.log(at, made);
        }
    }

    fn prune(&mut self, which: &Index, disk: &mut impl Store, model: &mut impl Store) -> Result<(), String> {
        let agents: Vec<AgentId> = self.agents().into_iter().collect();
        let agent = which.get(&agents);
        for floors in disk.floors(agent).unwrap() {
            disk.acknowledge(agent, floors.epoch, floors.lane, u64::MAX)
                .unwrap();
            model
                .acknowledge(agent, floors.epoch, floors.lane, u64::MAX)
                .unwrap();
        }
        alike(
            &disk.prune(i64::MAX, 1000).unwrap(),
            &model.prune(i64::MAX, 1000).unwrap(),
        )
    }
}

/// Whether both gave the same answer.
pub fn alike<T: PartialEq + std::fmt::Debug>(disk: &T, model: &T) -> Result<(), String> {
    if disk == model {
        Ok(())
    } else {
        Err(format!("{disk:?} on disk, {model:?} in the model"))
    }
}
