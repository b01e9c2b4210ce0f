//! What a posting could be merged with: the resolved rows that it was built from.

use super::{bundle, count};

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// It stands alone.
    Lone,
    /// Counts of untraced or traced items, each place once.
    Counts(Vec<count::Row>),
    /// Confirmations of orders, each order once.
    Orders(Vec<bundle::Bundle>),
}
