//! `holds`: what is held until somebody releases it, now and when it arrives.

use millrace_shared::exit::Exit;
use millrace_shared::print::{Listed, Style, listing, say};
use serde::Serialize;

use super::entry::time;
use super::{CommandError, open_store};
use crate::config::Config;
use crate::control::holds::standing;
use crate::govern::StandingHold;

/// Lists those of the configuration and those that people laid.
pub fn holds(config: &Config, style: Style) -> Result<Exit, CommandError> {
    let mut holds: Vec<Row> = config
        .plants
        .iter()
        .filter_map(|plant| plant.holds().map(Row))
        .collect();
    holds.extend(standing(&open_store(config)?)?.into_iter().map(Row));
    say(&listing(style, &holds, "none"))?;
    Ok(Exit::Done)
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Row(StandingHold);

impl Listed for Row {
    const TITLES: &'static [&'static str] = &["BY", "REASON", "HOLDS"];

    fn cells(&self) -> Vec<String> {
        let hold = &self.0;
        let mut what = Vec::new();
        let mut add =
            |name: &str, value: Option<String>| what.extend(value.map(|value| format!("{name} {value}")));
        add("plant", hold.plant.as_ref().map(ToString::to_string));
        add("station", hold.station.clone());
        add("kind", hold.kind.clone());
        add(
            "key",
            (!hold.keys.is_empty()).then(|| {
                let keys: Vec<String> = hold.keys.iter().map(ToString::to_string).collect();
                keys.join(" or ")
            }),
        );
        add("captured since", hold.captured_from_ms.map(time));
        add("captured before", hold.captured_before_ms.map(time));
        add(
            "under way for minutes",
            hold.older_than_minutes.map(|minutes| minutes.to_string()),
        );
        if what.is_empty() {
            what.push("everything".to_owned());
        }
        vec![hold.by.clone(), hold.reason.clone(), what.join(", ")]
    }
}
