//! What a message touches and is ordered by.
//!
//! Keys are made from codes as captured, so both ends agree on them without asking Odoo. What only Odoo knows (a
//! backflushed component, an order's own location) the relay adds for itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::code::Code;

/// A key, as text `thing:code`. A key belongs to one agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key(String);

impl Key {
    /// A production order.
    pub fn order(code: &Code) -> Self {
        Self(format!("order:{code}"))
    }

    /// A purchase order.
    pub fn purchase(code: &Code) -> Self {
        Self(format!("purchase:{code}"))
    }

    /// A lot or serial number, whatever its item: the item is not always scanned.
    pub fn lot(code: &Code) -> Self {
        Self(format!("lot:{code}"))
    }

    /// An item at a location.
    pub fn item_at(item: &Code, location: &Code) -> Self {
        Self(format!("item:{item}@{location}"))
    }

    /// A key read back from a store.
    pub fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
