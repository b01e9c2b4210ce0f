//! Holds that stand until they are lifted and catch what arrives later too: what the office typed in by hand during an
//! outage is reviewed before it posts a second time.

use millrace_shared::ident::AgentId;
use millrace_shared::message::Key;
use millrace_shared::outcome::Reason;
use millrace_shared::store::inbox::{Entry, Filter, Hold, Item, StateName};
use serde::{Deserialize, Serialize};

/// The word of such a hold.
pub const REVIEW: &str = "review";

/// The note of the inbox that keeps the holds that people laid.
pub const HOLDS_NOTE: &str = "holds";

/// Most holds of people that stand at once. One more is refused: lift one first.
pub const HOLDS: usize = 256;

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
    /// With one of these keys, such as an order's; none for all.
    pub keys: Vec<Key>,
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
        let keys = item.envelope.iter().flat_map(|envelope| &envelope.keys);
        self.suits_at(&item.entry, item.captured_ms())
            && (self.keys.is_empty() || keys.clone().any(|link| self.keys.contains(&link.key)))
    }

    /// Whether the message is caught as far as its content does not matter.
    pub fn suits(&self, entry: &Entry) -> bool {
        let offset_ms = entry.clock.map_or(0, |clock| clock.offset_ms);
        self.suits_at(entry, entry.captured_ms.saturating_sub(offset_ms))
    }

    fn suits_at(&self, entry: &Entry, captured: i64) -> bool {
        let minutes = u64::try_from(entry.received_ms.saturating_sub(captured) / 60_000).unwrap_or(0);
        fits(&self.plant, |plant| *plant == entry.agent)
            && fits(&self.station, |station| entry.station.as_ref() == Some(station))
            && fits(&self.kind, |kind| *kind == entry.kind)
            && fits(&self.captured_from_ms, |from| captured >= *from)
            && fits(&self.captured_before_ms, |before| captured < *before)
            && fits(&self.older_than_minutes, |least| minutes >= *least)
    }

    /// What waits and may be caught; its times are looked at one by one.
    pub fn waiting(&self) -> Filter {
        Filter {
            agents: self.plant.iter().cloned().collect(),
            stations: self.station.iter().cloned().collect(),
            kinds: self.kind.iter().cloned().collect(),
            keys: self.keys.clone(),
            states: vec![StateName::Ready, StateName::Behind],
            ..Filter::default()
        }
    }

    /// Whether a message with one of the keys is caught, and no person has released it before.
    pub fn is_over(&self, entry: &Entry) -> bool {
        self.suits(entry) && !is_released(entry)
    }

    /// The hold that it lays over each message.
    pub fn hold(&self) -> Hold {
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

/// The holds that people laid, as the note says; the text of an error says what is wrong with it.
pub fn standing(note: Option<&str>) -> Result<Vec<StandingHold>, String> {
    note.map_or(Ok(Vec::new()), |text| {
        serde_json::from_str(text).map_err(|error| format!("the note on holds: {error}"))
    })
}

/// Nothing where no hold catches the message, or a person has released it before; otherwise the one that was laid first.
pub fn free(holds: &[StandingHold], item: &Item) -> Result<(), Hold> {
    if is_released(&item.entry) {
        return Ok(());
    }
    match holds.iter().find(|hold| hold.catches(item)) {
        Some(hold) => Err(hold.hold()),
        None => Ok(()),
    }
}

fn is_released(entry: &Entry) -> bool {
    entry.approved.iter().any(|word| word == REVIEW)
}

fn fits<T>(wanted: &Option<T>, holds: impl Fn(&T) -> bool) -> bool {
    wanted.as_ref().is_none_or(holds)
}
