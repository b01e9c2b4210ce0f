//! The conversation: hellos until they are answered, and what follows from the answer.

use crate::envelope::Moment;
use crate::ident::Epoch;
use crate::link::pace;
use crate::link::wire::{Control, EpochHead, Hello, HelloId, LaneHead, Mark, Origin, Versions, Welcome};

use super::{Sender, SenderAction, SenderNotice};

/// Where the conversation stands.
#[derive(Debug, Default)]
pub struct Conversation {
    /// Hellos said so far, over all connections.
    number: u64,
    /// The last one that was answered.
    answered: u64,
    /// When the last ones were said, for the round trip: number and time.
    said: Vec<(u64, u64)>,
    said_last_ms: Option<u64>,
    pub next_ms: u64,
    pause_ms: u64,
    round_trip_ms: Option<u32>,
    /// By how much the other end's wall clock is ahead of ours, by the last answer.
    pub ahead_ms: Option<i64>,
    probe_ms: u64,
    /// Answered since the connection was made, with a version in common.
    pub open: bool,
}

/// Unanswered hellos whose time is remembered.
const SAID: usize = 8;

impl Conversation {
    /// A new connection: hello at once.
    pub fn connected(&mut self, now_ms: u64) {
        self.open = false;
        self.next_ms = now_ms;
        self.pause_ms = pace::HELLO_MIN_MS;
        self.probe_ms = pace::PROBE_MS;
        self.said.clear();
    }

    /// There is something new to say, or something unknown was heard.
    pub fn soon(&mut self, now_ms: u64) {
        let earliest = self.said_last_ms.map_or(now_ms, |at| at + pace::HELLO_ASKED_MS);
        self.next_ms = self.next_ms.min(earliest.max(now_ms));
    }

    /// There are messages but no credit for them.
    pub fn probe(&mut self, now_ms: u64) {
        let at = now_ms + self.probe_ms;
        if at < self.next_ms {
            self.next_ms = at;
            self.probe_ms = (self.probe_ms * 2).min(pace::HELLO_MAX_MS);
        }
    }

    /// There is credit.
    pub fn relieved(&mut self) {
        self.probe_ms = pace::PROBE_MS;
    }
}

impl Sender {
    pub(super) fn say_hello(&mut self, now: Moment) {
        let now_ms = now.monotonic_ms;
        if self.hello.next_ms > now_ms {
            return;
        }
        if self.epochs.is_empty() {
            self.hello.next_ms = now_ms + pace::STORE_RETRY_MS;
            return self.act(SenderAction::Heads);
        }
        let talk = &mut self.hello;
        talk.number += 1;
        talk.said_last_ms = Some(now_ms);
        if talk.said.len() == SAID {
            talk.said.remove(0);
        }
        talk.said.push((talk.number, now_ms));
        talk.next_ms = now_ms + talk.pause_ms;
        talk.pause_ms = (talk.pause_ms * 2).min(pace::HELLO_MAX_MS);
        let hello = Hello {
            agent: self.config.agent.clone(),
            id: HelloId {
                session: self.config.session,
                number: self.hello.number,
            },
            versions: Versions::OURS,
            known: self.origin,
            heard: self.heard,
            clock: now,
            round_trip_ms: self.hello.round_trip_ms,
            epochs: self.heads_to_name(),
        };
        self.say(&Control::Hello(Box::new(hello)));
    }

    /// All open epochs; of more than a hello can hold, only the oldest and the newest with their lanes.
    fn heads_to_name(&self) -> Vec<EpochHead> {
        let oldest = pace::HELLO_EPOCHS - 1;
        let newest = self.epochs.len() - 1;
        let named = self.epochs.iter().enumerate();
        let head = |(index, &(epoch, predecessor)): (usize, &(Epoch, Option<Epoch>))| EpochHead {
            epoch,
            predecessor,
            lanes: if index < oldest || index == newest {
                self.lane_heads(epoch)
            } else {
                Vec::new()
            },
        };
        named.map(head).collect()
    }

    fn lane_heads(&self, epoch: Epoch) -> Vec<LaneHead> {
        let flows = self.flows.values().filter(|flow| flow.head.epoch == epoch);
        flows
            .map(|flow| LaneHead {
                lane: flow.head.lane,
                first: flow.head.first,
                last: Mark {
                    sequence: flow.head.next - 1,
                    running: flow.head.running,
                },
                stored: flow.ready.then_some(flow.confirmed),
                settled: flow.head.settled,
            })
            .collect()
    }

    /// The answer to a hello. Only this can make us listen to another opening: it answers a question of this run.
    pub(super) fn on_welcome(&mut self, origin: Origin, welcome: Welcome, now: Moment) {
        let now_ms = now.monotonic_ms;
        let talk = &mut self.hello;
        let id = welcome.answers;
        if id.session != self.config.session || id.number <= talk.answered || id.number > talk.number {
            return;
        }
        talk.answered = id.number;
        if let Some((_, said_ms)) = talk.said.iter().find(|(number, _)| *number == id.number) {
            let trip = now_ms.saturating_sub(*said_ms);
            talk.round_trip_ms = u32::try_from(trip).ok();
            let half = i64::try_from(trip / 2).unwrap_or(0);
            let then = welcome.clock.wall_ms.saturating_add(half);
            talk.ahead_ms = Some(then.saturating_sub(now.wall_ms));
        }
        talk.open = true;
        talk.pause_ms = pace::HELLO_MIN_MS;
        talk.next_ms = now_ms + pace::HELLO_EVERY_MS;
        self.listen_to(origin);
        self.progress_ms = now_ms;
        let mut unnamed = self.flows.len();
        for tide in welcome.tides {
            let Some(flow) = self.flows.get_mut(&(tide.epoch, tide.lane)) else {
                continue;
            };
            unnamed -= 1;
            flow.credit = tide.credit;
            if flow.ready {
                self.on_finished(&tide);
                self.on_tide(tide, now_ms);
                continue;
            }
            flow.hint(&tide.held, now_ms);
            let beyond = tide.held.last().is_some_and(|(_, last)| *last >= flow.head.next);
            flow.to_weigh = Some(tide.floor);
            if beyond {
                self.diverge(tide.epoch, tide.lane);
            }
        }
        if unnamed > 0 && self.epochs.len() <= pace::HELLO_EPOCHS {
            self.hello.soon(now_ms);
        }
    }

    /// Takes over an origin. With a new opening nothing that was believed stored is believed any more.
    fn listen_to(&mut self, origin: Origin) {
        let same = self.origin.is_some_and(|known| known.same_opening(&origin));
        self.origin = Some(origin);
        self.term = origin.term;
        if same {
            return;
        }
        self.heard = 0;
        self.learn.forget_pages();
        for flow in self.flows.values_mut() {
            flow.reset();
        }
        self.notice(SenderNotice::Opening(origin));
    }

    /// Whether this origin is the one that we listen to; if not, a hello is due or it is ignored.
    pub(super) fn listens_to(&mut self, origin: &Origin, now: Moment) -> bool {
        if self.origin.is_some_and(|known| known.same_opening(origin)) {
            self.term = origin.term;
            self.origin = Some(*origin);
            return self.hello.open;
        }
        self.hello.soon(now.monotonic_ms);
        false
    }

    pub(super) fn on_incompatible(&mut self, versions: Versions) {
        self.hello.open = false;
        self.notice(SenderNotice::Incompatible(versions));
    }
}
