//! The machine: a dialogue, a scan and the time give the dialogue afterwards, the feedback and perhaps a booking.
//!
//! A refused scan changes nothing. A scan that was taken before is answered as such and adds nothing; scans of items
//! that count by repetition are never taken for repetitions.

use std::time::Duration;

use jiff::civil::Date;
use millrace_shared::envelope::Moment;
use millrace_shared::ident::MessageId;
use millrace_shared::message::{Code, Message};

use super::Station;
use super::booking::{self, Booking};
use super::dialogue::{Booked, Dialogue, LastScan, RAW_BYTES, UNDO_STEPS, elapsed_ms, local_date};
use super::feedback::{Feedback, Tone};
use super::gather::{Added, Gathered};
use super::profile::{Badge, BadgeChange, Closes};
use super::rule::Meaning;
use super::word::{Label, Word};

/// What a scan leads to. Nothing of it counts before it is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The dialogue afterwards.
    pub dialogue: Dialogue,
    /// What to tell the operator once it is committed.
    pub feedback: Feedback,
    /// The message that is complete now.
    pub booking: Option<Booking>,
}

/// What the operator is told; the error refuses the scan.
pub(super) type Answer = Result<(Tone, String, Option<Booking>), String>;

impl Station {
    /// The next step of a dialogue.
    pub fn handle(&self, dialogue: &Dialogue, scan: &str, now: Moment) -> Step {
        let mut turn = Turn {
            station: self,
            dialogue: dialogue.clone(),
            scan,
            now,
            today: local_date(now),
        };
        let dropped = turn.expire();
        let answer = turn.answer();
        let (feedback, booking) = match answer {
            Ok((tone, text, booking)) => {
                if tone != Tone::Already {
                    turn.dialogue.last = Some(LastScan {
                        text: scan.to_owned(),
                        at: now,
                        booked: booking.is_some(),
                    });
                }
                (Feedback::new(tone, text), booking)
            }
            Err(why) => (Feedback::new(Tone::Refused, why), None),
        };
        let feedback = match dropped {
            Some(dropped) => Feedback::new(feedback.tone, format!("{} ({dropped})", feedback.text)),
            None => feedback,
        };
        Step {
            dialogue: turn.dialogue,
            feedback,
            booking,
        }
    }
}

/// One scan in its dialogue.
pub(super) struct Turn<'t> {
    pub(super) station: &'t Station,
    pub(super) dialogue: Dialogue,
    pub(super) scan: &'t str,
    pub(super) now: Moment,
    today: Date,
}

