//! Frames and declared gaps: handed over for commit, and answered only when that is reported.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::codec::frame::{Frame, FrameError};
use crate::envelope::Moment;
use crate::ident::{Digest, Epoch, Lane};
use crate::link::wire::{Gone, Mark, Refused, Taken, Tidings};
use crate::link::{Ticket, pace};
use crate::outcome::Reason;
use crate::store::inbox::{self, Arrival, Gap, GapKind};

use super::Receiver;
use super::port::{ReceiverAction, ReceiverNotice, Standing};

/// Sequences that are kept beside their positions, in one receipt; more open another.
const BESIDE: usize = 8192;

/// What waits for its commit, or to be handed over for it.
#[derive(Debug, Default)]
pub struct Intake {
    waiting: Vec<Arrival>,
    asked: BTreeMap<Ticket, Vec<Asked>>,
    declared: BTreeMap<Ticket, Vec<Gap>>,
    frames: usize,
    bytes: usize,
}

/// A frame that was handed over for commit.
#[derive(Debug)]
struct Asked {
    epoch: Epoch,
    lane: Lane,
    first: u64,
    last: Mark,
    bytes: usize,
}

impl Receiver {
    pub(super) fn on_frame(&mut self, topic: Lane, payload: &[u8], now: Moment) {
        let frame = match contained(payload) {
            Ok(frame) if frame.lane == topic => frame,
            Ok(frame) => {
                let text = format!("a frame of lane {} on the topic of {topic}", frame.lane);
                return self.notice(ReceiverNotice::Unreadable(text));
            }
            Err(reason) => return self.refuse_unread(payload, reason),
        };
        if !self.tides.knows(frame.epoch, frame.lane) {
            return self.ask_for_hello(now);
        }
        let bytes: usize = frame.rows.iter().map(Vec::len).sum();
        if self.intake.frames >= pace::COMMITS || self.intake.bytes + bytes > pace::COMMIT_BYTES {
            return self.notice(ReceiverNotice::Busy);
        }
        self.intake.frames += 1;
        self.intake.bytes += bytes;
        self.tides.weigh(frame.lane, &frame.rows);
        self.intake.waiting.push(Arrival {
            agent: self.config.agent.clone(),
            epoch: frame.epoch,
            lane: frame.lane,
            first: frame.first,
            before: frame.before,
            rows: frame.rows,
            received_ms: now.wall_ms,
            clock: self.clock.clock(),
        });
        self.hand_over();
    }

    /// Hands over all that waits as one commit, unless one is under way: what comes meanwhile is committed together.
    fn hand_over(&mut self) {
        if self.intake.waiting.is_empty() || !self.intake.asked.is_empty() {
            return;
        }
        let arrivals = std::mem::take(&mut self.intake.waiting);
        let ticket = self.ticket();
        self.intake
            .asked
            .insert(ticket, arrivals.iter().map(asked).collect());
        self.act(ReceiverAction::Take(ticket, arrivals));
    }

    pub(super) fn on_taken(&mut self, ticket: Ticket, results: Vec<inbox::Taken>, standing: Standing) {
        let Some(asked) = self.forget(ticket) else { return };
        self.tides.update(standing);
        let mut taken = Vec::new();
        let mut beside = 0;
        for (asked, result) in asked.into_iter().zip(results) {
            match result {
                inbox::Taken::Kept(kept) => {
                    if kept.diverged || !kept.conflicts.is_empty() {
                        self.notice_diverged(asked.epoch, asked.lane);
                    }
                    let more = kept.conflicts.len() + kept.late.len();
                    if beside + more > BESIDE {
                        self.answer(std::mem::take(&mut taken));
                        beside = 0;
                    }
                    beside += more;
                    taken.push(asked.taken(kept.conflicts, kept.late));
                }
                inbox::Taken::Refused(refusal) => {
                    let (transient, reason) = (refusal.is_transient(), refusal.reason());
                    self.say(Tidings::Refused(asked.refused(transient, reason)));
                }
            }
        }
        self.answer(taken);
        self.hand_over();
    }

