//! `station try`: scans played through a station's profile. Nothing is kept.

use std::io::{Read, stdin};
use std::time::Duration;

use millrace_shared::exit::Exit;
use millrace_shared::print::{self, Style, say};

use super::CommandError;
use crate::config::Config;
use crate::station::trial::{Played, rehearse};

/// Most bytes of scans that are read from standard input.
const INPUT_BYTES: u64 = 1024 * 1024;

/// How people write the GS1 separator (FNC1, GS1 General Specifications 7.8.4), which keyboards do not have.
const SEPARATOR: (&str, &str) = ("<GS>", "\u{1d}");

/// Plays the scans and prints the dialogue.
pub fn try_out(
    config: &Config,
    style: Style,
    name: &str,
    scans: Vec<String>,
    gap: Duration,
) -> Result<Exit, CommandError> {
    let Some(station) = config.stations.iter().find(|station| station.name == name) else {
        let known: Vec<&str> = config
            .stations
            .iter()
            .map(|station| station.name.as_str())
            .collect();
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        return Err(CommandError::NotFound(format!(
            "there is no station `{name}`; there are: {known}"
        )));
    };
    let scans = if scans.is_empty() { typed()? } else { scans };
    let scans: Vec<String> = scans
        .iter()
        .map(|scan| scan.replace(SEPARATOR.0, SEPARATOR.1))
        .collect();
    let gap_ms = u64::try_from(gap.as_millis()).unwrap_or(u64::MAX);
    let played = rehearse(station, &scans, config.agent.clock.moment(), gap_ms)
        .map_err(|error| CommandError::Fault(error.to_string()))?;
    for played in played {
        say(&match style {
            Style::Json => print::json(&played),
            Style::Table => text(&played),
        })?;
    }
    Ok(Exit::Done)
}

fn typed() -> Result<Vec<String>, CommandError> {
    let mut text = String::new();
    let read = stdin().take(INPUT_BYTES).read_to_string(&mut text);
    read.map_err(CommandError::Input)?;
    Ok(text.lines().map(str::to_owned).collect())
}

fn text(played: &Played) -> String {
    let scan = played.scan.replace(SEPARATOR.1, SEPARATOR.0);
    let mut text = format!("{scan}\n  {:<8} {}\n", played.feedback.tone, played.feedback.text);
    if !played.entry.is_empty() {
        text += &format!("  {:<8} {}\n", "entry", played.entry);
    }
    if let Some(message) = &played.message {
        text += &format!("  {:<8} {} {}\n", "message", message.kind, message.body);
        let more = [("operator", &message.operator), ("undoes", &message.reverses)];
        for (name, value) in more {
            if let Some(value) = value {
                text += &format!("  {name:<8} {value}\n");
            }
        }
    }
    text
}
