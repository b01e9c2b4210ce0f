//! What an open entry has so far, and what one more scan adds to it.

use jiff::civil::Date;
use millrace_shared::limit;
use millrace_shared::message::{Code, Quantity};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::component::{self, Component, same_article};
use super::profile::{Expired, Items, Makes, Profile};
use super::word::{Label, Word};

/// Most serial numbers in one entry: each is a key of the message, and so is the order.
pub const SERIALS: usize = limit::KEYS - 1;

/// What was scanned for an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gathered {
    /// The production order.
    pub order: Option<Code>,
    /// The location, where it was scanned.
    pub location: Option<Code>,
    /// The article.
    pub item: Option<Code>,
    /// Its lot, or where `is_serial` its serial number.
    pub lot: Option<Code>,
    /// Whether `lot` is a serial number, so that there is one piece of it.
    pub is_serial: bool,
    /// Finished serial numbers.
    pub serials: Vec<Code>,
    /// Components that were scanned for it.
    #[serde(default)]
    pub components: Vec<Component>,
    /// The quantity, where it was scanned itself.
    pub stated: Option<Quantity>,
    /// The quantity by counting labels.
    pub counted: Option<Quantity>,
    /// How many labels were counted.
    pub labels: u32,
    /// Whether a counted label stated a quantity of its own.
    pub by_label: bool,
    /// How many scans made this; what is kept from the entry before is not among them.
    pub scans: u32,
    /// How much of the raw text belongs to this state.
    pub raw: usize,
}

/// What a scan did to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// The entry is this now.
    Changed(Box<Gathered>),
    /// It had that already; the text says what.
    Same(String),
}

impl Gathered {
    /// The entry with this word added. The error tells the operator why it is not taken. Commands and badges are none
    /// of its business.
    pub fn with(&self, word: &Word, profile: &Profile, today: Date) -> Result<Added, String> {
        if let (Word::Item(_) | Word::Quantity(_), Some(place)) = (word, self.missing_place(profile)) {
            return Err(format!("scan {place} first"));
        }
        let mut next = self.clone();
        let same = match word {
            Word::Order(order) => next.set_order(order, profile)?,
            Word::Location(location) => next.set_location(location, profile)?,
            Word::Item(label) => next.add_label(label, profile, today)?,
            Word::Quantity(quantity) => next.state(quantity, profile)?,
            Word::Badge(_) | Word::Command(_) => None,
        };
        if let Some(same) = same {
            return Ok(Added::Same(same));
        }
        next.check_amount(profile)?;
        next.scans += 1;
        Ok(Added::Changed(Box::new(next)))
    }

    /// What stays for the next entry after this one was booked.
    pub fn kept(&self, profile: &Profile, order_closed: bool) -> Self {
        let stays = |place: &Option<Code>| place.clone().filter(|_| profile.keeps_place);
        Self {
            order: stays(&self.order).filter(|_| !order_closed),
            location: stays(&self.location),
            ..Self::default()
        }
    }

    /// How much it is so far.
    pub fn amount(&self) -> Option<Quantity> {
        if self.serials.is_empty() {
            self.stated.clone().or_else(|| self.counted.clone())
        } else {
            Some(Quantity::units(self.serials.len() as u64))
        }
    }

