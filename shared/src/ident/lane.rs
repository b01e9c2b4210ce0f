//! The three lanes, in order of precedence.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::IdentError;

/// A lane: its own sequence, window and share of the line. The order of the variants is the order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// Overtakes everything: what must not wait behind a backlog, such as a quality hold.
    Critical,
    /// Business messages.
    Normal,
    /// What may wait: history and telemetry.
    Bulk,
}

impl Lane {
    /// All lanes, in order of precedence.
    pub const ALL: [Lane; 3] = [Lane::Critical, Lane::Normal, Lane::Bulk];

    /// The number of this lane on the wire and in the stores.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The lane of that number.
    pub const fn from_number(number: u8) -> Option<Lane> {
        match number {
            0 => Some(Lane::Critical),
            1 => Some(Lane::Normal),
            2 => Some(Lane::Bulk),
            _ => None,
        }
    }

    /// The lane's name, as in topics and commands.
    pub const fn name(self) -> &'static str {
        match self {
            Lane::Critical => "critical",
            Lane::Normal => "normal",
            Lane::Bulk => "bulk",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Lane {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        Lane::ALL
            .into_iter()
            .find(|lane| lane.name() == text)
            .ok_or_else(|| IdentError::Lane(text.to_owned()))
    }
}
