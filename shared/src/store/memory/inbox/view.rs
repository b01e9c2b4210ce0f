//! Looking: every question answered by going through all messages.

use std::collections::BTreeMap;

use crate::ident::{AgentId, Epoch, Lane, MessageId, Stamp};
use crate::store::StoreError;
use crate::store::inbox::{
    AuditHead, AuditRow, Balance, Entry, Filter, GroupBy, InboxView, Item, LaneBacklog, PAGE, ReadyFrom,
    SharedKey, Slot, State, StateName, Ticket, WaitsFor,
};

use super::filter::reason;
use super::state::Meant;
use super::{MemRow, MemoryInbox};

impl MemoryInbox {
    pub(super) fn shown(&self, row: &MemRow) -> State {
        match &row.state {
            State::Waiting { .. } => State::Waiting {
                ready: self.is_ready(row),
            },
            state => state.clone(),
        }
    }

    pub(super) fn entry(&self, row: &MemRow) -> Entry {
        let capture = row.envelope.as_ref().map(|envelope| &envelope.capture);
        Entry {
            ticket: Ticket {
                slot: Slot(row.slot),
                version: row.version,
            },
            id: row.id(),
            agent: row.agent.clone(),
            position: row.position,
            last: row.last.unwrap_or(row.position.sequence),
            beside: row.beside,
            place: row.place,
            kind: row.kind().to_owned(),
            station: capture.and_then(|capture| capture.station.clone()),
            operator: capture.and_then(|capture| capture.operator.clone()),
            captured_ms: capture.map_or(0, |capture| capture.moment.wall_ms),
            received_ms: row.received_ms,
            clock: row.clock,
            changed_ms: row.changed_ms,
            state: self.shown(row),
            attempt: row.attempt,
            amended: row.amendments.len() as u32,
            approved: row.approved.iter().cloned().collect(),
            bytes: row.bytes.len() as u32,
        }
    }

    fn item(&self, row: &MemRow) -> Item {
        Item {
            entry: self.entry(row),
            sealed: row.bytes.clone(),
            envelope: row.envelope.clone(),
            damaged: false,
            amended: row.amendments.last().cloned(),
        }
    }
}

impl InboxView for MemoryInbox {
    fn note(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(self.notes.get(name).cloned())
    }

    fn agents(&self) -> Result<Vec<AgentId>, StoreError> {
        Ok(self.agents.keys().cloned().collect())
    }

    fn ready(
        &self,
        agent: &AgentId,
        lane: Lane,
        from: ReadyFrom,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        let mut ready: Vec<&MemRow> = self
            .rows
            .values()
            .filter(|row| row.agent == *agent && row.position.lane == lane)
            .filter(|row| matches!(row.state, State::Waiting { .. }) && self.is_ready(row))
            .collect();
        ready.sort_by_key(|row| row.spot());
        match from {
            ReadyFrom::Oldest(after) => ready.retain(|row| after.is_none_or(|after| row.place > after)),
            ReadyFrom::Newest(before) => {
                ready.retain(|row| before.is_none_or(|before| row.place < before));
                ready.reverse();
            }
        }
        Ok(ready
            .into_iter()
            .take(limit.min(PAGE))
            .map(|row| self.item(row))
            .collect())
    }

    fn sent(&self, after: Option<Slot>, limit: usize) -> Result<Vec<Item>, StoreError> {
        let behind = self.rows.range(after.map_or(0, |slot| slot.0 + 1)..);
        let sent = behind.map(|(_, row)| row).filter(|row| row.in_flight());
        Ok(sent.take(limit.min(PAGE)).map(|row| self.item(row)).collect())
    }

    fn find(&self, id: &MessageId) -> Result<Option<Slot>, StoreError> {
        let here = self
            .at
            .get(&(id.agent.clone(), id.position))
            .into_iter()
            .flatten();
        let mut found = here.filter(|slot| self.rows[slot].id().as_ref() == Some(id));
        Ok(found.next().map(|slot| Slot(*slot)))
    }

    fn get(&self, slot: Slot) -> Result<Option<Item>, StoreError> {
        Ok(self.rows.get(&slot.0).map(|row| self.item(row)))
    }

    fn list(&self, filter: &Filter, after: Option<Slot>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let behind = self
            .rows
            .range(after.map_or(0, |slot| slot.0 + 1)..)
            .map(|(_, row)| row);
        let found = behind.filter(|row| self.matches(filter, row));
        Ok(found.take(limit.min(PAGE)).map(|row| self.entry(row)).collect())
    }

    fn counts(&self, filter: &Filter, by: GroupBy) -> Result<Vec<(String, u64)>, StoreError> {
        let mut groups: BTreeMap<String, u64> = BTreeMap::new();
        for row in self.rows.values().filter(|row| self.matches(filter, row)) {
            let entry = self.entry(row);
            let group = match by {
                GroupBy::Agent => Some(entry.agent.to_string()),
                GroupBy::Kind => Some(entry.kind),
                GroupBy::State => Some(entry.state.name().word().to_owned()),
                GroupBy::Reason => reason(&entry.state),
                GroupBy::Subject => match entry.state {
                    State::Held(hold) => hold.subject,
                    _ => None,
                },
                GroupBy::Station => entry.station,
                GroupBy::Operator => entry.operator,
            };
            *groups.entry(group.unwrap_or_default()).or_default() += 1;
        }
        let mut counts: Vec<(String, u64)> = groups.into_iter().collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        counts.truncate(PAGE);
        Ok(counts)
    }

