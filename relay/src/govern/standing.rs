//! Holds that stand until they are lifted and catch what arrives later too: what the office typed in by hand during an
//! outage is reviewed before it posts a second time.

use millrace_shared::ident::AgentId;
use millrace_shared::message::Key;
use millrace_shared::outcome::Reason;
use millrace_shared::store::inbox::{Hold, Item};
use serde::{Deserialize, Serialize};

/// The word of such a hold.
pub const REVIEW: &str = "review";

/// What is held: all that is given must fit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingHold {
    /// Of this plant.
    pub plant: Option<AgentId>,
    /// From this station.
    pub station: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// With this key, such as an order's.
    pub key: Option<Key>,
    /// Captured at or after this time, milliseconds since 1970.
    pub captured_from_ms: Option<i64>,
    /// Captured before this time.
    pub captured_before_ms: Option<i64>,
    /// Under way for at least this long: from capture to arrival, by the relay's clock.
    pub older_than_minutes: Option<u64>,
    /// Why, for whoever decides.
    pub reason: String,
    /// Who laid it.
    pub by: String,
}

impl StandingHold {
    /// Whether the message is caught.
    pub fn catches(&self, item: &Item) -> bool {
        let entry = &item.entry;
        let captured = entry.captured_ms - entry.clock.map_or(0, |clock| clock.offset_ms);
        let minutes = u64::try_from((entry.received_ms - captured) / 60_000).unwrap_or(0);
        let keys = item.envelope.iter().flat_map(|envelope| &envelope.keys);
        fits(&self.plant, |plant| *plant == entry.agent)
            && fits(&self.station, |station| entry.station.as_ref() == Some(station))
            && fits(&self.kind, |kind| *kind == entry.kind)
            && fits(&self.key, |key| keys.clone().any(|link| link.key == *key))
            && fits(&self.captured_from_ms, |from| captured >= *from)
            && fits(&self.captured_before_ms, |before| captured < *before)
            && fits(&self.older_than_minutes, |least| minutes >= *least)
    }

    fn hold(&self) -> Hold {
        let text = format!(
            "held by {}: {}; release it, or discard it if it was booked by hand",
            self.by, self.reason
        );
        Hold {
            reason: Reason::new(REVIEW, text),
            subject: None,
        }
    }
}

/// The hold that the plant's configuration lays over what was under way for too long.
pub fn older_than(plant: &AgentId, minutes: u64) -> StandingHold {
    StandingHold {
        plant: Some(plant.clone()),
        older_than_minutes: Some(minutes),
        reason: format!("it was under way for {minutes} minutes or more"),
        by: "the configuration".into(),
        ..StandingHold::default()
    }
}

/// Nothing where no hold catches the message; otherwise the one that was laid first.
pub fn free(holds: &[StandingHold], item: &Item) -> Result<(), Hold> {
    match holds.iter().find(|hold| hold.catches(item)) {
        Some(hold) => Err(hold.hold()),
        None => Ok(()),
    }
}

fn fits<T>(wanted: &Option<T>, holds: impl Fn(&T) -> bool) -> bool {
    wanted.as_ref().is_none_or(holds)
}