impl Turn<'_> {
    /// Drops what nobody went on with; says so where an open entry was lost by it.
    fn expire(&mut self) -> Option<String> {
        let profile = &self.station.profile;
        let idle = elapsed_ms(self.dialogue.last.as_ref()?.at, self.now);
        if idle > millis(profile.badge_timeout) {
            self.dialogue.operator = None;
        }
        if idle <= millis(profile.entry_timeout) {
            return None;
        }
        let was_open = self.dialogue.is_open();
        self.clear(Gathered::default());
        was_open.then(|| {
            format!(
                "the open entry was dropped after {} s without a scan",
                idle / 1000
            )
        })
    }

    fn answer(&mut self) -> Answer {
        let profile = &self.station.profile;
        let word = profile
            .vocabulary
            .word(self.scan, self.today.year())
            .map_err(|error| error.to_string())?;
        if let Some(text) = self.repeated(&word) {
            return Ok((Tone::Already, text, None));
        }
        let needs_badge = profile.badge == Badge::Required && self.dialogue.operator.is_none();
        match word {
            Word::Badge(badge) => self.badge(badge),
            Word::Command(Meaning::Cancel) => Ok(self.cancel()),
            _ if needs_badge => Err("scan your badge first".into()),
            Word::Command(Meaning::Undo) => self.undo(),
            Word::Command(command) => self.book(command == Meaning::Final),
            word => self.gather(&word),
        }
    }

    /// Whether this very scan was taken just before, where that cannot mean that it is meant twice.
    fn repeated(&self, word: &Word) -> Option<String> {
        let last = self
            .dialogue
            .last
            .as_ref()
            .filter(|last| last.text == self.scan)?;
        let booked = self.dialogue.booked.as_ref();
        if let (true, Some(booked)) = (last.booked, booked) {
            return Some(format!("already {}", booked.summary));
        }
        let within = elapsed_ms(last.at, self.now) < millis(self.station.profile.duplicate_window);
        let unique = match word {
            Word::Order(_) | Word::Command(_) => true,
            Word::Item(Label { serial, .. }) => serial.is_some(),
            _ => false,
        };
        (within && unique).then(|| "already taken: the same code was read twice".to_owned())
    }

    fn badge(&mut self, badge: Code) -> Answer {
        let profile = &self.station.profile;
        if profile.badge == Badge::Unwanted {
            return Err("no badge is asked for here".into());
        }
        if self.dialogue.operator.as_ref() == Some(&badge) {
            return Ok((Tone::Taken, format!("badge {badge}"), None));
        }
        let mut text = format!("badge {badge}; next: {}", self.next());
        if let Some(operator) = &self.dialogue.operator {
            if self.dialogue.is_open() && profile.badge_change == BadgeChange::Refuse {
                return Err(format!(
                    "an entry of {operator} is open: confirm or cancel it before the badge changes"
                ));
            }
            if self.dialogue.is_open() {
                text = format!("badge {badge}; the open entry of {operator} was cancelled");
            }
            self.clear(Gathered::default());
        }
        self.dialogue.operator = Some(badge);
        Ok((Tone::Taken, text, None))
    }

    fn cancel(&mut self) -> (Tone, String, Option<Booking>) {
        let text = if self.dialogue.is_open() {
            format!("cancelled: {}", self.dialogue.gathered.summary())
        } else {
            "nothing was open".to_owned()
        };
        self.clear(Gathered::default());
        (Tone::Taken, text, None)
    }

    fn gather(&mut self, word: &Word) -> Answer {
        let profile = &self.station.profile;
        let by_quantity = profile.closes == Closes::Quantity && matches!(word, Word::Quantity(_));
        let mut next = match self.dialogue.gathered.with(word, profile, self.today)? {
            Added::Same(text) => return Ok((Tone::Already, format!("already taken: {text}"), None)),
            Added::Changed(next) => *next,
        };
        if by_quantity && let Some(missing) = next.missing(profile) {
            return Err(format!("scan {missing} first: the quantity books the entry"));
        }
        self.dialogue.note_raw(self.scan);
        next.raw = self.dialogue.raw.len();
        let before = std::mem::replace(&mut self.dialogue.gathered, next);
        if self.dialogue.before.len() == UNDO_STEPS {
            self.dialogue.before.remove(0);
        }
        self.dialogue.before.push(before);
        if by_quantity {
            return self.book(false);
        }
        let text = format!("{}; next: {}", self.dialogue.gathered.summary(), self.next());
        Ok((Tone::Taken, text, None))
    }

    fn book(&mut self, closes_order: bool) -> Answer {
        let profile = &self.station.profile;
        let gathered = &self.dialogue.gathered;
        let message = gathered.message(profile, closes_order)?;
        let end = if closes_order { ", order finished" } else { "" };
        let summary = format!("booked: {}{end}", gathered.summary());
        let kept = gathered.kept(profile, closes_order);
        self.dialogue.note_raw(self.scan);
        let booking = self.commit(message, None, &summary)?;
        self.clear(kept);
        let text = summary.trim_start_matches("booked: ").to_owned();
        Ok((Tone::Booked, text, Some(booking)))
    }

    /// The booking of a message; the dialogue remembers it as the last one.
    pub(super) fn commit(
        &mut self,
        message: Message,
        reverses: Option<MessageId>,
        summary: &str,
    ) -> Result<Booking, String> {
        let dialogue = &mut self.dialogue;
        let (kind, body) = (message.kind(), message.body().map_err(|error| error.to_string())?);
        let began = dialogue.began;
        let claim = format!(
            "{:x}.{}.{}/{}",
            began.boot, began.monotonic_ms, began.wall_ms, dialogue.number
        );
        let operator = dialogue.operator.clone();
        let content = booking::content(&body, kind.name(), reverses.as_ref(), operator.as_ref());
        dialogue.number += 1;
        dialogue.booked = Some(Booked {
            claim: claim.clone(),
            summary: summary.to_owned(),
            kind,
            body,
            at: self.now,
            id: None,
            undone: reverses.is_some(),
        });
        Ok(Booking {
            claim,
            content,
            message,
            reverses,
            operator,
            raw: dialogue.raw.clone(),
            raw_cut: dialogue.raw.len() >= RAW_BYTES,
        })
    }

    fn clear(&mut self, kept: Gathered) {
        self.dialogue.gathered = kept;
        self.dialogue.before.clear();
        self.dialogue.raw.clear();
    }

    fn next(&self) -> &'static str {
        let profile = &self.station.profile;
        self.dialogue.gathered.missing(profile).unwrap_or("confirm")
    }
}

/// In milliseconds.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
