//! From a complete entry to its message, and what is still missing where it is not complete.

use millrace_shared::envelope::{Capture, Draft, Moment};
use millrace_shared::ident::{Digest, MessageId};
use millrace_shared::message::{
    Code, Completion, InventoryCount, MaterialConsume, Message, ProductionConfirm, Quantity,
};
use rust_decimal::Decimal;

use super::component::Component;
use super::gather::Gathered;
use super::profile::{Closes, Items, Makes, Profile};

/// A message that a scan completed, to be kept together with the dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// What the dialogue calls it, so that it is recognised if it is handed over again. Unique for its connection.
    pub claim: String,
    /// The digest of what it says.
    pub content: Digest,
    /// The message.
    pub message: Message,
    /// The message that it takes back.
    pub reverses: Option<MessageId>,
    /// Who booked it.
    pub operator: Option<Code>,
    /// The scans that made it, one a line.
    pub raw: String,
    /// Whether some of them were left out.
    pub raw_cut: bool,
}

impl Booking {
    /// The draft for the spool.
    pub fn draft(&self, source: &str, station: &str, now: Moment) -> Draft {
        Draft {
            message: self.message.clone(),
            lane: None,
            reverses: self.reverses.clone(),
            capture: Capture {
                source: source.to_owned(),
                station: Some(station.to_owned()),
                operator: self.operator.as_ref().map(|code| code.as_str().to_owned()),
                moment: now,
                source_id: None,
                raw: self.raw.clone().into_bytes(),
                raw_cut: self.raw_cut,
            },
        }
    }
}

/// The digest of what a booking says; time and raw scans are not part of it, so that a repetition is equal.
pub fn content(body: &str, kind: &str, reverses: Option<&MessageId>, operator: Option<&Code>) -> Digest {
    let reverses = reverses.map(ToString::to_string).unwrap_or_default();
    let operator = operator.map(Code::as_str).unwrap_or_default();
    Digest::of(format!("{kind}\n{reverses}\n{operator}\n{body}").as_bytes())
}

impl Gathered {
    /// What must be scanned next; none where the entry is complete.
    pub fn missing(&self, profile: &Profile) -> Option<&'static str> {
        let place = self.missing_place(profile);
        let needs_item = !matches!(profile.makes, Makes::Production(_));
        match () {
            () if place.is_some() => place,
            () if needs_item && self.item.is_none() => Some("the item"),
            () if self.amount().is_none() && needs_item => Some("the quantity"),
            () if self.amount().is_none() && profile.items == Items::Components => Some("the quantity"),
            () if self.amount().is_none() => Some("the item or the quantity"),
            () if profile.closes == Closes::Quantity && self.stated.is_none() => Some("the quantity"),
            () => None,
        }
    }

    /// The message of a complete entry; `closes_order` for a final confirmation. The error tells the operator what to do.
    pub fn message(&self, profile: &Profile, closes_order: bool) -> Result<Message, String> {
        if closes_order && !matches!(profile.makes, Makes::Production(_)) {
            return Err("this station closes no orders: scan confirm".into());
        }
        let only_closes = closes_order && self.order.is_some() && self.amount().is_none();
        if let (false, Some(missing)) = (only_closes, self.missing(profile)) {
            return Err(if self.scans == 0 {
                format!("there is nothing to confirm: scan {missing}")
            } else {
                format!("scan {missing} first")
            });
        }
        self.check_serials()?;
        let gone = || "the entry is not complete: cancel and begin again".to_owned();
        let quantity = self.amount().unwrap_or(Quantity::units(Decimal::ZERO));
        let (order, item) = (self.order.clone(), self.item.clone());
        let message = match profile.makes {
            Makes::Production(completion) => Message::ProductionConfirm(ProductionConfirm {
                order: order.ok_or_else(gone)?,
                item,
                quantity,
                completion: if closes_order {
                    Completion::Final
                } else {
                    completion
                },
                lot: self.lot.clone(),
                serials: self.serials.clone(),
                components: self.components.iter().map(Component::used).collect(),
            }),
            Makes::Consumption => Message::MaterialConsume(MaterialConsume {
                order: order.ok_or_else(gone)?,
                item: item.ok_or_else(gone)?,
                lot: self.lot.clone(),
                quantity,
            }),
            Makes::Count => Message::InventoryCount(InventoryCount {
                item: item.ok_or_else(gone)?,
                location: self
                    .location
                    .clone()
                    .or_else(|| profile.location.clone())
                    .ok_or_else(gone)?,
                lot: self.lot.clone(),
                quantity,
            }),
        };
        message.check().map_err(|error| error.to_string())?;
        Ok(message)
    }

    fn check_serials(&self) -> Result<(), String> {
        let scanned = self.serials.len();
        match &self.stated {
            Some(stated) if scanned > 0 && stated.value != Decimal::from(scanned as u64) => Err(format!(
                "the quantity says {stated}, but {scanned} serial numbers were scanned"
            )),
            _ => Ok(()),
        }
    }

    /// The entry in a few words.
    pub fn summary(&self) -> String {
        let part = |name: &str, code: &Option<Code>| code.as_ref().map(|code| format!("{name} {code}"));
        let number = if self.is_serial { "serial" } else { "lot" };
        let parts = [
            part("order", &self.order),
            part("location", &self.location),
            part("item", &self.item),
            part(number, &self.lot),
            self.amount().map(|amount| format!("quantity {amount}")),
            (!self.components.is_empty()).then(|| format!("components {}", self.components.len())),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join(", ")
    }
}
