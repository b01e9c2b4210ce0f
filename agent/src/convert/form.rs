//! The JSON form in which systems hand messages over, and the checked message that it stands for.
//!
//! ```json
//! {"kind": "inventory.count", "schema": 1, "external_id": "MES-4711", "station": "STORE-1", "operator": "ANNA",
//!  "captured_at": "2026-09-21T14:13:20+02:00", "body": {"item": "A", "location": "SHELF", "quantity": {"value": "3"}}}
//! ```
//!
//! `kind` and `body` are needed, everything else may be absent; an unknown field is refused by its name.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::fmt::temporal::Pieces;
use millrace_shared::envelope::{Capture, Draft, Moment};
use millrace_shared::ident::{Digest, MessageId};
use millrace_shared::limit;
use millrace_shared::message::json::{self, JsonFault};
use millrace_shared::message::{Code, Kind, Message, MessageError, SCHEMA};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What is wrong with a form. Permanent: the sender must change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct FormError {
    /// The field, such as `body.quantity.value`; `.` for the whole.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

impl FormError {
    /// This field is wrong for this reason.
    pub fn new(field: &str, reason: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            reason: reason.into(),
        }
    }
}

impl From<JsonFault> for FormError {
    fn from(fault: JsonFault) -> Self {
        let JsonFault { field, reason } = fault;
        Self { field, reason }
    }
}

impl From<MessageError> for FormError {
    fn from(error: MessageError) -> Self {
        let text = error.to_string();
        match error {
            MessageError::Kind(_) => Self::new("kind", text),
            MessageError::Schema(_) => Self::new("schema", text),
            MessageError::Body(fault) if fault.field == "." => Self::new("body", fault.reason),
            MessageError::Body(fault) => Self::new(&format!("body.{}", fault.field), fault.reason),
            MessageError::Field { field, reason } => Self::new(&format!("body.{field}"), reason),
            _ => Self::new("body", text),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw<'t> {
    kind: String,
    #[serde(default)]
    schema: Option<u16>,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    station: Option<String>,
    #[serde(default)]
    operator: Option<String>,
    #[serde(default)]
    captured_at: Option<String>,
    #[serde(default)]
    reverses: Option<String>,
    #[serde(borrow)]
    body: &'t RawValue,
}

/// A message with what its sender says about its capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// What the sender calls it.
    pub external_id: Option<String>,
    /// Where it was captured.
    pub station: Option<String>,
    /// Who captured it.
    pub operator: Option<String>,
    /// When: wall time in milliseconds since 1970 UTC, and the offset from UTC in minutes.
    pub captured_at: Option<(i64, i16)>,
    /// The message that it takes back.
    pub reverses: Option<MessageId>,
    /// The message.
    pub message: Message,
}

impl Form {
    /// The form in this JSON text, checked.
    pub fn parse(text: &str) -> Result<Self, FormError> {
        let raw: Raw<'_> = json::read(text)?;
        let kind: Kind = raw.kind.parse()?;
        let message = Message::parse(kind, raw.schema.unwrap_or(SCHEMA), raw.body.get())?;
        let reverses = raw.reverses.map(|id| {
            id.parse::<MessageId>()
                .map_err(|error| FormError::new("reverses", error.to_string()))
        });
        Ok(Self {
            external_id: name("external_id", raw.external_id)?,
            station: name("station", raw.station)?,
            operator: name("operator", raw.operator)?,
            captured_at: raw.captured_at.as_deref().map(captured_at).transpose()?,
            reverses: reverses.transpose()?,
            message,
        })
    }

    /// Gives a form that names no station this one, and refuses a station that is not `known`.
    pub fn at_station(&mut self, default: Option<&str>, known: &BTreeSet<String>) -> Result<(), FormError> {
        let named = self.station.take().or_else(|| default.map(str::to_owned));
        let station =
            named.ok_or_else(|| FormError::new("station", "name the station where it was captured"))?;
        if !known.contains(&station) {
            return Err(FormError::new(
                "station",
                format!("`{station}` is no station of this agent"),
            ));
        }
        self.station = Some(station);
        Ok(())
    }

    /// The digest of what the form says, however it was written: spaces and the order of fields do not matter.
    pub fn content(&self) -> Result<Digest, FormError> {
        let body = self.message.body()?;
        let reverses = self.reverses.as_ref().map(ToString::to_string);
        let said = (
            self.message.kind().name(),
            SCHEMA,
            &self.station,
            &self.operator,
            self.captured_at,
            reverses,
            body,
        );
        let text = serde_json::to_vec(&said).map_err(|error| FormError::new(".", error.to_string()))?;
        Ok(Digest::of(&text))
    }

    /// The draft for the spool. `raw` is what arrived; what exceeds [`limit::RAW_BYTES`] is cut.
    pub fn draft(&self, source: &str, source_id: Option<String>, now: Moment, raw: &[u8]) -> Draft {
        let moment = match self.captured_at {
            Some((wall_ms, offset_minutes)) => Moment {
                wall_ms,
                offset_minutes,
                ..now
            },
            None => now,
        };
        Draft {
            message: self.message.clone(),
            lane: None,
            reverses: self.reverses.clone(),
            capture: Capture {
                source: source.to_owned(),
                station: self.station.clone(),
                operator: self.operator.clone(),
                moment,
                source_id,
                raw: raw[..raw.len().min(limit::RAW_BYTES)].to_vec(),
                raw_cut: raw.len() > limit::RAW_BYTES,
            },
        }
    }
}

/// A name in a form is held to the same rules as a code.
fn name(field: &str, text: Option<String>) -> Result<Option<String>, FormError> {
    let code = text.map(Code::try_from).transpose();
    let code = code.map_err(|error| FormError::new(field, error.to_string()))?;
    Ok(code.map(String::from))
}

fn captured_at(text: &str) -> Result<(i64, i16), FormError> {
    let wrong = || {
        FormError::new(
            "captured_at",
            format!(
                "`{}` is no time with offset, such as 2026-09-21T14:13:20+02:00",
                text.chars().take(40).collect::<String>()
            ),
        )
    };
    let timestamp: Timestamp = text.parse().map_err(|_| wrong())?;
    let offset = Pieces::parse(text)
        .ok()
        .and_then(|pieces| pieces.to_numeric_offset());
    let minutes = offset.map_or(0, |offset| offset.seconds() / 60);
    Ok((
        timestamp.as_millisecond(),
        i16::try_from(minutes).map_err(|_| wrong())?,
    ))
}

/// What the sender calls a message that is wrong, so that the answer can name it.
pub fn external_id_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Id {
        external_id: Option<String>,
    }
    let id = serde_json::from_str::<Id>(text).ok()?.external_id;
    id.filter(|id| id.parse::<Code>().is_ok())
}

/// The texts of the forms in a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload<'t> {
    /// One object.
    One(&'t str),
    /// An array, or one object a line.
    Many(Vec<&'t str>),
}

/// The forms in a JSON text: one object, or an array of them.
pub fn split_json(text: &str) -> Result<Payload<'_>, JsonFault> {
    if !text.trim_start().starts_with('[') {
        return json::read::<&RawValue>(text).map(|one| Payload::One(one.get()));
    }
    let items: Vec<&RawValue> = json::read(text)?;
    Ok(Payload::Many(items.into_iter().map(RawValue::get).collect()))
}

/// The forms in a text of one JSON object a line. Empty lines are nothing.
pub fn split_lines(text: &str) -> Payload<'_> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    Payload::Many(lines.collect())
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;
