//! Removing what was settled long ago and whose agent knows it.

use std::ops::RangeInclusive;

use crate::ident::{MessageId, Position, Stamp};

use super::state::Meant;
use super::{LaneAt, MemRow, MemoryInbox};

impl MemoryInbox {
    /// Removes at most `max` of what was settled before this time.
    pub(super) fn prune_settled(&mut self, before_ms: i64, max: usize) -> usize {
        let mut pruned = 0;
        for at in self.lanes.keys().cloned().collect::<Vec<_>>() {
            let gone = self.settled_below(&at, before_ms, max - pruned);
            pruned += gone.len();
            gone.into_iter().for_each(|slot| self.forget(slot));
            let beside = self.settled_beside(&at, before_ms, max - pruned);
            pruned += beside.len();
            for slot in beside {
                self.leave_name(slot);
                self.forget(slot);
            }
        }
        pruned
    }

    /// In order of position, and only from the bottom.
    fn settled_below(&self, at: &LaneAt, before_ms: i64, max: usize) -> Vec<i64> {
        let acknowledged = self.lanes[at].acknowledged;
        let here = self.rows.values();
        let mut here: Vec<&MemRow> = here.filter(|row| row.lane_at() == *at && !row.beside).collect();
        here.sort_by_key(|row| (row.position.sequence, row.slot));
        let old = |row: &&MemRow| {
            let last = row.last.unwrap_or(row.position.sequence);
            last <= acknowledged && self.is_done(row) && row.changed_ms < before_ms
        };
        let unwanted = here.into_iter().filter(|row| !self.is_other_wanted(row));
        unwanted.take_while(old).map(|row| row.slot).take(max).collect()
    }

    /// What stood beside a position goes when nothing stands at it any more.
    fn settled_beside(&self, at: &LaneAt, before_ms: i64, max: usize) -> Vec<i64> {
        let acknowledged = self.lanes[at].acknowledged;
        let here = || self.rows.values().filter(|row| row.lane_at() == *at);
        let stands = |sequence| here().any(|row| !row.beside && row.position.sequence == sequence);
        let old = |row: &&MemRow| {
            let sequence = row.position.sequence;
            row.beside && sequence <= acknowledged && !stands(sequence) && row.changed_ms < before_ms
        };
        let done = here().filter(old).filter(|row| self.is_done(row));
        done.map(|row| row.slot).take(max).collect()
    }

    /// Whether nobody waits for it any more, nor ever will.
    fn is_done(&self, row: &MemRow) -> bool {
        row.is_over() && (row.keys.is_empty() || self.lets_pass(row))
    }

    /// Whether somebody waits for other content of this row's position.
    fn is_other_wanted(&self, row: &MemRow) -> bool {
        let last = row.last.unwrap_or(row.position.sequence);
        self.is_wanted(&row.lane_at(), row.position.sequence..=last)
    }

    /// Whether somebody waits for something at these positions.
    pub(super) fn is_wanted(&self, at: &LaneAt, sequences: RangeInclusive<u64>) -> bool {
        let ended = |row: &MemRow| row.is_settled() && self.lets_pass(row);
        let waiting = self.rows.values().filter(|row| row.agent == at.0 && !ended(row));
        let here = |stamp: &Stamp| {
            let Position {
                epoch,
                lane,
                sequence,
            } = stamp.position;
            (epoch, lane) == (at.1, at.2) && sequences.contains(&sequence)
        };
        waiting
            .flat_map(|row| self.awaited(row))
            .any(|stamp| here(&stamp))
    }

    /// What a row waits for by name, or will where it is tried again.
    fn awaited(&self, row: &MemRow) -> Vec<Stamp> {
        let undone = row.envelope.iter().filter(|_| row.undoing.is_some());
        let undone = undone.filter_map(|envelope| envelope.reverses.as_ref());
        let undone = undone.filter(|id| id.agent == row.agent && !row.is_settled());
        let undone = undone.map(MessageId::stamp);
        let missing = |stamp: &Stamp| matches!(self.meant(&row.agent, stamp), Meant::Missing);
        self.unmet(row)
            .into_iter()
            .chain(undone.filter(missing))
            .collect()
    }

    /// At a position that was moved away, the name of what came and settled stays known.
    fn leave_name(&mut self, slot: i64) {
        let row = &self.rows[&slot];
        let sequence = row.position.sequence;
        let mut gaps = self.lanes[&row.lane_at()].gaps.iter();
        if gaps.any(|gap| gap.2 && (gap.0..=gap.1).contains(&sequence))
            && let Some(stamp) = row.stamp()
        {
            self.moved.entry((row.agent.clone(), stamp)).or_insert(slot);
        }
    }

    fn forget(&mut self, slot: i64) {
        if let Some(row) = self.rows.remove(&slot) {
            for users in self.by_key.values_mut() {
                users.remove(&slot);
            }
            if let Some(here) = self.at.get_mut(&(row.agent, row.position)) {
                here.retain(|other| *other != slot);
            }
        }
    }
}
