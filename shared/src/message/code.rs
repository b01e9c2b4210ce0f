//! A code as captured: an order, item, lot, location or badge, not yet known to mean anything.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MessageError;
use crate::limit;

/// 1 to [`limit::CODE_CHARS`] characters without control characters and without blanks at either end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Code(String);

impl Code {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Code {
    type Error = MessageError;

    fn try_from(text: String) -> Result<Self, MessageError> {
        let reason = if text.is_empty() {
            "it is empty"
        } else if text.chars().count() > limit::CODE_CHARS {
            "it is longer than 128 characters"
        } else if text.chars().any(char::is_control) {
            "it contains a control character"
        } else if text.trim() != text {
            "it begins or ends with a blank"
        } else {
            return Ok(Self(text));
        };
        Err(MessageError::Code {
            code: text.chars().take(limit::CODE_CHARS).collect(),
            reason,
        })
    }
}

impl FromStr for Code {
    type Err = MessageError;

    fn from_str(text: &str) -> Result<Self, MessageError> {
        Self::try_from(text.to_owned())
    }
}

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
