//! What a station promises its operator.

mod any;
mod entry;
mod person;
mod refusal;
mod repetition;
mod undo;

use std::time::Duration;

use millrace_shared::envelope::Moment;
use millrace_shared::ident::{Epoch, Lane, MessageId, Position};
use millrace_shared::message::{Completion, Message};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;

const CONFIRM: &str = "CMD:CONFIRM";
const FINAL: &str = "CMD:FINAL";
const UNDO: &str = "CMD:UNDO";
const CANCEL: &str = "CMD:CANCEL";

fn moment(ms: u64) -> Moment {
    Moment {
        wall_ms: 1_790_000_000_000 + ms as i64,
        offset_minutes: 120,
        boot: 7,
        monotonic_ms: ms,
    }
}

/// A station with one scanner whose every step is committed, and what its operator heard.
struct Shift {
    station: Station,
    dialogue: Dialogue,
    now: Moment,
    bookings: Vec<Booking>,
}

impl Shift {
    fn of(makes: Makes) -> Self {
        Self::with(Profile::new(makes))
    }

    fn with(profile: Profile) -> Self {
        assert_eq!(profile.problems(), Vec::<String>::new());
        Self {
            station: Station {
                name: "S1".into(),
                profile,
            },
            dialogue: Dialogue::new(moment(0)),
            now: moment(0),
            bookings: Vec::new(),
        }
    }

    fn wait(&mut self, ms: u64) {
        self.now = Moment {
            wall_ms: self.now.wall_ms + ms as i64,
            monotonic_ms: self.now.monotonic_ms + ms,
            ..self.now
        };
    }

    /// Scans without a pause before it: a double reading.
    fn at_once(&mut self, scan: &str) -> Feedback {
        let step = self.station.handle(&self.dialogue, scan, self.now);
        if step.feedback.tone == Tone::Booked {
            assert!(step.booking.is_some());
        }
        // What is committed is what is read back after a restart.
        self.dialogue = Dialogue::from_bytes(&step.dialogue.to_bytes().unwrap()).unwrap();
        if let Some(booking) = step.booking {
            let position = Position {
                epoch: Epoch(1),
                lane: Lane::Normal,
                sequence: self.bookings.len() as u64 + 1,
            };
            let id = MessageId::new("a".parse().unwrap(), position, &booking.content);
            self.dialogue.kept(&[id]);
            self.bookings.push(booking);
        }
        step.feedback
    }

    fn scan(&mut self, scan: &str) -> Feedback {
        self.wait(5_000);
        self.at_once(scan)
    }

    fn tones(&mut self, scans: &[&str]) -> Vec<Tone> {
        scans.iter().map(|scan| self.scan(scan).tone).collect()
    }

    fn all_taken(&mut self, scans: &[&str]) {
        for scan in scans {
            let feedback = self.scan(scan);
            assert!(
                matches!(feedback.tone, Tone::Taken | Tone::Booked),
                "{scan}: {feedback:?}"
            );
        }
    }

    fn body(&self) -> String {
        self.bookings.last().unwrap().message.body().unwrap()
    }

    fn refused(&mut self, scan: &str) -> String {
        let before = self.dialogue.clone();
        let feedback = self.scan(scan);
        assert_eq!(feedback.tone, Tone::Refused, "{scan}: {feedback:?}");
        assert_eq!(self.dialogue, before, "a refused scan changes nothing");
        feedback.text
    }
}

fn production() -> Shift {
    Shift::of(Makes::Production(Completion::Auto))
}
