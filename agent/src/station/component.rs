//! Components that are scanned for what is confirmed: each label adds to its article and lot.

use millrace_shared::limit;
use millrace_shared::message::{Code, ComponentUse, Quantity};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::word::Label;

/// Most components in one entry: the lot of each is a key of the message, and so is the order.
pub const COMPONENTS: usize = limit::KEYS - 1;

/// A component of the open entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// The article.
    pub item: Code,
    /// Its lot, or where `is_serial` its serial number.
    pub lot: Option<Code>,
    /// Whether `lot` is a serial number.
    pub is_serial: bool,
    /// How much of it.
    pub quantity: Quantity,
}

impl Component {
    /// As it stands in the message.
    pub fn used(&self) -> ComponentUse {
        ComponentUse {
            item: self.item.clone(),
            lot: self.lot.clone(),
            quantity: self.quantity.clone(),
        }
    }
}

/// Adds the label of a component. Some text where it added nothing; the error tells the operator why it is not taken.
pub fn add(
    components: &mut Vec<Component>,
    item: &Code,
    label: &Label,
    most: Decimal,
) -> Result<Option<String>, String> {
    let lot = label.serial.as_ref().or(label.lot.as_ref());
    let more = label.quantity.clone().unwrap_or(Quantity::units(Decimal::ONE));
    if more.value.is_zero() {
        return Err("the label says that there is nothing in it".into());
    }
    let is_full = components.len() == COMPONENTS;
    let is_it = |known: &&mut Component| same_article(&known.item, item) && known.lot.as_ref() == lot;
    let known = components.iter_mut().find(is_it);
    let value = match known {
        Some(known) if known.is_serial => {
            let serial = lot.map(ToString::to_string).unwrap_or_default();
            return Ok(Some(format!("serial {serial} is counted already")));
        }
        Some(known) if known.quantity.unit != more.unit => {
            return Err("this label counts in another unit than the one before: confirm first".into());
        }
        Some(known) => {
            known.quantity.value += more.value;
            known.quantity.value
        }
        None if is_full => {
            return Err(format!(
                "{COMPONENTS} components are the most in one entry: confirm first"
            ));
        }
        None => {
            let value = more.value;
            components.push(Component {
                item: item.clone(),
                lot: lot.cloned(),
                is_serial: label.serial.is_some(),
                quantity: more,
            });
            value
        }
    };
    if label.serial.is_some() && value > Decimal::ONE {
        return Err("a serial number is one piece".into());
    }
    if value > most {
        return Err(format!(
            "{value} is more than this station takes at once ({most})"
        ));
    }
    Ok(None)
}

/// Whether two codes name one article: an EAN-13 and the GTIN-14 of the same article differ in leading zeros only.
pub(super) fn same_article(a: &Code, b: &Code) -> bool {
    fn bare(code: &Code) -> &str {
        let text = code.as_str();
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            text.trim_start_matches('0')
        } else {
            text
        }
    }
    bare(a) == bare(b)
}
