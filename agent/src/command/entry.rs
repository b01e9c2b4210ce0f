//! A message as the commands show it: one row of a list.

use millrace_shared::envelope::Envelope;
use millrace_shared::ident::{AgentId, Stamp};
use millrace_shared::outcome::Outcome;
use millrace_shared::print::{self, Listed};
use millrace_shared::store::GapKind;
use millrace_shared::store::spool::Fate;
use millrace_shared::store::sqlite::spool::{Content, Entry};
use serde::Serialize;

/// A row of a list of messages.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// The message's name; its position where it cannot be read.
    pub id: String,
    /// When it was captured, in the plant's time.
    pub captured: Option<String>,
    /// What it says.
    pub kind: Option<String>,
    /// What it touches.
    pub keys: Vec<String>,
    /// Waiting, stored, dead or settled.
    pub state: &'static str,
    /// What there is to say about the state.
    pub detail: Option<String>,
    /// The source that took it in.
    pub source: Option<String>,
    /// The station whose profile made it.
    pub station: Option<String>,
    /// Who booked it.
    pub operator: Option<String>,
    /// What the source calls it.
    pub source_id: Option<String>,
    /// Why its content is not here, where it is not.
    pub missing: Option<String>,
}

impl Shown {
    /// The row of this entry of that agent's store.
    pub fn of(entry: &Entry, agent: &AgentId) -> Self {
        let (state, detail) = standing(entry);
        let envelope = match &entry.content {
            Content::Whole(envelope) => Some(&**envelope),
            Content::Gone(_) | Content::Damaged(_) => None,
        };
        let capture = envelope.map(|envelope| &envelope.capture);
        Self {
            id: name(entry, envelope, agent),
            captured: capture.map(|capture| print::time(capture.moment)),
            kind: envelope.map(|envelope| envelope.kind.clone()),
            keys: envelope.map_or_else(Vec::new, keys),
            state,
            detail,
            source: capture.map(|capture| capture.source.clone()),
            station: capture.and_then(|capture| capture.station.clone()),
            operator: capture.and_then(|capture| capture.operator.clone()),
            source_id: capture.and_then(|capture| capture.source_id.clone()),
            missing: missing(&entry.content),
        }
    }

    /// What a person reads in one cell about where it stands.
    pub fn standing(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{}: {detail}", self.state),
            None => self.state.to_owned(),
        }
    }
}

impl Listed for Shown {
    const TITLES: &'static [&'static str] = &["CAPTURED", "KIND", "KEYS", "SOURCE", "STATE", "ID"];

    fn cells(&self) -> Vec<String> {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or("-".to_owned());
        let kind = self.missing.as_ref().map(|why| format!("({why})"));
        vec![
            or_dash(&self.captured),
            or_dash(&kind.or(self.kind.clone())),
            self.keys.join(" "),
            or_dash(&self.source),
            self.standing(),
            self.id.clone(),
        ]
    }
}

fn keys(envelope: &Envelope) -> Vec<String> {
    let keys = envelope.keys.iter();
    keys.map(|link| link.key.to_string()).collect()
}

fn name(entry: &Entry, envelope: Option<&Envelope>, agent: &AgentId) -> String {
    let position = entry.position;
    let stamp = entry.digest.map(|digest| Stamp {
        position,
        digest: digest.short(),
    });
    match stamp {
        Some(at) => envelope
            .map_or(at, |envelope| envelope.name(at))
            .of(agent)
            .to_string(),
        None => format!("{agent}:{position}"),
    }
}

fn missing(content: &Content) -> Option<String> {
    Some(match content {
        Content::Whole(_) => return None,
        Content::Gone(GapKind::Settled) => "pruned after settlement".to_owned(),
        Content::Gone(GapKind::Moved) => "moved".to_owned(),
        Content::Gone(GapKind::Lost) => "dropped under disk pressure".to_owned(),
        Content::Damaged(text) => format!("damaged: {text}"),
    })
}

/// The word for where it stands, and what there is to say about it.
fn standing(entry: &Entry) -> (&'static str, Option<String>) {
    match &entry.fate {
        Some(Fate::Waiting) => ("waiting", None),
        Some(Fate::Stored) => ("stored", None),
        Some(Fate::Dead(reason)) => ("dead", Some(reason.to_string())),
        Some(Fate::Settled(outcome)) => ("settled", Some(ending(outcome))),
        None => ("settled", None),
    }
}

/// How a message ended, in a few words.
pub fn ending(outcome: &Outcome) -> String {
    let word = outcome.word();
    match outcome {
        Outcome::Applied(record) => format!("{word} as {} ({} {})", record.name, record.model, record.id),
        Outcome::Annulled { with } => format!("{word} with {with}"),
        Outcome::Superseded { by: Some(by) } => format!("{word} by {by}"),
        Outcome::Discarded { by, reason } => format!("{word} by {by}: {reason}"),
        Outcome::Superseded { by: None } | Outcome::Lost => word.to_owned(),
    }
}
