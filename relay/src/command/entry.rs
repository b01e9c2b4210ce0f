//! A message as the commands show it: one row of a list.

use millrace_shared::envelope::Moment;
use millrace_shared::ident::MessageId;
use millrace_shared::outcome::Outcome;
use millrace_shared::print::{self, Listed};
use millrace_shared::store::inbox::{Entry, State};
use serde::Serialize;

/// A row of a list of messages.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// The message's name; its positions where its content is lost.
    pub id: String,
    /// Its plant.
    pub plant: String,
    /// When it was captured, by the plant's clock, in UTC; none where it cannot be read.
    pub captured: Option<String>,
    /// When it arrived.
    pub received: String,
    /// What it says.
    pub kind: String,
    /// The station whose profile made it.
    pub station: Option<String>,
    /// Who booked it.
    pub operator: Option<String>,
    /// One word.
    pub state: &'static str,
    /// Why it is dead or held, or how it ended, in one word.
    pub reason: Option<String>,
    /// The same for people.
    pub text: Option<String>,
    /// What it waits for.
    pub subject: Option<String>,
    /// The number of its next or last sending.
    pub attempt: u32,
    /// How often it was amended.
    pub amended: u32,
    /// For what it was held and released by a person.
    pub approved: Vec<String>,
}

impl Shown {
    /// The row of this entry.
    pub fn of(entry: &Entry) -> Self {
        let (reason, text) = why(&entry.state);
        let subject = match &entry.state {
            State::Held(hold) => hold.subject.clone(),
            _ => None,
        };
        Self {
            id: entry.id.as_ref().map_or_else(
                || format!("{}:{}-{}", entry.agent, entry.position, entry.last),
                MessageId::to_string,
            ),
            plant: entry.agent.to_string(),
            captured: (entry.captured_ms > 0).then(|| time(entry.captured_ms)),
            received: time(entry.received_ms),
            kind: entry.kind.clone(),
            station: entry.station.clone(),
            operator: entry.operator.clone(),
            state: entry.state.name().word(),
            reason,
            text,
            subject,
            attempt: entry.attempt,
            amended: entry.amended,
            approved: entry.approved.clone(),
        }
    }
}

impl Listed for Shown {
    const TITLES: &'static [&'static str] = &[
        "CAPTURED",
        "KIND",
        "STATION",
        "OPERATOR",
        "REASON",
        "WHAT HAPPENED AND WHAT TO DO",
        "ID",
    ];

    fn cells(&self) -> Vec<String> {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or("-".to_owned());
        vec![
            or_dash(&self.captured),
            if self.kind.is_empty() {
                "-".to_owned()
            } else {
                self.kind.clone()
            },
            or_dash(&self.station),
            or_dash(&self.operator),
            or_dash(&self.reason),
            or_dash(&self.text),
            self.id.clone(),
        ]
    }
}

/// Why it stands there: a word, and a sentence.
pub fn why(state: &State) -> (Option<String>, Option<String>) {
    let both = |code: &str, text: &str| (Some(code.to_owned()), Some(text.to_owned()));
    match state {
        State::Dead(reason) => both(&reason.code, &reason.text),
        State::Held(hold) => both(&hold.reason.code, &hold.reason.text),
        State::Voiding { by, reason } => both("discarded", &format!("by {by}: {reason}")),
        State::Settled(outcome) => both(outcome.word(), &ending(outcome)),
        State::Waiting { .. } | State::Sent => (None, None),
    }
}

fn ending(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Applied(record) => format!("{} {} ({})", record.model, record.id, record.name),
        Outcome::Annulled { with } => format!("with {with}"),
        Outcome::Superseded { by: Some(by) } => format!("by {by}"),
        Outcome::Superseded { by: None } => "by a later one".to_owned(),
        Outcome::Discarded { by, reason } => format!("by {by}: {reason}"),
        Outcome::Lost => "its content is gone".to_owned(),
    }
}

/// A wall time of central IT, in UTC.
pub fn time(wall_ms: i64) -> String {
    print::time(Moment {
        wall_ms,
        offset_minutes: 0,
        boot: 0,
        monotonic_ms: 0,
    })
}
