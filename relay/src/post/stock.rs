//! What postings that take from stock share: the check that nothing falls below zero.

use serde_json::{Value, json};

use super::policy::NegativeStock;
use super::step::{Call, Expect};
use super::steps::{Proven, Steps};
use super::why::{Say, Why};

/// The longest subject of a hold; a message with a longer list of items waits alone.
const SUBJECT_CHARS: usize = 120;

/// A product that is taken from a location.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Taken {
    pub(super) product: i64,
    pub(super) name: String,
    pub(super) location: i64,
}

/// What two transactions must not check at the same time.
pub(super) fn locks(taken: &[Taken]) -> impl Iterator<Item = String> + '_ {
    taken
        .iter()
        .map(|taken| format!("quant:{}:{}", taken.product, taken.location))
}

/// What a refusal is to say, or nothing where the plant lets stock fall below zero.
pub(super) fn say(policy: NegativeStock, taken: &[Taken]) -> Option<Say> {
    let mut names: Vec<&str> = taken.iter().map(|taken| taken.name.as_str()).collect();
    names.dedup();
    let text = format!(
        "the stock of {} would fall below zero where it is taken: bring or count stock, or allow it by policy",
        names.join(", ")
    );
    let places = taken
        .iter()
        .map(|taken| format!("{}@{}", taken.product, taken.location));
    let subject = format!("stock:{}", places.collect::<Vec<_>>().join(","));
    match policy {
        NegativeStock::Allow => None,
        NegativeStock::Refuse => Some(Say::new(Why::NoStock, text)),
        NegativeStock::Wait if subject.len() <= SUBJECT_CHARS => {
            Some(Say::new(Why::NegativeStock, text).about(subject))
        }
        NegativeStock::Wait => Some(Say::new(Why::NegativeStock, text)),
    }
}

/// That no lot at a place that goods were taken from is below zero in sum. `lines` is the domain of the movements
/// done. A single row may be: Odoo writes a second, negative one while the first is locked.
pub(super) fn none_below_zero(steps: Steps<Proven>, lines: &[Value], say: Option<Say>) -> Steps<Proven> {
    let Some(say) = say else { return steps };
    let mut domain = lines.to_vec();
    domain.extend([
        json!(["state", "=", "done"]),
        json!(["location_id.usage", "in", ["internal", "transit"]]),
        json!(["product_id.is_storable", "=", true]),
    ]);
    let places = Call::search_read(
        "stock.move.line",
        Value::from(domain),
        &["product_id", "location_id"],
    );
    let sums = Call::on("stock.quant", "formatted_read_group").with(json!({
        "domain": [["product_id", "in", {"$": "taken.*.product_id.0"}], ["location_id", "in", {"$": "taken.*.location_id.0"}]],
        "groupby": ["product_id", "location_id", "lot_id"],
        "aggregates": ["quantity:sum"],
        "having": [["quantity:sum", "<", -0.000_001]]
    }));
    steps
        .read("taken", places, [])
        .read("below", sums, [Expect::len(0, say)])
}
