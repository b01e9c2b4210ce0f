//! The sending machine: what is in the spool reaches the other end, and what became of it comes back.
//!
//! `hello` keeps the conversation, `plan` chooses what is sent next, `flight` is what is under way, `receipt` weighs what
//! the other end says, `learn` brings it into the spool and moves rows to a new epoch. A row counts as stored only where
//! a receipt names exactly the frame that was sent, or a floor carries our own running digest. The machine remembers
//! nothing over a restart; a new one over the same spool goes on where the floors are.

mod flight;
mod hello;
mod lane;
mod learn;
mod plan;
mod port;
mod receipt;
mod send;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use port::{Batch, Read, SenderAction, SenderConfig, SenderEvent, SenderNotice};

use crate::envelope::Moment;
use crate::ident::{Epoch, Lane};
use crate::link::wire::{Control, Origin};
use crate::link::{Channel, Ticket, pace, wire};
use crate::store::spool::Head;

use lane::Flow;

/// The sender of a spool's rows.
#[derive(Debug)]
pub struct Sender {
    config: SenderConfig,
    actions: VecDeque<SenderAction>,
    tickets: u64,
    connected: bool,
    /// Open epochs, oldest first.
    epochs: Vec<(Epoch, Option<Epoch>)>,
    flows: BTreeMap<(Epoch, Lane), Flow>,
    hello: hello::Conversation,
    /// Whom we listen to.
    origin: Option<Origin>,
    /// The highest term heard; lower ones are ignored.
    term: u64,
    /// News of this opening up to here are committed.
    heard: u64,
    window: flight::Window,
    turn: usize,
    learn: learn::Learning,
    progress_ms: u64,
    /// When something last happened.
    now_ms: u64,
}

impl Sender {
    /// A sender that knows nothing yet; it asks for the heads at once.
    pub fn new(config: SenderConfig, now: Moment) -> Self {
        Self {
            config,
            actions: VecDeque::from([SenderAction::Heads]),
            tickets: 0,
            connected: false,
            epochs: Vec::new(),
            flows: BTreeMap::new(),
            hello: hello::Conversation::default(),
            origin: None,
            term: 0,
            heard: 0,
            window: flight::Window::default(),
            turn: 0,
            learn: learn::Learning::default(),
            progress_ms: now.monotonic_ms,
            now_ms: now.monotonic_ms,
        }
    }

    /// Something happened.
    pub fn handle_event(&mut self, event: SenderEvent, now: Moment) {
        let now_ms = now.monotonic_ms;
        match event {
            SenderEvent::Connected => self.on_connected(now),
            SenderEvent::Disconnected => self.connected = false,
            SenderEvent::Receipt(payload) => self.on_receipt(&payload, now),
            SenderEvent::Heads(heads) => self.on_heads(heads, now),
            SenderEvent::Rows(ticket, batch) => self.on_rows(ticket, batch, now_ms),
            SenderEvent::Running(ticket, running) => self.on_running(ticket, running, now_ms),
            SenderEvent::Committed(ticket, heads) => {
                self.on_committed(ticket);
                self.on_heads(heads, now);
            }
            SenderEvent::Failed(ticket) => self.on_failed(ticket, now_ms),
        }
        self.go_on(now);
    }

    /// The time that [`Sender::poll_timeout`] named is reached.
    pub fn handle_timeout(&mut self, now: Moment) {
        let now_ms = now.monotonic_ms;
        self.resend_due(now_ms);
        for flow in self.flows.values_mut() {
            if flow.hints_until().is_some_and(|at| at <= now_ms) {
                flow.drop_hints();
            }
            let tried: Vec<u64> = flow
                .stuck
                .iter()
                .filter(|(_, at)| **at <= now_ms)
                .map(|(s, _)| *s)
                .collect();
            for sequence in tried {
                flow.stuck.remove(&sequence);
                flow.release(sequence, sequence);
            }
        }
        if self.connected && now_ms >= self.progress_ms + pace::NO_PROGRESS_MS {
            self.progress_ms = now_ms;
            self.act(SenderAction::Reconnect(
                "nothing was heard from the other end for too long",
            ));
        }
        self.go_on(now);
    }

    /// When to call [`Sender::handle_timeout`], in monotonic milliseconds.
    pub fn poll_timeout(&self) -> Option<u64> {
        let mut times = BTreeSet::new();
        times.extend(self.learn.timeout());
        if self.connected {
            times.insert(self.progress_ms + pace::NO_PROGRESS_MS);
            times.insert(self.hello.next_ms);
            for flow in self.flows.values() {
                times.extend(flow.flights.values().map(|flight| flight.due_ms).min());
                times.extend(flow.hints_until());
                times.extend(flow.stuck.values().min());
                times.extend(self.blocked_until(flow));
            }
        }
        times.first().copied()
    }

    /// The next thing that the driver shall do.
    pub fn poll_action(&mut self) -> Option<SenderAction> {
        self.actions.pop_front()
    }

    /// Whom the sender listens to, once it was answered.
    pub fn origin(&self) -> Option<Origin> {
        self.origin
    }

    /// By how many milliseconds the other end's wall clock is ahead of ours, by its last answer to a hello.
    pub fn peer_ahead_ms(&self) -> Option<i64> {
        self.hello.ahead_ms
    }

    /// Rows and declared gaps under way in a lane, all epochs together.
    pub fn in_flight(&self, lane: Lane) -> u64 {
        let flows = self.flows.values().filter(|flow| flow.head.lane == lane);
        let flights = flows.flat_map(|flow| flow.flights.values());
        flights
            .map(|flight| flight.last.sequence - flight.first + 1)
            .sum()
    }

    fn on_connected(&mut self, now: Moment) {
        self.connected = true;
        self.progress_ms = now.monotonic_ms;
        for flow in self.flows.values_mut() {
            flow.land();
        }
        self.hello.connected(now.monotonic_ms);
    }

    fn on_heads(&mut self, heads: Vec<Head>, now: Moment) {
        self.epochs.clear();
        for head in &heads {
            if self.epochs.last().is_none_or(|(epoch, _)| *epoch != head.epoch) {
                self.epochs.push((head.epoch, head.previous));
            }
        }
        let mut flows = std::mem::take(&mut self.flows);
        for head in heads {
            let key = (head.epoch, head.lane);
            let flow = match flows.remove(&key) {
                Some(mut flow) => {
                    flow.head = head;
                    flow
                }
                None => {
                    self.hello.soon(now.monotonic_ms);
                    Flow::new(head)
                }
            };
            self.flows.insert(key, flow);
        }
    }

    /// Whatever happened: say hello if it is time, bring news into the spool, and fill the window.
    fn go_on(&mut self, now: Moment) {
        self.now_ms = now.monotonic_ms;
        self.weigh_floors(now.monotonic_ms);
        self.learn_on(now.monotonic_ms);
        if self.connected {
            self.say_hello(now);
            self.fill_window(now.monotonic_ms);
        }
    }

    fn say(&mut self, control: &Control) {
        match wire::encode(control) {
            Ok(payload) => self.act(SenderAction::Publish(Channel::Control, payload)),
            Err(error) => self.notice(SenderNotice::Unreadable(error.to_string())),
        }
    }

    fn notice(&mut self, notice: SenderNotice) {
        self.act(SenderAction::Notice(notice));
    }

    fn act(&mut self, action: SenderAction) {
        self.actions.push_back(action);
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }
}
