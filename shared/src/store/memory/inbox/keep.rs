//! Taking frames in, and stepping over gaps.

use crate::envelope::Envelope;
use crate::ident::{AgentId, Digest, Epoch, Lane, MessageId, Position, Stamp};
use crate::outcome::Reason;
use crate::store::inbox::rules::{self, FIRST_RANK, RANK_STEP};
use crate::store::inbox::{Arrival, EPOCHS, Kept, Lineage, RANGES, Refusal, State, Taken, why};

use super::state::{Author, Meant};
use super::{MemRow, MemoryInbox, record_of};

impl MemoryInbox {
    pub(super) fn learn_epochs(&mut self, agent: &AgentId, epochs: &[Lineage]) {
        self.agents.entry(agent.clone()).or_default();
        for lineage in epochs {
            if let Some(predecessor) = lineage.predecessor
                && self.rank(agent, predecessor).is_none()
            {
                match self.rank(agent, lineage.epoch) {
                    Some(rank) => self.learn_before(agent, predecessor, rank),
                    None => drop(self.learn_epoch(agent, predecessor)),
                }
            }
            self.learn_epoch(agent, lineage.epoch);
        }
    }

    fn learn_before(&mut self, agent: &AgentId, epoch: Epoch, rank: i64) {
        let known = self.agents.entry(agent.clone()).or_default();
        let below = known
            .iter()
            .map(|(_, rank)| *rank)
            .filter(|other| *other < rank)
            .max();
        let below = below.unwrap_or(rank - 2 * RANK_STEP);
        known.push((epoch, below + (rank - below) / 2));
    }

    /// Whether there is room for the epoch.
    pub(super) fn learn_epoch(&mut self, agent: &AgentId, epoch: Epoch) -> bool {
        let known = self.agents.entry(agent.clone()).or_default();
        if known.iter().any(|(other, _)| *other == epoch) {
            return true;
        }
        let last = known.iter().map(|(_, rank)| *rank).max();
        if known.len() < EPOCHS {
            known.push((epoch, last.map_or(FIRST_RANK, |last| last + RANK_STEP)));
        }
        known.len() < EPOCHS || last.is_none()
    }

    pub(super) fn take_one(&mut self, arrival: &Arrival, by: Author<'_>) -> Taken {
        if !rules::well_formed(arrival) {
            return Taken::Refused(Refusal::Malformed);
        }
        if !self.learn_epoch(&arrival.agent, arrival.epoch) {
            return Taken::Refused(Refusal::Epochs);
        }
        let before = self.lane(&arrival.agent, arrival.epoch, arrival.lane).clone();
        let last = arrival.first + arrival.rows.len() as u64 - 1;
        let ranges = before.ranges.with(arrival.first, last);
        if ranges.above.len() > RANGES.max(before.ranges.above.len()) {
            return Taken::Refused(Refusal::Ranges);
        }
        let mut kept = Kept::default();
        let mut news = Vec::new();
        for (bytes, sequence) in arrival.rows.iter().zip(arrival.first..) {
            let reason = self.judge(arrival, &before, sequence, bytes, &mut kept);
            if let Some(beside) = reason {
                news.push((sequence, bytes, beside));
            }
        }
        let bytes: u64 = news.iter().map(|(_, bytes, _)| bytes.len() as u64).sum();
        let at = (arrival.agent.clone(), arrival.epoch, arrival.lane);
        let wanted = || self.is_wanted(&at, arrival.first..=last);
        if bytes > self.room_of(&arrival.agent, arrival.lane) && !wanted() {
            return Taken::Refused(Refusal::Full);
        }
        let lane = self.lane(&arrival.agent, arrival.epoch, arrival.lane);
        lane.ranges = ranges;
        kept.diverged = lane.claim(arrival.first, arrival.before, before.stored, &before.ranges);
        if !news.is_empty() {
            let subject = format!(
                "{}:{}:{}:{}-{last}",
                arrival.agent, arrival.epoch, arrival.lane, arrival.first
            );
            let record = record_of("store", None, subject, "", "stored", String::new());
            self.record(by.who, by.now_ms, record);
        }
        for (sequence, bytes, beside) in news {
            self.coming = Some((at.clone(), sequence + 1..=last));
            self.keep(arrival, sequence, bytes, beside, by);
        }
        self.coming = None;
        self.move_floor(&(arrival.agent.clone(), arrival.epoch, arrival.lane));
        let lane = self.lane(&arrival.agent, arrival.epoch, arrival.lane);
        if kept.diverged {
            lane.diverged = before.diverged.or(Some(arrival.first));
        }
        self.reach(&arrival.agent);
        self.follow_up(by);
        Taken::Kept(kept)
    }

