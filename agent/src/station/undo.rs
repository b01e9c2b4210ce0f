//! Undo: takes back the last scan of an open entry, or the last booking by a message that reverses it.
//!
//! Nothing is unsaid: what was booked stays, and the reversal is a message of its own.

use millrace_shared::message::{Message, SCHEMA};

use super::dialogue::{UNDO_STEPS, elapsed_ms};
use super::feedback::Tone;
use super::machine::{Answer, Turn, millis};

impl Turn<'_> {
    /// Undoes what came last.
    pub(super) fn undo(&mut self) -> Answer {
        if self.dialogue.is_open() {
            self.undo_scan()
        } else {
            self.undo_booking()
        }
    }

    fn undo_scan(&mut self) -> Answer {
        let before = self.dialogue.before.pop().ok_or_else(|| {
            format!("only the last {UNDO_STEPS} scans can be undone one by one: cancel, and begin again")
        })?;
        self.dialogue.raw.truncate(before.raw);
        self.dialogue.gathered = before;
        let left = self.dialogue.gathered.summary();
        let text = format!(
            "undone; left: {}",
            if left.is_empty() { "nothing" } else { &left }
        );
        Ok((Tone::Taken, text, None))
    }

    fn undo_booking(&mut self) -> Answer {
        let booked = self.dialogue.booked.as_ref().filter(|booked| !booked.undone);
        let booked = booked.ok_or("there is nothing to undo")?;
        if elapsed_ms(booked.at, self.now) > millis(self.station.profile.undo_window) {
            return Err(format!(
                "too late to undo here, ask the office: {}",
                booked.summary
            ));
        }
        let id = booked
            .id
            .clone()
            .ok_or("cannot be undone yet: scan undo again in a moment")?;
        let message = Message::parse(booked.kind, SCHEMA, &booked.body).map_err(|error| error.to_string())?;
        let summary = format!("undone: {}", booked.summary.trim_start_matches("booked: "));
        self.dialogue.raw.clear();
        self.dialogue.note_raw(self.scan);
        let booking = self.commit(message, Some(id), &summary)?;
        self.dialogue.raw.clear();
        Ok((Tone::Booked, summary, Some(booking)))
    }
}
