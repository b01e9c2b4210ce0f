//! The closed set of kinds, and in one table what follows from each.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::MessageError;
use crate::ident::Lane;

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Kind {
    /// Goods were made on a production order.
    ProductionConfirm,
    /// A component was used on an open production order.
    MaterialConsume,
    /// Goods were thrown away.
    ScrapReport,
    /// This much lies there.
    InventoryCount,
    /// Goods were carried.
    InventoryMove,
    /// Goods of a purchase order arrived.
    ReceiptArrive,
}

/// What waits behind a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// Later messages of its keys wait until a person has decided.
    Park,
    /// Later messages pass; the dead letter is superseded once one of them took effect.
    Pass,
}

/// What follows from a kind.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The kind.
    pub kind: Kind,
    /// Its name in messages, commands and screens.
    pub name: &'static str,
    /// Its lane.
    pub lane: Lane,
    /// What waits behind a dead letter of this kind.
    pub behind: Behind,
    /// Whether it waits for earlier messages of its keys; false for what must overtake.
    pub waits: bool,
}

/// The table. A count states an absolute figure, so the next count makes a dead one obsolete: it may be passed.
const TABLE: [Rules; 6] = [
    rules(
        Kind::ProductionConfirm,
        "production.confirm",
        Lane::Normal,
        Behind::Park,
    ),
    rules(
        Kind::MaterialConsume,
        "material.consume",
        Lane::Normal,
        Behind::Park,
    ),
    rules(Kind::ScrapReport, "scrap.report", Lane::Normal, Behind::Park),
    rules(
        Kind::InventoryCount,
        "inventory.count",
        Lane::Normal,
        Behind::Pass,
    ),
    rules(Kind::InventoryMove, "inventory.move", Lane::Normal, Behind::Park),
    rules(Kind::ReceiptArrive, "receipt.arrive", Lane::Normal, Behind::Park),
];

const fn rules(kind: Kind, name: &'static str, lane: Lane, behind: Behind) -> Rules {
    Rules {
        kind,
        name,
        lane,
        behind,
        waits: true,
    }
}

impl Kind {
    /// All kinds.
    pub fn all() -> impl Iterator<Item = Kind> {
        TABLE.iter().map(|rules| rules.kind)
    }

    /// What follows from this kind.
    pub const fn rules(self) -> &'static Rules {
        &TABLE[self as usize]
    }

    /// The kind's name.
    pub const fn name(self) -> &'static str {
        self.rules().name
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Kind {
    type Err = MessageError;

    fn from_str(text: &str) -> Result<Self, MessageError> {
        let row = TABLE.iter().find(|rules| rules.name == text);
        row.map(|rules| rules.kind)
            .ok_or_else(|| MessageError::Kind(text.to_owned()))
    }
}

impl TryFrom<String> for Kind {
    type Error = MessageError;

    fn try_from(text: String) -> Result<Self, MessageError> {
        text.parse()
    }
}

impl From<Kind> for String {
    fn from(kind: Kind) -> Self {
        kind.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_stands_at_its_own_row_of_the_table() {
        for kind in Kind::all() {
            assert_eq!(kind.rules().kind, kind);
            assert_eq!(kind.name().parse::<Kind>().unwrap(), kind);
        }
    }
}