    fn backlog(&self) -> Result<Vec<LaneBacklog>, StoreError> {
        let mut lanes: BTreeMap<(&AgentId, Lane), LaneBacklog> = BTreeMap::new();
        for (agent, epoch, lane) in self.lanes.keys() {
            let whole = self.balance(agent, *epoch, *lane, u64::MAX >> 2)?;
            let sum = lanes.entry((agent, *lane)).or_insert_with(|| LaneBacklog {
                agent: agent.clone(),
                lane: *lane,
                waiting: 0,
                ready: 0,
                sent: 0,
                held: 0,
                dead: 0,
                settled: 0,
                bytes: 0,
                oldest_received_ms: None,
                oldest_captured_ms: None,
            });
            sum.settled += whole.settled;
        }
        let mut oldest: BTreeMap<(&AgentId, Lane), (i64, i64)> = BTreeMap::new();
        for row in self.rows.values().filter(|row| !row.is_settled()) {
            let at = (&row.agent, row.position.lane);
            let Some(sum) = lanes.get_mut(&at) else { continue };
            match self.shown(row).name() {
                StateName::Ready => (sum.ready, sum.waiting) = (sum.ready + 1, sum.waiting + 1),
                StateName::Behind => sum.waiting += 1,
                StateName::Sent | StateName::Voiding => sum.sent += 1,
                StateName::Held => sum.held += 1,
                _ => sum.dead += 1,
            }
            sum.bytes += row.bytes.len() as u64;
            if oldest.get(&at).is_none_or(|first| row.spot() < *first) {
                oldest.insert(at, row.spot());
                let entry = self.entry(row);
                sum.oldest_received_ms = Some(entry.received_ms);
                sum.oldest_captured_ms = Some(entry.captured_ms);
            }
        }
        Ok(lanes.into_values().collect())
    }

    fn balance(&self, agent: &AgentId, epoch: Epoch, lane: Lane, cut: u64) -> Result<Balance, StoreError> {
        let mut balance = Balance::default();
        let at = (agent.clone(), epoch, lane);
        let absent = self
            .lanes
            .get(&at)
            .map_or_else(|| vec![(1, cut)], |lane| lane.ranges.absent(1, cut));
        balance.missing = absent.into_iter().map(|(first, last)| last + 1 - first).sum();
        for row in self
            .rows
            .values()
            .filter(|row| row.lane_at() == at && row.position.sequence <= cut)
        {
            if row.is_settled() {
                continue;
            }
            if row.beside {
                balance.beside += 1;
                continue;
            }
            let last = row.last.unwrap_or(row.position.sequence).min(cut);
            let part = match row.state {
                State::Waiting { .. } => &mut balance.waiting,
                State::Sent => &mut balance.sent,
                State::Held(_) => &mut balance.held,
                State::Dead(_) => &mut balance.dead,
                _ => &mut balance.voiding,
            };
            *part += last + 1 - row.position.sequence;
        }
        let open = balance.waiting + balance.sent + balance.held + balance.dead + balance.voiding;
        balance.settled = cut - balance.missing - open;
        Ok(balance)
    }

    fn waits_for(&self, slot: Slot) -> Result<WaitsFor, StoreError> {
        let mut waits = WaitsFor::default();
        let Some(row) = self.rows.get(&slot.0) else {
            return Ok(waits);
        };
        let waits_behind = |other: &&MemRow| !other.is_settled() && !self.lets_pass(other);
        let mut before: Vec<&MemRow> = self.before(row).filter(waits_behind).collect();
        before.sort_by_key(|row| row.spot());
        waits.here = before.into_iter().map(|row| self.entry(row)).collect();
        let missing = |stamp: &Stamp| matches!(self.meant(&row.agent, stamp), Meant::Missing);
        (waits.missing, waits.gone) = self.awaited_elsewhere(row).into_iter().partition(missing);
        Ok(waits)
    }

    fn trace(&self, slot: Slot) -> Result<Vec<AuditRow>, StoreError> {
        let arrival = self
            .rows
            .get(&slot.0)
            .filter(|row| !row.is_lost())
            .map(|row| row.arrival);
        let arrival = arrival.and_then(|number| self.audit.get(number)).cloned();
        let own = self.audit.iter().filter(|row| row.slot == Some(slot)).cloned();
        Ok(arrival.into_iter().chain(own).take(PAGE).collect())
    }

    fn audit(&self, after: u64, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        let rows = self.audit.iter().filter(|row| row.number > after);
        Ok(rows.take(limit.min(PAGE)).cloned().collect())
    }

    fn audit_verify(&self) -> Result<AuditHead, StoreError> {
        let mut head = AuditHead::EMPTY;
        for row in &self.audit {
            if !head.is_followed_by(row) {
                return Err(StoreError::Damaged(format!("record {} of the audit", row.number)));
            }
            head = AuditHead {
                number: row.number,
                hash: row.hash,
            };
        }
        Ok(head)
    }

    fn shared_keys(&self, limit: usize) -> Result<Vec<SharedKey>, StoreError> {
        let shared = self.first_users.iter().filter(|(_, users)| users.len() > 1);
        let shared = shared.map(|(key, users)| SharedKey {
            key: key.clone(),
            agents: users.iter().map(|(agent, _)| agent.clone()).collect(),
            seen_in: users[1].1.clone(),
        });
        Ok(shared.take(limit.min(PAGE)).collect())
    }
}
