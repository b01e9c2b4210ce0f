//! What a plant decides for itself, with safe defaults. Plain values: where they are configured is not known here.

use millrace_shared::message::Kind;

/// What happens where the stock would fall below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NegativeStock {
    /// The message waits until stock arrives.
    #[default]
    Wait,
    /// The message becomes a dead letter.
    Refuse,
    /// It is booked.
    Allow,
}

/// Which date a movement gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dating {
    /// When it was posted: what Odoo does by itself.
    #[default]
    Posted,
    /// When it was captured.
    Occurred,
}

/// How partial confirmations of a production order are booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Booking {
    /// Raise the quantity on the open order and post at the final one: one done order, no backorder.
    #[default]
    Accumulate,
    /// Post each with a backorder for the rest.
    Post,
}

/// The decisions for one kind of message at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policies {
    /// What happens where the stock would fall below zero.
    pub negative_stock: NegativeStock,
    /// Which date a movement gets.
    pub dating: Dating,
    /// How partial confirmations are booked.
    pub booking: Booking,
    /// Whether a component that the order does not plan may be used on it.
    pub unplanned_components: bool,
    /// Whether traced components that were not scanned are taken from the lots that Odoo reserved.
    pub reserved_lots: bool,
    /// Whether more may arrive than was ordered.
    pub over_receipt: bool,
    /// Whether a count may name a lot that Odoo does not know; it is made then.
    pub new_lots_in_counts: bool,
    /// Whether Odoo writes its line of changes on each record. Without, posting is some 10 % faster.
    pub chatter: bool,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            negative_stock: NegativeStock::default(),
            dating: Dating::default(),
            booking: Booking::default(),
            unplanned_components: false,
            reserved_lots: false,
            over_receipt: false,
            new_lots_in_counts: false,
            chatter: true,
        }
    }
}

/// Decisions that differ from the ones before, for a kind, a location, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exception {
    /// For this kind only.
    pub kind: Option<Kind>,
    /// For this location and what lies under it only, by complete name such as `WH/Stock`.
    pub location: Option<String>,
    /// What differs.
    pub negative_stock: Option<NegativeStock>,
    /// What differs.
    pub dating: Option<Dating>,
    /// What differs.
    pub booking: Option<Booking>,
    /// What differs.
    pub unplanned_components: Option<bool>,
    /// What differs.
    pub reserved_lots: Option<bool>,
    /// What differs.
    pub over_receipt: Option<bool>,
    /// What differs.
    pub new_lots_in_counts: Option<bool>,
    /// What differs.
    pub chatter: Option<bool>,
}

/// The decisions of a plant: one set, and exceptions from it. Later exceptions win.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyTable {
    /// Where no exception fits.
    pub base: Policies,
    /// In order.
    pub exceptions: Vec<Exception>,
}

impl PolicyTable {
    /// The decisions for a kind at a location, by complete name; none where the message touches no single one.
    pub fn at(&self, kind: Kind, location: Option<&str>) -> Policies {
        let fits = |exception: &&Exception| {
            exception.kind.is_none_or(|wanted| wanted == kind)
                && exception
                    .location
                    .as_deref()
                    .is_none_or(|wanted| location.is_some_and(|at| is_in(at, wanted)))
        };
        self.exceptions
            .iter()
            .filter(fits)
            .fold(self.base, |policies, exception| exception.over(policies))
    }
}

impl Exception {
    /// Those of `self` where it says something, otherwise those of `base`.
    pub fn over(&self, base: Policies) -> Policies {
        Policies {
            negative_stock: self.negative_stock.unwrap_or(base.negative_stock),
            dating: self.dating.unwrap_or(base.dating),
            booking: self.booking.unwrap_or(base.booking),
            unplanned_components: self.unplanned_components.unwrap_or(base.unplanned_components),
            reserved_lots: self.reserved_lots.unwrap_or(base.reserved_lots),
            over_receipt: self.over_receipt.unwrap_or(base.over_receipt),
            new_lots_in_counts: self.new_lots_in_counts.unwrap_or(base.new_lots_in_counts),
            chatter: self.chatter.unwrap_or(base.chatter),
        }
    }
}

fn is_in(location: &str, tree: &str) -> bool {
    location
        .strip_prefix(tree)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_exception_that_fits_kind_and_location_wins() {
        let allow = |location: &str| Exception {
            location: Some(location.into()),
            negative_stock: Some(NegativeStock::Allow),
            ..Exception::default()
        };
        let refuse = Exception {
            kind: Some(Kind::ScrapReport),
            negative_stock: Some(NegativeStock::Refuse),
            ..Exception::default()
        };
        let table = PolicyTable {
            base: Policies::default(),
            exceptions: vec![allow("WH/Stock"), refuse],
        };
        let at = |kind, location| table.at(kind, location).negative_stock;
        assert_eq!(
            at(Kind::InventoryMove, Some("WH/Stock/Shelf 1")),
            NegativeStock::Allow
        );
        assert_eq!(at(Kind::InventoryMove, Some("WH/Stock 2")), NegativeStock::Wait);
        assert_eq!(at(Kind::InventoryMove, None), NegativeStock::Wait);
        assert_eq!(at(Kind::ScrapReport, Some("WH/Stock")), NegativeStock::Refuse);
    }
}
