//! Confirmations of one production order, resolved: what they add up to, and what they can be merged with.

use jiff::Timestamp;
use millrace_shared::message::{Code, Completion};
use rust_decimal::Decimal;
use serde_json::Value;

use super::component::Used;
use super::fact::{Item, Order, Tracking};
use super::order;
use super::policy::Booking;
use super::posting::{Posting, Stamp};
use super::production::Way;
use super::why::Say;

/// One confirmation, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub(super) stamp: Stamp,
    pub(super) code: Code,
    pub(super) item: Option<(Item, Code)>,
    /// In the order's unit.
    pub(super) quantity: Decimal,
    pub(super) completion: Completion,
    pub(super) captured: Timestamp,
}

/// The lots of what was made.
#[derive(Debug, Clone, PartialEq)]
pub enum Finished {
    /// It has none.
    Plain,
    /// This lot, to be found or made.
    Lot(Code),
    /// The lot that the order has registered.
    Registered,
    /// These serial numbers, to be found or made, beside those that are registered.
    Serials(Vec<Code>),
}

/// Confirmations of one order, which stands once in a posting.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    pub(super) company: i64,
    pub(super) group: i64,
    pub(super) order: Order,
    pub(super) rows: Vec<Row>,
    pub(super) booking: Booking,
    pub(super) finished: Finished,
    pub(super) used: Vec<Used>,
    pub(super) occurred: Option<Timestamp>,
    pub(super) below_zero: Option<Say>,
    pub(super) context: Value,
}

impl Bundle {
    /// All that is made on the order with this.
    pub(super) fn total(&self) -> Decimal {
        self.order.registered + self.rows.iter().map(|row| row.quantity).sum::<Decimal>()
    }

    /// What happens to the order: the last confirmation decides.
    pub(super) fn way(&self) -> Way {
        let completion = self.rows.last().map(|row| row.completion).unwrap_or_default();
        Way::of(completion, self.booking, self.total(), self.order.planned)
    }

    /// The planned quantity in one go on an untouched order of untraced things: Odoo needs no more than to be told.
    pub(super) fn is_whole(&self) -> bool {
        self.way() == Way::Close
            && self.order.registered.is_zero()
            && self.total() == self.order.planned
            && self.is_plain()
            && self.order.components.iter().all(|line| !line.used)
    }

    /// Whether it can stand beside other orders in one posting.
    pub(super) fn is_plain(&self) -> bool {
        let untraced = self
            .order
            .components
            .iter()
            .all(|line| line.tracking == Tracking::None);
        self.finished == Finished::Plain && self.used.is_empty() && untraced && !self.order.traced_byproducts
    }

    pub(super) fn build(self) -> Posting {
        order::build(&[self])
    }

    /// Whether both can stand in one posting.
    pub(super) fn like(&self, other: &Bundle) -> bool {
        let strict = |bundle: &Bundle| bundle.below_zero.as_ref().map(|say| say.why);
        self.context == other.context && self.company == other.company && strict(self) == strict(other)
    }
}

/// Whether confirmations of this order can join those: other orders, or more of one that only registers so far.
pub(super) fn fits(bundles: &[Bundle], more: &Bundle) -> bool {
    let alike = bundles.iter().all(|bundle| bundle.like(more));
    let same = bundles.iter().find(|bundle| bundle.group == more.group);
    alike && same.is_none_or(|bundle| bundle.order == more.order && bundle.way() == Way::Register)
}

/// Adds confirmations that fit. Of the same order they are added up.
pub(super) fn add(bundles: &mut Vec<Bundle>, more: Bundle) {
    match bundles.iter_mut().find(|bundle| bundle.order.id == more.order.id) {
        Some(bundle) => bundle.rows.extend(more.rows),
        None => bundles.push(more),
    }
}

/// Each confirmation by itself, on top of those before it.
pub(super) fn singles(bundles: &[Bundle]) -> Vec<Posting> {
    let mut singles = Vec::new();
    for bundle in bundles {
        let mut alone = bundle.clone();
        for row in &bundle.rows {
            alone.rows = vec![row.clone()];
            singles.push(order::build(std::slice::from_ref(&alone)));
            alone.order.registered += row.quantity;
        }
    }
    singles
}