    pub(super) fn on_gone(&mut self, gone: Gone, now: Moment) {
        if !self.tides.knows(gone.epoch, gone.lane) {
            return self.ask_for_hello(now);
        }
        if gone.first == 0 || gone.last.sequence < gone.first || self.intake.declared.len() >= pace::COMMITS {
            return self.notice(ReceiverNotice::Busy);
        }
        if gone.kind == GapKind::Lost {
            let (first, last) = (gone.first, gone.last.sequence);
            self.notice(ReceiverNotice::Lost(gone.epoch, gone.lane, first, last));
        }
        let gap = Gap {
            epoch: gone.epoch,
            lane: gone.lane,
            from: gone.first,
            to: gone.last.sequence,
            before: gone.before,
            running: gone.last.running,
            kind: gone.kind,
        };
        let ticket = self.ticket();
        self.intake.declared.insert(ticket, vec![gap]);
        self.act(ReceiverAction::Declare(ticket, vec![gap]));
    }

    pub(super) fn on_declared(&mut self, ticket: Ticket, standing: Standing) {
        let Some(gaps) = self.intake.declared.remove(&ticket) else {
            return;
        };
        self.tides.update(standing);
        let taken = gaps.into_iter().map(|gap| Taken {
            epoch: gap.epoch,
            lane: gap.lane,
            first: gap.from,
            last: Mark {
                sequence: gap.to,
                running: gap.running,
            },
            conflicts: Vec::new(),
            late: Vec::new(),
        });
        self.answer(taken.collect());
    }

    /// A commit failed: nothing of it was kept, so nothing is answered and the sender sends again.
    pub(super) fn on_intake_failed(&mut self, ticket: Ticket) {
        self.forget(ticket);
        self.intake.declared.remove(&ticket);
        self.hand_over();
    }

    fn forget(&mut self, ticket: Ticket) -> Option<Vec<Asked>> {
        let asked = self.intake.asked.remove(&ticket)?;
        self.intake.frames -= asked.len();
        self.intake.bytes -= asked.iter().map(|asked| asked.bytes).sum::<usize>();
        Some(asked)
    }

    /// *stored*, with how the lanes stand that were touched.
    fn answer(&mut self, taken: Vec<Taken>) {
        if taken.is_empty() {
            return;
        }
        let mut lanes: Vec<_> = taken.iter().map(|taken| (taken.epoch, taken.lane)).collect();
        lanes.sort();
        lanes.dedup();
        let tides = self.tides.tell(lanes);
        self.say(Tidings::Stored { taken, tides });
    }

    fn refuse_unread(&mut self, payload: &[u8], reason: String) {
        self.notice(ReceiverNotice::Unreadable(reason.clone()));
        if let Some((epoch, lane, span)) = Frame::peek(payload) {
            self.say(Tidings::Refused(Refused {
                epoch,
                lane,
                first: *span.start(),
                last: *span.end(),
                transient: false,
                reason: Reason::new("unreadable", reason),
            }));
        }
    }

    pub(super) fn notice_diverged(&mut self, epoch: Epoch, lane: Lane) {
        if self.diverged.insert((epoch, lane)) {
            self.notice(ReceiverNotice::Diverged(epoch, lane));
        }
    }
}

/// The frame of a payload. Whatever the payload holds, and whatever fault of ours it finds, stays in here.
fn contained(payload: &[u8]) -> Result<Frame, String> {
    match catch_unwind(AssertUnwindSafe(|| Frame::decode(payload))) {
        Ok(frame) => frame.map_err(|error: FrameError| error.to_string()),
        Err(_) => Err("reading the frame failed: a fault in this program".to_owned()),
    }
}

fn asked(arrival: &Arrival) -> Asked {
    let chain = |running: Digest, row: &Vec<u8>| running.then(Digest::of(row));
    Asked {
        epoch: arrival.epoch,
        lane: arrival.lane,
        first: arrival.first,
        last: Mark {
            sequence: arrival.first + arrival.rows.len() as u64 - 1,
            running: arrival.rows.iter().fold(arrival.before, chain),
        },
        bytes: arrival.rows.iter().map(Vec::len).sum(),
    }
}

impl Asked {
    fn taken(self, conflicts: Vec<u64>, late: Vec<u64>) -> Taken {
        Taken {
            epoch: self.epoch,
            lane: self.lane,
            first: self.first,
            last: self.last,
            conflicts,
            late,
        }
    }

    fn refused(self, transient: bool, reason: Reason) -> Refused {
        Refused {
            epoch: self.epoch,
            lane: self.lane,
            first: self.first,
            last: self.last.sequence,
            transient,
            reason,
        }
    }
}
