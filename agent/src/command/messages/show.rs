//! `messages show`: one message whole.

use millrace_shared::envelope::Envelope;
use millrace_shared::exit::Exit;
use millrace_shared::ident::AgentId;
use millrace_shared::print::{self, Style, say};
use millrace_shared::store::sqlite::spool::{Content, Entry};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::command::entry::Shown;
use crate::command::{CommandError, find, open_store};
use crate::config::Config;

/// Prints the message of this name.
pub fn show(config: &Config, style: Style, id: &str) -> Result<Exit, CommandError> {
    let reader = open_store(config)?;
    let whole = Whole::of(&find::named(&reader, id)?, reader.agent());
    say(&match style {
        Style::Json => print::json(&whole),
        Style::Table => whole.text(),
    })?;
    Ok(Exit::Done)
}

/// All that is known of a message.
#[derive(Debug, Serialize)]
struct Whole {
    #[serde(flatten)]
    shown: Shown,
    /// Where it stands; its name may be of an older position.
    position: String,
    digest: Option<String>,
    #[serde(flatten)]
    content: Option<Inside>,
}

/// What is in its envelope.
#[derive(Debug, Serialize)]
struct Inside {
    schema: u16,
    ordinal: u64,
    reverses: Option<String>,
    after: Vec<After>,
    body: Box<RawValue>,
    raw: String,
    raw_cut: bool,
}

/// A key, and the message that must settle first.
#[derive(Debug, Serialize)]
struct After {
    key: String,
    message: Option<String>,
}

impl Whole {
    fn of(entry: &Entry, agent: &AgentId) -> Self {
        Self {
            shown: Shown::of(entry, agent),
            position: entry.position.to_string(),
            digest: entry.digest.map(|digest| digest.to_string()),
            content: match &entry.content {
                Content::Whole(envelope) => Some(Inside::of(envelope, agent)),
                Content::Gone(_) | Content::Damaged(_) => None,
            },
        }
    }

    fn text(&self) -> String {
        let mut lines = Lines(String::new());
        let Shown {
            id, captured, kind, ..
        } = &self.shown;
        lines.put("id", id);
        lines.put("stands at", &self.position);
        lines.put_some("captured", captured);
        lines.put_some("source", &self.shown.source);
        lines.put_some("source's id", &self.shown.source_id);
        lines.put_some("station", &self.shown.station);
        lines.put_some("operator", &self.shown.operator);
        lines.put_some("kind", kind);
        lines.put("state", &self.shown.standing());
        lines.put_some("missing", &self.shown.missing);
        if let Some(inside) = &self.content {
            inside.text(&mut lines);
        }
        lines.put_some("digest", &self.digest);
        lines.0
    }
}

impl Inside {
    fn of(envelope: &Envelope, agent: &AgentId) -> Self {
        let after = envelope.keys.iter().map(|link| After {
            key: link.key.to_string(),
            message: link.after.map(|stamp| stamp.of(agent).to_string()),
        });
        Self {
            schema: envelope.schema,
            ordinal: envelope.ordinal,
            reverses: envelope.reverses.as_ref().map(ToString::to_string),
            after: after.collect(),
            body: RawValue::from_string(envelope.body.clone()).unwrap_or_default(),
            raw: readable(&envelope.capture.raw),
            raw_cut: envelope.capture.raw_cut,
        }
    }

    fn text(&self, lines: &mut Lines) {
        for after in &self.after {
            match &after.message {
                Some(message) => lines.put("key", &format!("{}, after {message}", after.key)),
                None => lines.put("key", &after.key),
            }
        }
        lines.put_some("takes back", &self.reverses);
        lines.put("body", &self.pretty().replace('\n', &format!("\n{:INDENT$}", "")));
        let cut = if self.raw_cut { " (cut)" } else { "" };
        lines.put("as captured", &format!("{}{cut}", self.raw));
    }

    fn pretty(&self) -> String {
        let value: Result<serde_json::Value, _> = serde_json::from_str(self.body.get());
        let pretty = value.and_then(|value| serde_json::to_string_pretty(&value));
        pretty.unwrap_or_else(|_| self.body.get().to_owned())
    }
}

/// Bytes as a person can read them: text as it is, everything else escaped.
fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => text += "\\\\",
                c if c.is_control() => text.extend(c.escape_default()),
                c => text.push(c),
            }
        }
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

/// Where the second column begins.
const INDENT: usize = 13;

/// Names and what stands behind them.
struct Lines(String);

impl Lines {
    fn put(&mut self, name: &str, text: &str) {
        self.0 += &format!("{name:<INDENT$}{text}\n");
    }

    fn put_some(&mut self, name: &str, text: &Option<String>) {
        if let Some(text) = text {
            self.put(name, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_bytes_are_shown_so_that_no_terminal_obeys_them() {
        let raw = "Bär\r\u{1d}\u{1b}[2J\\".as_bytes();
        assert_eq!(readable(raw), r"Bär\r\u{1d}\u{1b}[2J\\");
        assert_eq!(readable(b"\xff\x00x"), r"\xff\u{0}x");
    }
}
