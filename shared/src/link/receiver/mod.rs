//! The receiving machine: what arrives is committed before it is answered, and what became of it is told until heard.
//!
//! One for each peer. `greet` answers hellos, `intake` takes frames and declared gaps, `tide` knows how the lanes stand,
//! `tell` brings the news, `clock` estimates the peer's clock. It never answers what is not committed, and never keeps
//! anything that the inbox does not have: a new machine over the same inbox goes on where the old one stood.

mod clock;
mod greet;
mod intake;
mod port;
mod tell;
mod tide;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use port::{
    ClockEstimate, ClockQuality, ReceiverAction, ReceiverConfig, ReceiverEvent, ReceiverNotice, Standing,
};

use crate::envelope::Moment;
use crate::ident::{Epoch, Lane};
use crate::link::wire::{self, Control, Receipt, Tidings};
use crate::link::{Channel, Ticket, pace};
use crate::store::inbox;

/// The receiver of one peer's messages.
#[derive(Debug)]
pub struct Receiver {
    config: ReceiverConfig,
    actions: VecDeque<ReceiverAction>,
    tickets: u64,
    tides: tide::Tides,
    intake: intake::Intake,
    greeting: greet::Greeting,
    teller: tell::Teller,
    reading_news: Option<(Ticket, u64)>,
    /// Up to where lanes were settled before the news were read that are under way.
    settled_before: BTreeMap<(Epoch, Lane), u64>,
    /// The same, once no more news were found: told when all of them are heard.
    told_when_heard: Option<BTreeMap<(Epoch, Lane), u64>>,
    clock: clock::PeerClock,
    diverged: BTreeSet<(Epoch, Lane)>,
    last_heard_ms: Option<u64>,
    asked_hello_ms: Option<u64>,
    repeat_ms: u64,
    repeat_all_ms: u64,
}

impl Receiver {
    /// A receiver that heard nothing yet.
    pub fn new(config: ReceiverConfig, now: Moment) -> Self {
        Self {
            config,
            actions: VecDeque::new(),
            tickets: 0,
            tides: tide::Tides::default(),
            intake: intake::Intake::default(),
            greeting: greet::Greeting::default(),
            teller: tell::Teller::default(),
            reading_news: None,
            settled_before: BTreeMap::new(),
            told_when_heard: None,
            clock: clock::PeerClock::default(),
            diverged: BTreeSet::new(),
            last_heard_ms: None,
            asked_hello_ms: None,
            repeat_ms: now.monotonic_ms + pace::REPEAT_MS,
            repeat_all_ms: now.monotonic_ms + pace::REPEAT_ALL_MS,
        }
    }

    /// Something happened.
    pub fn handle_event(&mut self, event: ReceiverEvent, now: Moment) {
        match event {
            ReceiverEvent::Frame(lane, payload) => {
                self.last_heard_ms = Some(now.monotonic_ms);
                self.on_frame(lane, &payload, now);
            }
            ReceiverEvent::Control(payload) => {
                self.last_heard_ms = Some(now.monotonic_ms);
                self.on_control(&payload, now);
            }
            ReceiverEvent::Floors(ticket, standing) => self.on_floors(ticket, standing, now),
            ReceiverEvent::Taken(ticket, taken, standing) => self.on_taken(ticket, taken, standing),
            ReceiverEvent::Declared(ticket, standing) => self.on_declared(ticket, standing),
            ReceiverEvent::News(ticket, notes) => {
                if let Some((_, after)) = self.reading_news.take_if(|(asked, _)| *asked == ticket) {
                    self.on_notes(after, notes, now);
                }
            }
            ReceiverEvent::NewsWaiting => self.teller.wake(),
            ReceiverEvent::Term(term) => self.config.origin.term = term.max(self.config.origin.term),
            ReceiverEvent::Failed(ticket) => {
                self.reading_news.take_if(|(asked, _)| *asked == ticket);
                self.on_intake_failed(ticket);
                return; // News are asked for again by timer, not in a circle.
            }
        }
        self.read_news();
        self.note_heard();
    }

