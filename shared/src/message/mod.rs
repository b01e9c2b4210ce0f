//! What the plant has to say, in the words of the business: a kind, a typed body, and the keys that follow from it.
//!
//! A message knows nothing of how it was captured, kept or sent; that is the envelope's part.

pub mod body;
pub mod code;
pub mod json;
pub mod key;
pub mod kind;
pub mod quantity;

pub use body::{
    Completion, ComponentUse, InventoryCount, InventoryMove, MaterialConsume, ProductionConfirm,
    ReceiptArrive, ScrapReport,
};
pub use code::Code;
pub use json::JsonFault;
pub use key::Key;
pub use kind::{Behind, Kind};
pub use quantity::Quantity;

use crate::limit;

/// The schema version that this program writes.
pub const SCHEMA: u16 = 1;

/// Why something is no message. Permanent: the sender must change it. The text names field and reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// No such kind.
    #[error("`{0}` is no kind of message known here")]
    Kind(String),
    /// A schema version that this program does not know.
    #[error("schema version {0} is not known here, only {SCHEMA}")]
    Schema(u16),
    /// The body is not the JSON that its kind asks for.
    #[error("the body does not fit its kind: {0}")]
    Body(#[from] JsonFault),
    /// The body is too large.
    #[error("the body has {0} bytes, more than {max}", max = limit::BODY_BYTES)]
    TooLarge(usize),
    /// A code that cannot be one.
    #[error("`{code}` is no code: {reason}")]
    Code {
        /// The text, cut to the longest code.
        code: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A field whose value cannot be meant.
    #[error("{field}: {reason}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// It touches too many things at once.
    #[error("the message touches {0} keys, more than {max}: split it", max = limit::KEYS)]
    Keys(usize),
}

/// A canonical message: a body of one of the known kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Goods were made on a production order.
    ProductionConfirm(ProductionConfirm),
    /// A component was used on an open production order.
    MaterialConsume(MaterialConsume),
    /// Goods were thrown away.
    ScrapReport(ScrapReport),
    /// This much lies there.
    InventoryCount(InventoryCount),
    /// Goods were carried.
    InventoryMove(InventoryMove),
    /// Goods of a purchase order arrived.
    ReceiptArrive(ReceiptArrive),
}

impl Message {
    /// The message of this kind and schema version whose body is this JSON text, checked.
    pub fn parse(kind: Kind, schema: u16, body: &str) -> Result<Message, MessageError> {
        if schema != SCHEMA {
            return Err(MessageError::Schema(schema));
        }
        if body.len() > limit::BODY_BYTES {
            return Err(MessageError::TooLarge(body.len()));
        }
        let message = match kind {
            Kind::ProductionConfirm => Message::ProductionConfirm(json::read(body)?),
            Kind::MaterialConsume => Message::MaterialConsume(json::read(body)?),
            Kind::ScrapReport => Message::ScrapReport(json::read(body)?),
            Kind::InventoryCount => Message::InventoryCount(json::read(body)?),
            Kind::InventoryMove => Message::InventoryMove(json::read(body)?),
            Kind::ReceiptArrive => Message::ReceiptArrive(json::read(body)?),
        };
        message.check()?;
        Ok(message)
    }

    /// What it says.
    pub fn kind(&self) -> Kind {
        match self {
            Message::ProductionConfirm(_) => Kind::ProductionConfirm,
            Message::MaterialConsume(_) => Kind::MaterialConsume,
            Message::ScrapReport(_) => Kind::ScrapReport,
            Message::InventoryCount(_) => Kind::InventoryCount,
            Message::InventoryMove(_) => Kind::InventoryMove,
            Message::ReceiptArrive(_) => Kind::ReceiptArrive,
        }
    }

    /// The body as JSON text, fields in the order of their definition.
    pub fn body(&self) -> Result<String, MessageError> {
        let text = match self {
            Message::ProductionConfirm(body) => serde_json::to_string(body),
            Message::MaterialConsume(body) => serde_json::to_string(body),
            Message::ScrapReport(body) => serde_json::to_string(body),
            Message::InventoryCount(body) => serde_json::to_string(body),
            Message::InventoryMove(body) => serde_json::to_string(body),
            Message::ReceiptArrive(body) => serde_json::to_string(body),
        };
        text.map_err(|error| {
            let field = ".".to_owned();
            let reason = error.to_string();
            MessageError::Body(JsonFault { field, reason })
        })
    }