    /// The order, or for counts the location, where it is not known yet.
    pub(super) fn missing_place(&self, profile: &Profile) -> Option<&'static str> {
        if profile.makes == Makes::Count {
            let place = self.location.as_ref().or(profile.location.as_ref());
            place.is_none().then_some("the location")
        } else {
            self.order.is_none().then_some("the order")
        }
    }

    fn set_order(&mut self, order: &Code, profile: &Profile) -> Result<Option<String>, String> {
        if profile.makes == Makes::Count {
            return Err("this station counts stock: no order is asked for".into());
        }
        match &self.order {
            Some(open) if open == order && self.scans > 0 => Ok(Some(format!("order {order} is open"))),
            Some(open) if open != order && self.has_goods() => {
                Err(format!("order {open} is open: confirm or cancel first"))
            }
            _ => {
                self.order = Some(order.clone());
                Ok(None)
            }
        }
    }

    fn set_location(&mut self, location: &Code, profile: &Profile) -> Result<Option<String>, String> {
        if profile.makes != Makes::Count {
            return Err("no location is asked for here".into());
        }
        if let Some(own) = &profile.location {
            return Err(format!("this station stands at {own}: no location is asked for"));
        }
        match &self.location {
            Some(open) if open == location && self.scans > 0 => {
                Ok(Some(format!("location {location} is open")))
            }
            Some(open) if open != location && self.has_goods() => {
                Err(format!("location {open} is open: confirm or cancel first"))
            }
            _ => {
                self.location = Some(location.clone());
                Ok(None)
            }
        }
    }

    fn add_label(&mut self, label: &Label, profile: &Profile, today: Date) -> Result<Option<String>, String> {
        if let (Expired::Refuse, Some(expires)) = (profile.expired, label.expires)
            && expires < today
        {
            return Err(format!("these goods expired on {expires}"));
        }
        if let (Items::Components, Some(item)) = (profile.items, &label.item) {
            return component::add(&mut self.components, item, label, profile.quantity_max);
        }
        let names_it = self.item.is_none();
        if let Some(item) = &label.item {
            match &self.item {
                Some(open) if !same_article(open, item) => {
                    return Err(format!("item {open} is open: confirm or cancel first"));
                }
                Some(_) => {}
                None => self.item = Some(item.clone()),
            }
        }
        if let (Makes::Production(_), Some(serial)) = (profile.makes, &label.serial) {
            return self.add_serial(serial);
        }
        if let Some(serial) = &label.serial
            && self.is_serial
            && self.lot.as_ref() == Some(serial)
        {
            return Ok(Some(format!("serial {serial} is counted already")));
        }
        if let Some(number) = label.serial.as_ref().or(label.lot.as_ref()) {
            match &self.lot {
                Some(open) if open != number => {
                    return Err(format!("{open} is open: confirm or cancel before {number}"));
                }
                _ => self.lot = Some(number.clone()),
            }
            self.is_serial = label.serial.is_some();
        }
        if label.item.is_some() || label.quantity.is_some() {
            self.count(label.quantity.as_ref(), names_it, profile)?;
        }
        Ok(None)
    }

    fn add_serial(&mut self, serial: &Code) -> Result<Option<String>, String> {
        if self.serials.contains(serial) {
            return Ok(Some(format!("serial {serial} is counted already")));
        }
        if self.serials.len() == SERIALS {
            return Err(format!(
                "{SERIALS} serial numbers are the most in one entry: confirm first"
            ));
        }
        if self.labels > 1 || self.by_label || self.lot.is_some() {
            return Err("pieces without serial number are open: confirm or cancel first".into());
        }
        self.serials.push(serial.clone());
        Ok(None)
    }

    /// One label more. The first one after a stated quantity only names the article.
    fn count(
        &mut self,
        quantity: Option<&Quantity>,
        names_it: bool,
        profile: &Profile,
    ) -> Result<(), String> {
        if self.stated.is_some() {
            return if names_it && quantity.is_none() {
                Ok(())
            } else {
                Err("the quantity was given already: confirm, or undo it".into())
            };
        }
        if !self.serials.is_empty() {
            return Err("serial numbers are open: scan the serial number, or confirm first".into());
        }
        let one = Quantity {
            value: Decimal::ONE,
            unit: profile.unit.clone(),
        };
        let more = quantity.unwrap_or(&one);
        if more.value.is_zero() {
            return Err("the label says that there is nothing in it".into());
        }
        let before = self.counted.take();
        if before.as_ref().is_some_and(|before| before.unit != more.unit) {
            return Err("this label counts in another unit than the one before: confirm first".into());
        }
        let sum = before.map_or(Decimal::ZERO, |before| before.value) + more.value;
        self.counted = Some(Quantity {
            value: sum,
            unit: more.unit.clone(),
        });
        self.labels += 1;
        self.by_label |= quantity.is_some();
        Ok(())
    }

    fn state(&mut self, quantity: &Quantity, profile: &Profile) -> Result<Option<String>, String> {
        let quantity = Quantity {
            value: quantity.value,
            unit: quantity.unit.clone().or_else(|| profile.unit.clone()),
        };
        if quantity.value.is_zero() && profile.makes != Makes::Count {
            return Err("nothing (0) is no quantity here".into());
        }
        if self.stated.as_ref() == Some(&quantity) {
            return Ok(Some(format!("quantity {quantity} is taken")));
        }
        if self.labels > 1 || self.by_label {
            let counted = self.amount().map(|amount| amount.to_string()).unwrap_or_default();
            return Err(format!(
                "{counted} were counted by scanning: confirm them, or undo"
            ));
        }
        self.stated = Some(quantity);
        Ok(None)
    }

    fn check_amount(&self, profile: &Profile) -> Result<(), String> {
        let Some(amount) = self.amount() else {
            return Ok(());
        };
        if amount.value > profile.quantity_max {
            return Err(format!(
                "{amount} is more than this station takes at once ({})",
                profile.quantity_max
            ));
        }
        if self.is_serial && amount.value > Decimal::ONE {
            return Err("a serial number is one piece".into());
        }
        let stated = self.stated.as_ref().map(|stated| stated.value);
        if !self.serials.is_empty() && stated.is_some_and(|stated| stated < amount.value) {
            return Err(format!(
                "there are more serial numbers than the quantity says ({amount})"
            ));
        }
        Ok(())
    }

    fn has_goods(&self) -> bool {
        let has_parts = self.item.is_some() || self.lot.is_some() || !self.components.is_empty();
        has_parts || self.amount().is_some()
    }
}
