//! What is sent next: the lanes take turns, and within a lane its backlog and its fresh messages do.

use std::collections::BTreeMap;

use crate::ident::{Epoch, Lane};
use crate::link::pace;

use super::lane::Flow;
use super::{Read, Sender, SenderAction, flight};

/// A range that may be sent now.
#[derive(Debug, Clone, Copy)]
struct Pick {
    key: (Epoch, Lane),
    first: u64,
    last: u64,
    alone: bool,
}

impl Sender {
    /// Asks for rows until the window is full or nothing may be sent.
    pub(super) fn fill_window(&mut self, now_ms: u64) {
        if !self.hello.open || now_ms < self.learn.store_rests_until_ms {
            return;
        }
        let mut starved = false;
        while self.has_room() {
            let Some(pick) = self.pick(now_ms, &mut starved) else {
                break;
            };
            self.ask_for_rows(pick);
        }
        if starved {
            self.hello.probe(now_ms);
        } else {
            self.hello.relieved();
        }
    }

    fn has_room(&self) -> bool {
        let (mut count, mut bytes, mut reads) = (0, 0, 0);
        for flow in self.flows.values() {
            count += flow.flights.len();
            bytes += flight::bytes(&flow.flights);
            reads += usize::from(flow.reading.is_some());
        }
        let expected = bytes + reads * self.window.frame_bytes();
        reads < pace::READS
            && count + reads < pace::FLIGHTS
            && (expected < self.window.bytes() || expected == 0)
    }

    fn ask_for_rows(&mut self, pick: Pick) {
        let ticket = self.ticket();
        let bytes = self.window.frame_bytes();
        let Some(flow) = self.flows.get_mut(&pick.key) else {
            return;
        };
        flow.turns += 1;
        if pick.alone {
            flow.alone.pop_front();
        }
        flow.occupy(pick.first, pick.last);
        flow.reading = Some((ticket, pick.first, pick.last));
        let (epoch, lane) = pick.key;
        self.act(SenderAction::Read(
            ticket,
            Read {
                epoch,
                lane,
                from: pick.first,
                upto: pick.last,
                count: pace::FRAME_TARGET_COUNT,
                bytes,
            },
        ));
    }

    fn pick(&mut self, now_ms: u64, starved: &mut bool) -> Option<Pick> {
        let turn = Lane::from_number(pace::TURNS[self.turn % pace::TURNS.len()]);
        let order = turn.into_iter().chain(Lane::ALL);
        for lane in order {
            let pick = self.pick_in(lane, now_ms, starved);
            if pick.is_some() {
                self.turn = (self.turn + 1) % pace::TURNS.len();
                return pick;
            }
        }
        None
    }

    fn pick_in(&mut self, lane: Lane, now_ms: u64, starved: &mut bool) -> Option<Pick> {
        let newest = self.epochs.last()?.0;
        let flow = self.flows.get_mut(&(newest, lane));
        let flow = flow.filter(|flow| may_send(flow, now_ms));
        let turns = flow.as_ref().map_or(0, |flow| flow.turns);
        let fresh = flow.and_then(|flow| fresh(flow, now_ms));
        let fresh = fresh.and_then(|pick| affordable(&self.flows, pick, starved));
        if fresh.is_some() && turns % pace::BACKLOG_TURN != pace::BACKLOG_TURN - 1 {
            return fresh;
        }
        let backlog = self.epochs.iter().find_map(|(epoch, _)| {
            let flow = self
                .flows
                .get(&(*epoch, lane))
                .filter(|flow| may_send(flow, now_ms))?;
            affordable(&self.flows, oldest(flow)?, starved)
        });
        backlog.or(fresh)
    }

    /// When a lane that was refused may go on.
    pub(super) fn blocked_until(&self, flow: &Flow) -> Option<u64> {
        let until = flow.blocked_until_ms.max(flow.lowest_only_until_ms);
        let until = until.max(self.learn.store_rests_until_ms);
        (until > self.now_ms).then_some(until)
    }
}

fn may_send(flow: &Flow, now_ms: u64) -> bool {
    let room = flow.flights.len() < pace::LANE_FLIGHTS && flow.reading.is_none();
    flow.ready && room && flow.blocked_until_ms <= now_ms
}

/// The oldest of a lane: what must be sent alone, then the lowest that is free.
fn oldest(flow: &Flow) -> Option<Pick> {
    let key = flow.key();
    if let Some(&(first, last)) = flow.alone.front() {
        let alone = true;
        return Some(Pick {
            key,
            first,
            last,
            alone,
        });
    }
    joined(flow, flow.free(0)?)
}

/// The oldest of a lane's fresh messages. If they fell far behind themselves they become backlog, and what comes from
/// now on is fresh.
fn fresh(flow: &mut Flow, now_ms: u64) -> Option<Pick> {
    let crowded = flow.ranges() + pace::LANE_FLIGHTS >= pace::RANGES;
    if crowded || flow.lowest_only_until_ms > now_ms {
        return None;
    }
    let (first, last) = flow.free(flow.live_from)?;
    if flow.head.next - first > pace::LIVE_LAG && flow.ranges() < pace::RANGES / 2 {
        flow.live_from = flow.head.next;
        return None;
    }
    joined(flow, (first, last))
}

/// While enough is under way, the last few messages wait for company.
fn joined(flow: &Flow, (first, last): (u64, u64)) -> Option<Pick> {
    let few = last + 1 == flow.head.next && last - first < pace::FRAME_TARGET_COUNT as u64;
    if few && flow.flights.len() >= pace::EAGER_FLIGHTS {
        return None;
    }
    let key = flow.key();
    let alone = false;
    Some(Pick {
        key,
        first,
        last,
        alone,
    })
}

/// The part of it that the credit covers.
fn affordable(flows: &BTreeMap<(Epoch, Lane), Flow>, pick: Pick, starved: &mut bool) -> Option<Pick> {
    let flow = flows.get(&pick.key)?;
    if pick.alone {
        return Some(pick);
    }
    let allowed = flow.allowed(pick.first).min(READ_SPAN);
    *starved |= allowed == 0;
    (allowed > 0).then(|| Pick {
        last: pick.last.min(pick.first.saturating_add(allowed - 1)),
        ..pick
    })
}

/// Most positions that one read looks at: rows, and the gaps between them.
const READ_SPAN: u64 = 16 * pace::FRAME_TARGET_COUNT as u64;
