//! What the operator hears and sees after a scan.

use std::fmt;

use serde::Serialize;

/// What a device can tell by tone or light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// Understood and kept; the entry goes on.
    Taken,
    /// A message was made and kept.
    Booked,
    /// It was taken before; nothing was added.
    Already,
    /// Not taken; the text says why and what to do.
    Refused,
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Tone::Taken => "taken",
            Tone::Booked => "booked",
            Tone::Already => "already",
            Tone::Refused => "refused",
        })
    }
}

/// The answer to a scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Feedback {
    /// For the ear.
    pub tone: Tone,
    /// For the eye: one line.
    pub text: String,
}

impl Feedback {
    /// This tone with this text.
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { tone, text }
    }
}