    /// What it touches, sorted and without repeats.
    pub fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<Key> = match self {
            Message::ProductionConfirm(m) => std::iter::once(Key::order(&m.order))
                .chain(m.lot.iter().chain(&m.serials).map(Key::lot))
                .chain(
                    m.components
                        .iter()
                        .filter_map(|used| used.lot.as_ref())
                        .map(Key::lot),
                )
                .collect(),
            Message::MaterialConsume(m) => with_lot(Key::order(&m.order), &m.lot),
            Message::ScrapReport(m) => m
                .order
                .iter()
                .map(Key::order)
                .chain(m.location.iter().map(|location| Key::item_at(&m.item, location)))
                .chain(m.lot.iter().map(Key::lot))
                .collect(),
            Message::InventoryCount(m) => with_lot(Key::item_at(&m.item, &m.location), &m.lot),
            Message::InventoryMove(m) => [&m.from, &m.to]
                .map(|location| Key::item_at(&m.item, location))
                .into_iter()
                .chain(m.lot.iter().map(Key::lot))
                .collect(),
            Message::ReceiptArrive(m) => with_lot(Key::purchase(&m.purchase), &m.lot),
        };
        keys.sort();
        keys.dedup();
        keys
    }

    /// Checks what types cannot say: signs, sizes, and fields that need or exclude each other.
    pub fn check(&self) -> Result<(), MessageError> {
        let wrong = |field, reason: &str| {
            Err(MessageError::Field {
                field,
                reason: reason.to_owned(),
            })
        };
        match self {
            Message::ProductionConfirm(m) => {
                m.quantity.check("quantity", m.completion == Completion::Final)?;
                if m.lot.is_some() && !m.serials.is_empty() {
                    return wrong("serials", "a product has a lot or serial numbers, not both");
                }
                for used in &m.components {
                    used.quantity.check("components.quantity", false)?;
                }
            }
            Message::MaterialConsume(m) => m.quantity.check("quantity", false)?,
            Message::ScrapReport(m) => {
                m.quantity.check("quantity", false)?;
                if m.location.is_none() && m.order.is_none() {
                    return wrong("location", "name the location, or the order it was taken from");
                }
                if m.reason
                    .as_ref()
                    .is_some_and(|reason| reason.chars().count() > limit::TEXT_CHARS)
                {
                    return wrong("reason", "it is longer than 500 characters");
                }
            }
            Message::InventoryCount(m) => m.quantity.check("quantity", true)?,
            Message::InventoryMove(m) => {
                m.quantity.check("quantity", false)?;
                if m.from == m.to {
                    return wrong("to", "it is where the goods already lie");
                }
            }
            Message::ReceiptArrive(m) => m.quantity.check("quantity", false)?,
        }
        let keys = self.keys().len();
        if keys > limit::KEYS {
            Err(MessageError::Keys(keys))
        } else {
            Ok(())
        }
    }
}

/// The JSON Schema of a kind's body, as sources and partners need it.
pub fn schema_of(kind: Kind) -> schemars::Schema {
    match kind {
        Kind::ProductionConfirm => schemars::schema_for!(ProductionConfirm),
        Kind::MaterialConsume => schemars::schema_for!(MaterialConsume),
        Kind::ScrapReport => schemars::schema_for!(ScrapReport),
        Kind::InventoryCount => schemars::schema_for!(InventoryCount),
        Kind::InventoryMove => schemars::schema_for!(InventoryMove),
        Kind::ReceiptArrive => schemars::schema_for!(ReceiptArrive),
    }
}

fn with_lot(first: Key, lot: &Option<Code>) -> Vec<Key> {
    std::iter::once(first).chain(lot.iter().map(Key::lot)).collect()
}

#[cfg(test)]
mod tests;
