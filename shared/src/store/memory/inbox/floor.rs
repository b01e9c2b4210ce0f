//! Gaps, floors, and the digests of what they cover.

use std::collections::BTreeMap;

use crate::ident::{AgentId, Digest, Epoch, Lane, Position, Stamp};
use crate::outcome::Reason;
use crate::store::GapKind;
use crate::store::inbox::rules::{self, FIRST_RANK};
use crate::store::inbox::{Chain, Floor, Gap, Lineage, RANGES, State, why};

use super::state::Author;
use super::{LaneAt, MemLane, MemRow, MemoryInbox, record_of};

impl MemoryInbox {
    pub(super) fn step_over(&mut self, agent: &AgentId, gap: &Gap, by: Author<'_>) {
        if !rules::is_gap(gap) || !self.learn_epoch(agent, gap.epoch) {
            return;
        }
        let lane = self.lane(agent, gap.epoch, gap.lane);
        let absent = lane.ranges.absent(gap.from, gap.to);
        let ranges = lane.ranges.with(gap.from, gap.to);
        if absent.is_empty() || ranges.above.len() > RANGES.max(lane.ranges.above.len()) {
            return;
        }
        lane.ranges = ranges;
        for (first, _) in &absent {
            lane.declared.insert(*first, gap.declared(*first));
        }
        for (first, last) in absent {
            match gap.kind {
                GapKind::Lost => self.lose(agent, gap, first, last, by),
                kind => {
                    let lane = self.lane(agent, gap.epoch, gap.lane);
                    lane.gaps.push((first, last, kind == GapKind::Moved));
                }
            }
        }
        self.move_floor(&(agent.clone(), gap.epoch, gap.lane));
        self.reach(agent);
        self.follow_up(by);
    }

    /// Takes note of how far an agent's lanes reach, unless an earlier claim that still holds is not met yet: under
    /// steady load the newest would never be. Of a log that is not the one that is kept here nothing is claimed.
    pub(super) fn claim(&mut self, agent: &AgentId, epochs: &[Lineage]) {
        let open = epochs.iter().map(|lineage| lineage.epoch).collect();
        self.open.insert(agent.clone(), open);
        let heads: Option<Vec<_>> = epochs.iter().map(Lineage::reach).collect();
        let heads: BTreeMap<(Epoch, Lane), Floor> = heads.unwrap_or_default().into_iter().flatten().collect();
        let mut claimed = self.claimed.get(agent).into_iter().flatten().peekable();
        let holds = |(at, to): (_, &Floor)| heads.get(at).is_some_and(|head| head.sequence >= to.sequence);
        if claimed.peek().is_some() && claimed.all(holds) {
            return;
        }
        self.claimed.remove(agent);
        let mut agrees = true;
        for ((epoch, lane), head) in &heads {
            let known = self.rank(agent, *epoch).is_some();
            agrees &= known && self.lane(agent, *epoch, *lane).may_reach(head);
        }
        if agrees && !heads.is_empty() {
            self.claimed.insert(agent.clone(), heads);
            self.reach(agent);
        }
    }

    /// Moves the watermark where everything that was claimed is here.
    pub(super) fn reach(&mut self, agent: &AgentId) {
        let Some(claimed) = self.claimed.get(agent) else {
            return;
        };
        let lane = |at: &(Epoch, Lane)| self.lanes.get(&(agent.clone(), at.0, at.1));
        let met = |(at, to): (_, &Floor)| {
            lane(at).is_some_and(|lane| lane.diverged.is_none() && lane.stored.sequence >= to.sequence)
        };
        if !claimed.iter().all(met) {
            return;
        }
        for ((epoch, lane), to) in self.claimed.remove(agent).unwrap_or_default() {
            let mark = self.watermark.entry((agent.clone(), epoch, lane)).or_default();
            *mark = to.sequence.max(*mark);
        }
    }

