//! `dead show`: one message whole, with what it waits for.

use millrace_shared::exit::Exit;
use millrace_shared::ident::MessageId;
use millrace_shared::print::{self, Style, say};
use millrace_shared::store::inbox::{InboxView, Item, WaitsFor};
use serde_json::{Value, json};

use super::entry::Shown;
use super::{CommandError, find, open_store};
use crate::config::Config;

/// Prints the message.
pub fn show(config: &Config, style: Style, id: &MessageId) -> Result<Exit, CommandError> {
    let reader = open_store(config)?;
    let item = find(&reader, id)?;
    let waits = reader.waits_for(item.entry.ticket.slot)?;
    say(&match style {
        Style::Json => print::json(&whole(&item, &waits)),
        Style::Table => text(&item, &waits),
    })?;
    Ok(Exit::Done)
}

fn value(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned()))
}

fn whole(item: &Item, waits: &WaitsFor) -> Value {
    let envelope = item.envelope.as_ref();
    let capture = envelope.map(|envelope| &envelope.capture);
    json!({
        "message": Shown::of(&item.entry),
        "damaged": item.damaged,
        "source": capture.map(|capture| capture.source.clone()),
        "source_id": capture.and_then(|capture| capture.source_id.clone()),
        "raw": capture.map(|capture| String::from_utf8_lossy(&capture.raw).into_owned()),
        "keys": keys(item),
        "body": item.body().map(value),
        "captured_body": envelope.map(|envelope| value(&envelope.body)),
        "waits_for": behind(waits),
    })
}

fn keys(item: &Item) -> Vec<String> {
    let links = item.envelope.iter().flat_map(|envelope| &envelope.keys);
    links.map(|link| link.key.to_string()).collect()
}

fn behind(waits: &WaitsFor) -> Vec<String> {
    let here = waits.here.iter().map(|entry| {
        let shown = Shown::of(entry);
        format!("{} ({})", shown.id, shown.state)
    });
    let missing = waits
        .missing
        .iter()
        .map(|stamp| format!("{} (not here yet)", stamp.position));
    let gone = waits.gone.iter();
    let gone = gone.map(|stamp| format!("all that came before it (for {} is gone)", stamp.position));
    here.chain(missing).chain(gone).collect()
}

fn text(item: &Item, waits: &WaitsFor) -> String {
    let shown = Shown::of(&item.entry);
    let mut lines = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            lines.push(format!("{name:<12} {value}"));
        }
    };
    add("message", Some(shown.id));
    add("kind", Some(shown.kind));
    add("state", Some(shown.state.to_owned()));
    add("reason", shown.reason);
    add("", shown.text);
    add("held for", shown.subject);
    add("approved", Some(shown.approved.join(", ")));
    add("captured", shown.captured);
    add("received", Some(shown.received));
    add("station", shown.station);
    add("operator", shown.operator);
    add("attempt", Some(shown.attempt.to_string()));
    add("keys", Some(keys(item).join(", ")));
    for other in behind(waits) {
        add("waits for", Some(other));
    }
    if let Some(envelope) = &item.envelope {
        add(
            "raw",
            Some(
                String::from_utf8_lossy(&envelope.capture.raw)
                    .escape_debug()
                    .to_string(),
            ),
        );
        if item.amended.is_some() {
            add("as captured", Some(envelope.body.clone()));
        }
    }
    if item.damaged {
        add(
            "damaged",
            Some("the disk changed its bytes; the agent may still have them".into()),
        );
    }
    add("body", item.body().map(pretty));
    lines.join("\n") + "\n"
}

fn pretty(body: &str) -> String {
    let text = serde_json::to_string_pretty(&value(body)).unwrap_or_default();
    text.replace('\n', &format!("\n{:13}", ""))
}