    /// The time that [`Receiver::poll_timeout`] named is reached.
    pub fn handle_timeout(&mut self, now: Moment) {
        let now_ms = now.monotonic_ms;
        let silent = self
            .last_heard_ms
            .is_none_or(|at| now_ms.saturating_sub(at) > pace::SILENT_MS);
        self.teller.handle_timeout(now_ms);
        if now_ms >= self.repeat_all_ms {
            self.repeat_all_ms = now_ms + pace::REPEAT_ALL_MS;
            self.repeat(self.tides.all(), silent);
        } else if now_ms >= self.repeat_ms {
            self.repeat(self.tides.unsaid(), silent);
        }
        if now_ms >= self.repeat_ms {
            self.repeat_ms = now_ms + pace::REPEAT_MS;
        }
        if !silent {
            self.read_news();
        }
    }

    /// When to call [`Receiver::handle_timeout`], in monotonic milliseconds.
    pub fn poll_timeout(&self) -> Option<u64> {
        let repeat = self.repeat_ms.min(self.repeat_all_ms);
        Some(self.teller.timeout().map_or(repeat, |again| again.min(repeat)))
    }

    /// The next thing that the driver shall do.
    pub fn poll_action(&mut self) -> Option<ReceiverAction> {
        self.actions.pop_front()
    }

    fn on_control(&mut self, payload: &[u8], now: Moment) {
        match wire::decode(payload) {
            Ok(Control::Hello(hello)) => self.on_hello(*hello, now),
            Ok(Control::Gone(gone)) => self.on_gone(gone, now),
            Ok(Control::Heard(heard)) => {
                if heard.mark == self.config.origin.mark {
                    self.teller.hear(heard);
                }
            }
            Err(error) => self.notice(ReceiverNotice::Unreadable(error.to_string())),
        }
    }

    fn on_notes(&mut self, after: u64, notes: Vec<inbox::Note>, now: Moment) {
        let last = notes.len() < pace::NEWS_COUNT;
        let Some(pages) = self.teller.page(after, notes, now.monotonic_ms) else {
            return;
        };
        for page in pages {
            self.say(Tidings::News(page));
        }
        if last {
            self.told_when_heard = Some(std::mem::take(&mut self.settled_before));
        }
    }

    /// Once everything that was told is heard, the settled floors of before are known to the peer.
    fn note_heard(&mut self) {
        if self.teller.is_all_heard()
            && let Some(settled) = self.told_when_heard.take()
        {
            self.tides.all_told(settled);
        }
    }

    fn read_news(&mut self) {
        if self.reading_news.is_some() {
            return;
        }
        if let Some(after) = self.teller.wants() {
            let ticket = self.ticket();
            self.reading_news = Some((ticket, after));
            self.settled_before = self.tides.settled();
            self.act(ReceiverAction::News(ticket, after, pace::NEWS_COUNT));
        }
    }

    fn repeat(&mut self, lanes: Vec<(Epoch, Lane)>, silent: bool) {
        if !silent && !lanes.is_empty() {
            let tides = self.tides.tell(lanes);
            let taken = Vec::new();
            self.say(Tidings::Stored { taken, tides });
        }
    }

    /// Whatever names our opening makes a sender that does not know it say hello.
    fn ask_for_hello(&mut self, now: Moment) {
        let asked = self.asked_hello_ms.map(|at| at + pace::HELLO_ASKED_MS);
        if asked.is_none_or(|next| next <= now.monotonic_ms) {
            self.asked_hello_ms = Some(now.monotonic_ms);
            let (taken, tides) = (Vec::new(), Vec::new());
            self.say(Tidings::Stored { taken, tides });
        }
    }

    fn say(&mut self, tidings: Tidings) {
        let origin = self.config.origin;
        match wire::encode(&Receipt { origin, tidings }) {
            Ok(payload) => self.act(ReceiverAction::Publish(Channel::Receipt, payload)),
            Err(error) => self.notice(ReceiverNotice::Unreadable(error.to_string())),
        }
    }

    fn notice(&mut self, notice: ReceiverNotice) {
        self.act(ReceiverAction::Notice(notice));
    }

    fn act(&mut self, action: ReceiverAction) {
        self.actions.push_back(action);
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }
}
