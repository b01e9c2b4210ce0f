//! Plays scans through a station without keeping anything, for whoever writes a profile.

use millrace_shared::envelope::Moment;
use millrace_shared::ident::{AgentId, Epoch, IdentError, Lane, MessageId, Position};
use serde::Serialize;
use serde_json::value::RawValue;

use super::Station;
use super::dialogue::Dialogue;
use super::feedback::Feedback;

/// A scan and what it would have led to.
#[derive(Debug, Serialize)]
pub struct Played {
    /// The scan.
    pub scan: String,
    /// What the operator would have been told.
    pub feedback: Feedback,
    /// What the open entry would have been afterwards, in a few words.
    pub entry: String,
    /// The message that it would have made.
    pub message: Option<PlayedMessage>,
}

/// A message that would have been made.
#[derive(Debug, Serialize)]
pub struct PlayedMessage {
    /// Its kind.
    pub kind: String,
    /// Who would have booked it.
    pub operator: Option<String>,
    /// The message that it takes back; its name stands for one that the spool would have given.
    pub reverses: Option<String>,
    /// Its body.
    pub body: Box<RawValue>,
}

/// The scans one after the other, `gap_ms` apart, beginning at `start`. Stores nothing. The names of messages are made
/// up, under an agent called `trial`.
pub fn rehearse(
    station: &Station,
    scans: &[String],
    start: Moment,
    gap_ms: u64,
) -> Result<Vec<Played>, IdentError> {
    let agent: AgentId = "trial".parse()?;
    let mut dialogue = Dialogue::new(start);
    let mut played = Vec::with_capacity(scans.len());
    let mut now = start;
    for scan in scans {
        let step = station.handle(&dialogue, scan, now);
        dialogue = step.dialogue;
        let message = step.booking.map(|booking| {
            let position = Position {
                epoch: Epoch(0),
                lane: Lane::Normal,
                sequence: dialogue.number - 1,
            };
            dialogue.kept(&[MessageId::new(agent.clone(), position, &booking.content)]);
            PlayedMessage {
                kind: booking.message.kind().name().to_owned(),
                operator: booking.operator.map(String::from),
                reverses: booking.reverses.map(|id| id.to_string()),
                body: booking
                    .message
                    .body()
                    .ok()
                    .and_then(|body| RawValue::from_string(body).ok())
                    .unwrap_or_default(),
            }
        });
        played.push(Played {
            scan: scan.clone(),
            feedback: step.feedback,
            entry: dialogue.gathered.summary(),
            message,
        });
        now.wall_ms += i64::try_from(gap_ms).unwrap_or(0);
        now.monotonic_ms += gap_ms;
    }
    Ok(played)
}
