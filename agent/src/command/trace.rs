//! `trace`: the way of a message from its capture, as far as this end knows it.

use millrace_shared::envelope::Envelope;
use millrace_shared::exit::Exit;
use millrace_shared::ident::Stamp;
use millrace_shared::print::{self, Listed, Style, listing, say};
use millrace_shared::store::spool::Fate;
use millrace_shared::store::sqlite::spool::{Content, Entry, SqliteSpoolReader};
use serde::Serialize;

use super::entry::{Shown, ending};
use super::{CommandError, find, open_store};
use crate::config::Config;
use crate::health::Pulse;

/// Prints what happened to the messages that `id` means.
pub fn trace(config: &Config, style: Style, id: &str) -> Result<Exit, CommandError> {
    let reader = open_store(config)?;
    let pulse = Pulse::read(&config.agent.data).filter(|pulse| pulse.is_alive(config.agent.clock.moment()));
    for entry in find::meant(&reader, id)? {
        let trail = Trail::of(&reader, &entry, pulse.as_ref())?;
        say(&listing(style, &trail.steps, ""))?;
    }
    Ok(Exit::Done)
}

/// One thing that happened.
#[derive(Debug, Serialize)]
struct Step {
    id: String,
    step: &'static str,
    at: Option<String>,
    text: String,
}

impl Listed for Step {
    const TITLES: &'static [&'static str] = &["WHEN", "WHAT", "DETAIL"];

    fn cells(&self) -> Vec<String> {
        let at = self.at.clone().unwrap_or_default();
        vec![at, self.step.to_owned(), self.text.clone()]
    }
}

struct Trail<'r> {
    reader: &'r SqliteSpoolReader,
    id: String,
    steps: Vec<Step>,
}

impl<'r> Trail<'r> {
    fn of(reader: &'r SqliteSpoolReader, entry: &Entry, pulse: Option<&Pulse>) -> Result<Self, CommandError> {
        let shown = Shown::of(entry, reader.agent());
        let mut trail = Trail {
            reader,
            id: shown.id.clone(),
            steps: Vec::new(),
        };
        match &entry.content {
            Content::Whole(envelope) => trail.captured(envelope, entry)?,
            Content::Gone(_) | Content::Damaged(_) => {
                trail.add("missing", shown.missing.clone().unwrap_or_default());
            }
        }
        trail.end(entry, pulse);
        Ok(trail)
    }

    fn add(&mut self, step: &'static str, text: String) {
        let id = self.id.clone();
        self.steps.push(Step {
            id,
            step,
            at: None,
            text,
        });
    }

    fn captured(&mut self, envelope: &Envelope, entry: &Entry) -> Result<(), CommandError> {
        let capture = &envelope.capture;
        let mut by = format!("{} by source {}", envelope.kind, capture.source);
        let more = [
            ("station", &capture.station),
            ("operator", &capture.operator),
            ("as", &capture.source_id),
        ];
        for (name, value) in more {
            if let Some(value) = value {
                by += &format!(", {name} {value}");
            }
        }
        self.add("captured", by);
        if let Some(first) = self.steps.first_mut() {
            first.at = Some(print::time(capture.moment));
        }
        self.add("kept", format!("as {}", self.id));
        if envelope.moved_from.is_some() {
            let text = format!(
                "to {}: other content stood at its position at the relay",
                entry.position
            );
            self.add("moved", text);
        }
        if let Some(reversed) = &envelope.reverses {
            self.add("takes back", reversed.to_string());
        }
        for link in &envelope.keys {
            let text = match link.after {
                None => format!("{}: nothing was before it", link.key),
                Some(stamp) => format!("{}: behind {}", link.key, self.standing_of(stamp)?),
            };
            self.add("ordered", text);
        }
        Ok(())
    }

    /// The message before it, and how that stands.
    fn standing_of(&self, stamp: Stamp) -> Result<String, CommandError> {
        let id = stamp.of(self.reader.agent());
        Ok(match find::by_name(self.reader, &id)? {
            Some(entry) => format!(
                "{id}, which is {}",
                Shown::of(&entry, self.reader.agent()).standing()
            ),
            None => format!("{id}, which settled and was pruned"),
        })
    }

    fn end(&mut self, entry: &Entry, pulse: Option<&Pulse>) {
        let id = self.id.clone();
        match &entry.fate {
            Some(Fate::Waiting) => self.add("waiting", format!("for the link: {}", link(pulse))),
            Some(Fate::Stored) => {
                let text = "at the relay, for its turn; what it waits for there tells";
                self.add("stored", format!("{text} `millrace-relay trace {id}`"));
            }
            Some(Fate::Dead(reason)) => {
                let text = format!("{reason}. Central IT repairs it: `millrace-relay dead show {id}`");
                self.add("dead", text);
            }
            Some(Fate::Settled(outcome)) => self.add("settled", ending(outcome)),
            None => self.add("settled", "how is no longer known here".to_owned()),
        }
    }
}

fn link(pulse: Option<&Pulse>) -> String {
    match pulse.map(|pulse| &pulse.link) {
        None => "the service does not run; start it".to_owned(),
        Some(link) if link.up => "it is up, and sends in order".to_owned(),
        Some(link) => match &link.fault {
            Some((_, text)) => format!("it is down: {text}"),
            None => "it was not up yet".to_owned(),
        },
    }
}
