//! One lane of one epoch: what of it the other end has, what is under way, and what may be sent next.

use std::collections::{BTreeMap, VecDeque};

use crate::ident::{Digest, Epoch, Lane};
use crate::link::ranges::Ranges;
use crate::link::wire::Mark;
use crate::link::{Ticket, pace};
use crate::store::spool::Head;

use super::flight::Flight;

/// How many recent ends of frames are remembered, so that most floors are verified without a read.
const MARKS: usize = 64;

/// A lane's state. All but the head is forgotten with the opening it was learnt from.
#[derive(Debug)]
pub struct Flow {
    pub head: Head,
    /// The last welcome of this opening named the lane and its floor was weighed: it may send.
    pub ready: bool,
    /// Everything up to here is stored at the other end with our content, by a digest that agreed.
    pub confirmed: Mark,
    /// Above `confirmed`: finished, because a receipt named exactly what was sent.
    pub done: Ranges,
    /// Of what is done: kept there beside its position, as a dead letter.
    pub beside: Ranges,
    /// Of what is done: the spool was told that no news of it will come.
    pub over: Ranges,
    /// Above `confirmed`: the other end says that it holds something there.
    hints: Ranges,
    hints_since_ms: u64,
    /// Above `confirmed`: being read, under way, waiting to be sent by itself, or stuck.
    busy: Ranges,
    pub flights: BTreeMap<u64, Flight>,
    pub reading: Option<(Ticket, u64, u64)>,
    /// Ranges that must be sent as frames of their own.
    pub alone: VecDeque<(u64, u64)>,
    /// Single rows that were refused for good, and when they are tried again.
    pub stuck: BTreeMap<u64, u64>,
    pub credit: u64,
    /// Up to here the other end said that everything is settled, and the spool was told.
    pub finished: u64,
    /// From here on messages are fresh; what lies below is backlog.
    pub live_from: u64,
    pub diverged: bool,
    /// The floor whose digest is asked for, and the one that came meanwhile.
    pub weighing: Option<(Ticket, Mark)>,
    pub to_weigh: Option<Mark>,
    /// Nothing was heard of the lane in this opening yet: what the spool believes stored must be withdrawn once the floor
    /// is weighed.
    pub withdraw: bool,
    marks: VecDeque<Mark>,
    pub blocked_until_ms: u64,
    pub lowest_only_until_ms: u64,
    pub pause_ms: u64,
    pub turns: u64,
}

impl Flow {
    pub fn new(head: Head) -> Self {
        let confirmed = Mark {
            sequence: 0,
            running: Digest::origin(head.epoch, head.lane),
        };
        Self {
            live_from: head.first,
            head,
            ready: false,
            confirmed,
            done: Ranges::default(),
            beside: Ranges::default(),
            over: Ranges::default(),
            hints: Ranges::default(),
            hints_since_ms: 0,
            busy: Ranges::default(),
            flights: BTreeMap::new(),
            reading: None,
            alone: VecDeque::new(),
            stuck: BTreeMap::new(),
            credit: 0,
            finished: 0,
            diverged: false,
            weighing: None,
            to_weigh: None,
            withdraw: true,
            marks: VecDeque::new(),
            blocked_until_ms: 0,
            lowest_only_until_ms: 0,
            pause_ms: pace::REFUSED_MS,
            turns: 0,
        }
    }

    pub fn key(&self) -> (Epoch, Lane) {
        (self.head.epoch, self.head.lane)
    }

    /// Forgets what was learnt from an opening that is no more.
    pub fn reset(&mut self) {
        *self = Self::new(self.head.clone());
    }

    /// Forgets what is under way: the connection is new.
    pub fn land(&mut self) {
        self.ready = false;
        self.reading = None;
        self.alone.clear();
        self.stuck.clear();
        self.flights.clear();
        self.busy.clear();
        self.weighing = None;
        self.to_weigh = None;
        self.hints.clear();
    }

    /// What the other end says that it holds above its floor: sent last, and only if its floor never passes it.
    pub fn hint(&mut self, held: &[(u64, u64)], now_ms: u64) {
        self.hints.clear();
        self.hints_since_ms = now_ms;
        for &(first, last) in held.iter().take(pace::RANGES) {
            let first = first.max(self.confirmed.sequence + 1);
            let last = last.min(self.head.next - 1);
            if first <= last {
                self.hints.insert(first, last);
            }
        }
    }

    /// Gives the hints up: what they cover is sent.
    pub fn drop_hints(&mut self) {
        self.hints.clear();
    }

    /// When hints are given up that nothing confirms.
    pub fn hints_until(&self) -> Option<u64> {
        let idle = self.flights.is_empty() && self.reading.is_none();
        (self.ready && idle && !self.hints.is_empty()).then_some(self.hints_since_ms + pace::HINT_PATIENCE_MS)
    }

    /// The digest of a floor, where it is known without a read.
    pub fn running_at(&self, sequence: u64) -> Option<Digest> {
        if sequence == self.confirmed.sequence {
            return Some(self.confirmed.running);
        }
        if sequence + 1 == self.head.next {
            return Some(self.head.running);
        }
        let mark = self.marks.iter().find(|mark| mark.sequence == sequence);
        mark.map(|mark| mark.running)
    }

    /// Remembers where a frame ended.
    pub fn remember(&mut self, mark: Mark) {
        if self.marks.len() == MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back(mark);
    }

    /// Everything up to here is stored with our content.
    pub fn confirm(&mut self, floor: Mark, now_ms: u64) {
        if floor.sequence <= self.confirmed.sequence {
            return;
        }
        self.confirmed = floor;
        self.hints_since_ms = now_ms;
        let upto = floor.sequence;
        self.done.remove(0, upto);
        self.hints.remove(0, upto);
        self.busy.remove(0, upto);
        self.flights.retain(|_, flight| flight.last.sequence > upto);
        for flight in self.flights.values() {
            self.busy.insert(flight.first, flight.last.sequence);
        }
        self.alone.retain(|(_, last)| *last > upto);
        self.stuck.retain(|sequence, _| *sequence > upto);
        self.marks.retain(|mark| mark.sequence > upto);
    }

    /// Marks a range as being worked on.
    pub fn occupy(&mut self, first: u64, last: u64) {
        self.busy.insert(first, last);
    }

    /// Marks a range as free again.
    pub fn release(&mut self, first: u64, last: u64) {
        self.busy.remove(first, last);
    }

    /// The first range from `from` on that is neither finished nor worked on nor held there.
    pub fn free(&self, from: u64) -> Option<(u64, u64)> {
        let mut first = from.max(self.confirmed.sequence + 1);
        let sets = [&self.done, &self.hints, &self.busy];
        while let Some(end) = sets.iter().find_map(|set| set.end_of(first)) {
            first = end + 1;
        }
        let starts = sets.iter().filter_map(|set| set.next_start(first));
        let last = starts.min().unwrap_or(u64::MAX).min(self.head.next) - 1;
        (first <= last).then_some((first, last))
    }

    /// How many positions from this one on the credit covers; all of them where it lies below what is there already.
    pub fn allowed(&self, first: u64) -> u64 {
        if first < self.done.top().max(self.hints.top()) {
            return u64::MAX;
        }
        let used = self.confirmed.sequence + self.done.total() + self.hints.total() + self.busy.total();
        self.credit.saturating_sub(used)
    }

    /// About how many disjoint ranges the other end has or will have.
    pub fn ranges(&self) -> usize {
        self.done.len() + self.hints.len() + self.flights.len()
    }
}
