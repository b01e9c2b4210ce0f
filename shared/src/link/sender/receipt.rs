//! What the other end says is weighed before it is believed.

use crate::envelope::Moment;
use crate::ident::{Digest, Epoch, Lane, Position, Stamp};
use crate::link::wire::{self, Mark, Receipt, Refused, Taken, Tide, Tidings, WireError};
use crate::link::{Ticket, pace};
use crate::store::spool::News;

use super::flight::Cargo;
use super::lane::Flow;
use super::{Sender, SenderAction, SenderNotice};

impl Sender {
    pub(super) fn on_receipt(&mut self, payload: &[u8], now: Moment) {
        let receipt: Result<Receipt, WireError> = wire::decode(payload);
        let Receipt { origin, tidings } = match receipt {
            Ok(receipt) => receipt,
            Err(error) => return self.notice(SenderNotice::Unreadable(error.to_string())),
        };
        if origin.term < self.term {
            let (term, known) = (origin.term, self.term);
            return self.notice(SenderNotice::LowerTerm { term, known });
        }
        if let Tidings::Welcome(welcome) = tidings {
            return self.on_welcome(origin, *welcome, now);
        }
        if let Tidings::Incompatible(versions) = tidings {
            return self.on_incompatible(versions);
        }
        if !self.listens_to(&origin, now) || self.learn.is_full() {
            return; // It is said again.
        }
        self.progress_ms = now.monotonic_ms;
        match tidings {
            Tidings::Stored { taken, tides } => {
                for taken in taken {
                    self.on_taken(&taken, now.monotonic_ms);
                }
                for tide in tides {
                    self.on_tide(tide, now.monotonic_ms);
                }
            }
            Tidings::Refused(refused) => self.on_refused(refused, now.monotonic_ms),
            Tidings::News(page) => self.on_news(page),
            Tidings::Welcome(_) | Tidings::Incompatible(_) => {}
        }
    }

    /// *stored* (and *conflict*) for exactly what was sent: first, last and running digest are those of a flight.
    fn on_taken(&mut self, taken: &Taken, now_ms: u64) {
        let key = (taken.epoch, taken.lane);
        let Some(flow) = self.flows.get_mut(&key) else {
            return;
        };
        if flow
            .flights
            .get(&taken.first)
            .is_none_or(|flight| flight.last != taken.last)
        {
            return;
        }
        let Some(flight) = flow.flights.remove(&taken.first) else {
            return;
        };
        flow.release(flight.first, flight.last.sequence);
        flow.done.insert(flight.first, flight.last.sequence);
        flow.remember(flight.last);
        flow.pause_ms = pace::REFUSED_MS;
        flow.lowest_only_until_ms = 0;
        self.window.answered(&flight, now_ms);
        for sequence in taken.conflicts.iter().chain(&taken.late) {
            flow.beside.insert(*sequence, *sequence);
        }
        if let Cargo::Rows(digests) = &flight.cargo {
            let stamp = |sequence: u64| {
                let digest = *digests.get(usize::try_from(sequence.checked_sub(flight.first)?).ok()?)?;
                let position = Position {
                    epoch: taken.epoch,
                    lane: taken.lane,
                    sequence,
                };
                Some(Stamp { position, digest })
            };
            let conflicts: Vec<Stamp> = taken.conflicts.iter().filter_map(|s| stamp(*s)).collect();
            self.learn_stored(key, flight.first, flight.last.sequence, &conflicts);
            if !conflicts.is_empty() {
                self.diverge(taken.epoch, taken.lane);
                self.learn.to_move.extend(conflicts);
            }
        }
    }

    fn learn_stored(&mut self, (epoch, lane): (Epoch, Lane), first: u64, last: u64, conflicts: &[Stamp]) {
        let mut from = first;
        let ends = conflicts
            .iter()
            .map(|stamp| stamp.position.sequence)
            .chain([last + 1]);
        for end in ends {
            if from < end {
                let to = end - 1;
                self.learn.news(News::Stored {
                    epoch,
                    lane,
                    from,
                    to,
                });
            }
            from = end + 1;
        }
    }

    /// How a lane stands: credit, holes, and a floor that is weighed before it counts.
    pub(super) fn on_tide(&mut self, tide: Tide, now_ms: u64) {
        let overtaken_ms = self.window.overtaken_ms();
        let Some(flow) = self.flows.get_mut(&(tide.epoch, tide.lane)) else {
            return;
        };
        if !flow.ready {
            return;
        }
        flow.credit = tide.credit;
        let top = tide.held.last().map_or(0, |(_, last)| *last);
        for flight in flow.flights.values_mut() {
            let overtaken =
                flight.last.sequence < top && now_ms.saturating_sub(flight.sent_ms) >= overtaken_ms;
            if overtaken && flight.tries == 0 {
                flight.due_ms = flight.due_ms.min(now_ms);
            }
        }
        if tide.floor.sequence > flow.confirmed.sequence && !flow.diverged {
            flow.to_weigh = Some(tide.floor);
        }
        self.resend_due(now_ms);
    }