    fn lose(&mut self, agent: &AgentId, gap: &Gap, first: u64, last: u64, by: Author<'_>) {
        self.slot += 1;
        let row = MemRow {
            slot: self.slot,
            version: 0,
            agent: agent.clone(),
            position: Position {
                epoch: gap.epoch,
                lane: gap.lane,
                sequence: first,
            },
            last: Some(last),
            beside: false,
            place: rules::place(self.rank(agent, gap.epoch).unwrap_or(FIRST_RANK), 0),
            bytes: Vec::new(),
            digest: None,
            envelope: None,
            keys: Default::default(),
            state: State::Dead(Reason::new(why::LOST, "its content is gone")),
            attempt: 1,
            amendments: Vec::new(),
            approved: Default::default(),
            passed: false,
            cleared: false,
            undoing: None,
            copying: None,
            received_ms: by.now_ms,
            clock: None,
            changed_ms: by.now_ms,
            change: None,
            untold: None,
            arrival: self.audit.len(),
        };
        let (slot, subject) = (row.slot, row.subject());
        self.enter(row);
        let record = record_of("lost", Some(slot), subject, "", "dead", String::new());
        self.record(by.who, by.now_ms, record);
    }

    /// Moves the stored floor of a lane over what is here, with its digest.
    pub(super) fn move_floor(&mut self, at: &LaneAt) {
        let Some(lane) = self.lanes.get(at).cloned() else {
            return;
        };
        let (floor, diverged) = self.walk(at, lane.stored, lane.ranges.floor, false);
        if let Some(lane) = self.lanes.get_mut(at) {
            lane.stored = floor;
            lane.diverged = lane.diverged.or(diverged);
        }
    }

    pub(super) fn move_settled_floors(&mut self) {
        for at in self.lanes.keys().cloned().collect::<Vec<_>>() {
            let lane = self.lanes[&at].clone();
            let floor = self.walk(&at, lane.settled, lane.stored.sequence, true).0;
            if let Some(lane) = self.lanes.get_mut(&at) {
                lane.settled = floor;
            }
        }
    }

    /// A floor moved position by position, and where a claimed digest was not ours.
    pub(super) fn walk(
        &self,
        at: &LaneAt,
        from: Floor,
        until: u64,
        settled_only: bool,
    ) -> (Floor, Option<u64>) {
        let lane = &self.lanes[at];
        let mut chain = Chain::new(from);
        while chain.at() < until {
            let next = chain.at() + 1;
            let stamp = Stamp {
                position: Position {
                    epoch: at.1,
                    lane: at.2,
                    sequence: next,
                },
                digest: [0; 8],
            };
            let gap = lane.gaps.iter().find(|gap| (gap.0..=gap.1).contains(&next));
            match (self.first_at(&at.0, &stamp), gap) {
                (Some(row), _) if settled_only && !row.is_over() => break,
                (Some(row), _) => match row.digest {
                    Some(digest) => chain.row(digest),
                    None => chain.over(row.last.unwrap_or(next), lane.declared.get(&next)),
                },
                (None, Some(gap)) => chain.over(gap.1, lane.declared.get(&next)),
                (None, None) => break,
            }
            if let Some(said) = lane.anchors.get(&chain.at()) {
                chain.compare(*said);
            }
        }
        (chain.floor(), chain.diverged())
    }
}

impl MemLane {
    /// Whether this may be a later state of what is here; its digest is compared when the floor gets there.
    fn may_reach(&mut self, head: &Floor) -> bool {
        let here = self.stored;
        if head.sequence <= here.sequence {
            return *head == here;
        }
        let said = head.running;
        self.diverged.is_none() && *self.anchors.entry(head.sequence).or_insert(said) == said
    }

    /// Compares a claimed digest with ours, or notes it. Returns whether they differ.
    pub(super) fn claim(
        &mut self,
        first: u64,
        said: Digest,
        stored: Floor,
        before: &crate::store::inbox::ranges::Ranges,
    ) -> bool {
        if first == before.floor + 1 {
            return said != stored.running;
        }
        if before.contains(first - 1) {
            return false;
        }
        *self.anchors.entry(first - 1).or_insert(said) != said
    }
}