    /// What a row is: `None` where it is known, otherwise why it stands beside its position, if it does.
    #[allow(clippy::option_option, reason = "known, or new with or without a reason")]
    fn judge(
        &self,
        arrival: &Arrival,
        lane: &super::MemLane,
        sequence: u64,
        bytes: &[u8],
        kept: &mut Kept,
    ) -> Option<Option<Reason>> {
        if !lane.ranges.contains(sequence) {
            kept.fresh += 1;
            if rules::decode(bytes).is_err() {
                kept.undecodable.push(sequence);
            }
            return Some(None);
        }
        let position = Position {
            epoch: arrival.epoch,
            lane: arrival.lane,
            sequence,
        };
        let digest = Digest::of(bytes);
        let stamp = MessageId::new(arrival.agent.clone(), position, &digest).stamp();
        let here = self
            .at
            .get(&(arrival.agent.clone(), position))
            .into_iter()
            .flatten();
        let mut here = here.map(|slot| &self.rows[slot]);
        if let Some(row) = here.find(|row| row.digest == Some(digest) && !row.is_lost()) {
            match &row.state {
                State::Dead(reason) if reason.code == why::CONFLICT => kept.conflicts.push(sequence),
                _ => kept.known += 1,
            }
            return None;
        }
        let word = match self.first_at(&arrival.agent, &stamp) {
            Some(first) if !first.is_lost() => {
                kept.conflicts.push(sequence);
                why::CONFLICT
            }
            _ => {
                kept.late.push(sequence);
                why::LATE
            }
        };
        Some(Some(Reason::new(word, "something else is known of its position")))
    }

    fn keep(
        &mut self,
        arrival: &Arrival,
        sequence: u64,
        bytes: &[u8],
        beside: Option<Reason>,
        by: Author<'_>,
    ) {
        let decoded = rules::decode(bytes);
        let dead = beside.clone().or_else(|| decoded.as_ref().err().cloned());
        let envelope = decoded.ok();
        let position = Position {
            epoch: arrival.epoch,
            lane: arrival.lane,
            sequence,
        };
        let place = self.place_of(&arrival.agent, arrival.epoch, envelope.as_ref());
        let keys = envelope
            .iter()
            .flat_map(|envelope| &envelope.keys)
            .map(|link| link.key.clone());
        self.slot += 1;
        let row = MemRow {
            slot: self.slot,
            version: 0,
            agent: arrival.agent.clone(),
            position,
            last: None,
            beside: beside.is_some(),
            place,
            bytes: bytes.to_vec(),
            digest: Some(Digest::of(bytes)),
            keys: keys.collect(),
            state: State::Waiting { ready: false },
            attempt: 1,
            amendments: Vec::new(),
            approved: Default::default(),
            passed: false,
            cleared: false,
            undoing: envelope
                .as_ref()
                .and_then(|envelope| envelope.reverses.as_ref())
                .map(|_| true),
            copying: None,
            received_ms: arrival.received_ms,
            clock: arrival.clock,
            changed_ms: by.now_ms,
            change: None,
            untold: None,
            arrival: self.audit.len() - 1,
            envelope,
        };
        let (slot, stamp) = (row.slot, row.stamp());
        let origin = row.envelope.as_ref().and_then(|envelope| envelope.moved_from);
        self.enter(row);
        if let Some(reason) = dead {
            self.put(slot, State::Dead(reason), by, "dead", String::new());
            if let Some(row) = self.rows.get_mut(&slot) {
                row.version = 0;
            }
        }
        let newer = stamp.and_then(|stamp| self.moved.get(&(arrival.agent.clone(), stamp)).copied());
        match (newer, origin) {
            (Some(newer), origin) => self.give_way(slot, newer, origin, by),
            (None, Some(origin)) => self.take_over(slot, &origin, by),
            (None, None) => {}
        }
        self.follow_up(by);
    }

    fn give_way(&mut self, slot: i64, newer: i64, origin: Option<Stamp>, by: Author<'_>) {
        if let Some(row) = self.rows.get(&newer)
            && let Some(origin) = origin.filter(|_| !row.is_settled() && !row.in_flight())
        {
            self.take_over(newer, &origin, by);
        }
        self.supersede(slot, newer, by);
    }

    /// Puts a row where it is found by position and keys.
    pub(super) fn enter(&mut self, row: MemRow) {
        let (slot, agent) = (row.slot, row.agent.clone());
        self.at
            .entry((agent.clone(), row.position))
            .or_default()
            .push(slot);
        let id = row.id();
        for key in row.keys.clone() {
            self.use_key(&agent, key, slot, id.as_ref());
        }
        self.rows.insert(slot, row);
    }

    pub(super) fn use_key(
        &mut self,
        agent: &AgentId,
        key: crate::message::Key,
        slot: i64,
        id: Option<&MessageId>,
    ) {
        let users = self.first_users.entry(key.clone()).or_default();
        if let Some(id) = id.filter(|_| users.iter().all(|(user, _)| user != agent)) {
            users.push((agent.clone(), id.clone()));
        }
        self.by_key.entry((agent.clone(), key)).or_default().insert(slot);
    }

    fn place_of(&self, agent: &AgentId, epoch: Epoch, envelope: Option<&Envelope>) -> i64 {
        let rank = self.rank(agent, epoch).unwrap_or(FIRST_RANK);
        let Some(envelope) = envelope else {
            return rules::place(rank, 0);
        };
        let Some(origin) = &envelope.moved_from else {
            return rules::place(rank, envelope.ordinal);
        };
        if let Meant::Here(copy) = self.meant(agent, origin)
            && !self.rows[&copy].is_lost()
        {
            return self.rows[&copy].place;
        }
        let origin = self.rank(agent, origin.position.epoch);
        rules::place(origin.unwrap_or(rank - 1), envelope.ordinal)
    }

    pub(super) fn room_of(&self, agent: &AgentId, lane: Lane) -> u64 {
        let open = self
            .rows
            .values()
            .filter(|row| row.agent == *agent && row.position.lane == lane && !row.is_settled());
        self.lane_bytes
            .saturating_sub(open.map(|row| row.bytes.len() as u64).sum())
    }
}