    /// Compares floors with our own running digests, asking the spool where they are not remembered.
    pub(super) fn weigh_floors(&mut self, now_ms: u64) {
        let keys: Vec<_> = self.flows.keys().copied().collect();
        for key in keys {
            let Some(flow) = self.flows.get_mut(&key) else {
                continue;
            };
            if flow.weighing.is_some() || now_ms < self.learn.store_rests_until_ms {
                continue;
            }
            let Some(floor) = flow.to_weigh.take() else {
                continue;
            };
            if floor.sequence >= flow.head.next {
                self.weighed(key, floor, Weight::Differs, now_ms);
            } else if let Some(ours) = flow.running_at(floor.sequence) {
                self.weighed(key, floor, Weight::of(ours, floor), now_ms);
            } else {
                let ticket = self.ticket();
                self.act(SenderAction::Running(ticket, key.0, key.1, floor.sequence));
                if let Some(flow) = self.flows.get_mut(&key) {
                    flow.weighing = Some((ticket, floor));
                }
            }
        }
    }

    pub(super) fn on_running(&mut self, ticket: Ticket, running: Option<Digest>, now_ms: u64) {
        let asked = |flow: &&mut Flow| flow.weighing.is_some_and(|(asked, _)| asked == ticket);
        let Some(flow) = self.flows.values_mut().find(asked) else {
            return;
        };
        let (key, first) = (flow.key(), flow.head.first);
        let Some((_, floor)) = flow.weighing.take() else {
            return;
        };
        let weight = match running {
            Some(ours) => Weight::of(ours, floor),
            // Nothing up to there is kept any more: there is nothing that a wrong floor could harm.
            None if floor.sequence < first => Weight::Agrees,
            None => Weight::Unknown,
        };
        self.weighed(key, floor, weight, now_ms);
    }

    fn weighed(&mut self, key: (Epoch, Lane), floor: Mark, weight: Weight, now_ms: u64) {
        let Some(flow) = self.flows.get_mut(&key) else {
            return;
        };
        let first_time = !flow.ready;
        flow.ready = true;
        let before = flow.confirmed.sequence.max(flow.head.stored);
        if weight == Weight::Agrees {
            flow.confirm(floor, now_ms);
        }
        let (confirmed, next) = (flow.confirmed.sequence, flow.head.next);
        let backlog = next - 1 - confirmed.min(next - 1);
        if first_time {
            let far = backlog > pace::LIVE_BACKLOG;
            flow.live_from = if far { next } else { confirmed + 1 };
        }
        let (epoch, lane) = key;
        if std::mem::take(&mut flow.withdraw) {
            let floor = confirmed;
            self.learn.news(News::Forgotten { epoch, lane, floor });
        }
        if before < confirmed {
            let (from, to) = (before + 1, confirmed);
            self.learn.news(News::Stored {
                epoch,
                lane,
                from,
                to,
            });
        }
        if weight == Weight::Differs {
            self.diverge(epoch, lane);
        }
    }

    /// The other end has other content than this spool: new messages need a new epoch, and everything that is not
    /// finished is sent for comparison.
    pub(super) fn diverge(&mut self, epoch: Epoch, lane: Lane) {
        let Some(flow) = self.flows.get_mut(&(epoch, lane)) else {
            return;
        };
        if std::mem::replace(&mut flow.diverged, true) {
            return;
        }
        flow.drop_hints();
        self.learn.left.insert(epoch);
        self.notice(SenderNotice::Diverged { epoch, lane });
    }

    fn on_refused(&mut self, refused: Refused, now_ms: u64) {
        let Some(flow) = self.flows.get_mut(&(refused.epoch, refused.lane)) else {
            return;
        };
        let (first, last) = (refused.first, refused.last);
        let ours = flow
            .flights
            .get(&first)
            .is_some_and(|flight| flight.last.sequence == last);
        if !ours {
            return;
        }
        flow.flights.remove(&first);
        if refused.transient {
            flow.release(first, last);
            flow.blocked_until_ms = now_ms + flow.pause_ms;
            flow.lowest_only_until_ms = now_ms + 2 * flow.pause_ms;
            flow.pause_ms = (flow.pause_ms * 2).min(pace::RESEND_MAX_MS);
        } else if first < last {
            let middle = first + (last - first) / 2;
            flow.alone.extend([(first, middle), (middle + 1, last)]);
        } else {
            flow.stuck.insert(first, now_ms + pace::STUCK_MS);
            self.notice(SenderNotice::Stuck {
                epoch: refused.epoch,
                lane: refused.lane,
                sequence: first,
                reason: refused.reason,
            });
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    Agrees,
    Differs,
    Unknown,
}

impl Weight {
    fn of(ours: Digest, floor: Mark) -> Self {
        if ours == floor.running {
            Weight::Agrees
        } else {
            Weight::Differs
        }
    }
}
