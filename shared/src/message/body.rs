//! The body of each kind, schema version 1. Fields that are not posted are not here: an unknown field is refused.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::code::Code;
use super::quantity::Quantity;

/// Goods were made on a production order. Always an increment, never a running total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductionConfirm {
    /// The production order as printed or scanned.
    pub order: Code,
    /// What was made, where it was scanned too: it must be the order's product.
    #[serde(default)]
    pub item: Option<Code>,
    /// How much was made since the last confirmation.
    pub quantity: Quantity,
    /// Whether the order is finished with this.
    #[serde(default)]
    pub completion: Completion,
    /// The finished lot.
    #[serde(default)]
    pub lot: Option<Code>,
    /// The finished serial numbers, one a piece.
    #[serde(default)]
    pub serials: Vec<Code>,
    /// Components whose lot or quantity was captured.
    #[serde(default)]
    pub components: Vec<ComponentUse>,
}

/// Whether more will come for the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Completion {
    /// More will come.
    Partial,
    /// This was the last: the order closes, short or over.
    Final,
    /// The order closes when its quantity is reached.
    #[default]
    Auto,
}

/// A component that was used for what is confirmed with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComponentUse {
    /// The component.
    pub item: Code,
    /// Its lot or serial number.
    #[serde(default)]
    pub lot: Option<Code>,
    /// How much of it.
    pub quantity: Quantity,
}

/// A component was used on an open production order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaterialConsume {
    /// The production order as printed or scanned.
    pub order: Code,
    /// The component.
    pub item: Code,
    /// Its lot or serial number.
    #[serde(default)]
    pub lot: Option<Code>,
    /// How much of it.
    pub quantity: Quantity,
}

/// Goods were thrown away, at a location or from a production order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScrapReport {
    /// What was scrapped.
    pub item: Code,
    /// Its lot or serial number.
    #[serde(default)]
    pub lot: Option<Code>,
    /// How much.
    pub quantity: Quantity,
    /// Where it lay; needed where no order is named.
    #[serde(default)]
    pub location: Option<Code>,
    /// The production order it was taken from or made on.
    #[serde(default)]
    pub order: Option<Code>,
    /// Why, in the operator's words or code.
    #[serde(default)]
    pub reason: Option<String>,
}

/// This much lies there: an absolute figure at the time of capture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InventoryCount {
    /// What was counted.
    pub item: Code,
    /// Where.
    pub location: Code,
    /// The lot or serial number counted.
    #[serde(default)]
    pub lot: Option<Code>,
    /// How much lies there; 0 is a count too.
    pub quantity: Quantity,
}

/// Goods were carried from one location to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InventoryMove {
    /// What was moved.
    pub item: Code,
    /// Its lot or serial number.
    #[serde(default)]
    pub lot: Option<Code>,
    /// How much.
    pub quantity: Quantity,
    /// Where it was taken.
    pub from: Code,
    /// Where it was put.
    pub to: Code,
}

/// Goods of a purchase order arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptArrive {
    /// The purchase order as printed or scanned.
    pub purchase: Code,
    /// What arrived.
    pub item: Code,
    /// The supplier's or our lot or serial number.
    #[serde(default)]
    pub lot: Option<Code>,
    /// How much.
    pub quantity: Quantity,
}
