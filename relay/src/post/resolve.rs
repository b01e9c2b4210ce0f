//! What the codes of a message stand for, and what a posting checks again about it.

use millrace_shared::message::Code;
use serde_json::{Value, json};

use super::fact::{Found, Item, Location, Order, Production, Tracking, Units};
use super::gtin;
use super::plan::{Ask, Halt};
use super::question::{Facts, Question};
use super::step::Expect;
use super::why::{Say, Why};

/// Resolves codes inside one company.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolver<'a> {
    pub(super) facts: &'a Facts,
    pub(super) company: i64,
}

impl<'a> Resolver<'a> {
    pub(super) fn item(self, code: &Code) -> Ask<&'a Item> {
        let company = self.company;
        let found = self.facts.item(Question::Item {
            company,
            code: code.clone(),
        })?;
        one(
            found,
            Why::UnknownItem,
            &format!("item:{company}:{code}"),
            &format!("item {code}"),
        )
    }

    pub(super) fn location(self, code: &Code) -> Ask<&'a Location> {
        let company = self.company;
        let found = self.facts.location(Question::Location {
            company,
            code: code.clone(),
        })?;
        one(
            found,
            Why::UnknownLocation,
            &format!("location:{company}:{code}"),
            &format!("location {code}"),
        )
    }

    pub(super) fn units(self) -> Ask<&'a Units> {
        self.facts.units(Question::Units)
    }

    pub(super) fn lot(self, item: &Item, name: &Code) -> Ask<i64> {
        self.lot_of(item.id, &item.name, name)
    }

    pub(super) fn lot_of(self, product: i64, product_name: &str, name: &Code) -> Ask<i64> {
        let question = Question::Lot {
            company: self.company,
            product,
            name: name.clone(),
        };
        let what = format!("lot {name} of {product_name}");
        one(
            self.facts.lot(question)?,
            Why::UnknownLot,
            &format!("lot:{product}:{name}"),
            &what,
        )
        .copied()
    }

    pub(super) fn production(self, code: &Code) -> Ask<&'a Production> {
        let company = self.company;
        let found = self.facts.production(Question::Production {
            company,
            code: code.clone(),
        })?;
        one(
            found,
            Why::UnknownOrder,
            &format!("order:{company}:{code}"),
            &format!("production order {code}"),
        )
    }

    /// The one open order of a printed code. The code goes on to work when Odoo splits and renames the order.
    pub(super) fn open_order(self, code: &Code) -> Ask<(&'a Production, &'a Order)> {
        let production = self.production(code)?;
        let dead = |why, text| Err(Halt::because(why, text));
        match &production.open[..] {
            [order] if order.state == "draft" => dead(
                Why::OrderDraft,
                format!("{} is a draft: confirm it in Odoo, then retry", order.name),
            ),
            [order] => Ok((production, order)),
            [] => {
                let state = production.closed.as_deref().unwrap_or("gone");
                let text =
                    format!("order {code} is {state} and nothing of it is open: amend the order, or discard");
                dead(Why::OrderClosed, text)
            }
            several => {
                let names: Vec<&str> = several.iter().map(|order| order.name.as_str()).collect();
                let text = format!(
                    "order {code} is open as {}: amend the message to one of them",
                    names.join(", ")
                );
                dead(Why::OrdersSeveral, text)
            }
        }
    }
}

pub(super) fn one<'a, T>(found: &'a Found<T>, unknown: Why, key: &str, what: &str) -> Ask<&'a T> {
    let dead = |why, text| Err(Halt::because(why, text));
    match found {
        Found::One(thing) => Ok(thing),
        Found::Nothing => Err(Halt::because(
            unknown,
            format!("Odoo knows no {what} in this company: create it there, or amend the message"),
        )
        .about(key)),
        Found::Archived(name) => dead(
            Why::Archived,
            format!("{what} is {name}, which is archived: restore it, or amend the message"),
        ),
        Found::Several(names) => dead(
            Why::Ambiguous,
            format!("{what} could be {}: make the code unique", some_of(names)),
        ),
    }
}

/// The first of many names, and how many there are more.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} or one of {more} more"),
    }
}

fn moved(what: &str, code: &Code) -> Say {
    Say::new(
        Why::Changed,
        format!("{what} {code} is no longer what it was when it was looked up"),
    )
}

/// That the scanned code still names this product, traced and kept as it was.
pub(super) fn item_guard(item: &Item, code: &Code) -> Expect {
    let forms = gtin::forms(code.as_str());
    let domain = json!([
        "|",
        "|",
        ["barcode", "in", forms],
        ["default_code", "=", code.as_str()],
        ["product_uom_ids.barcode", "in", forms],
        ["active", "=", true],
        ["tracking", "=", item.tracking.word()],
        ["uom_id", "=", item.unit],
        ["is_storable", "=", item.stored]
    ]);
    Expect::all("product.product", json!([item.id]), domain, moved("item", code))
}

/// That the scanned code still names this location.
pub(super) fn location_guard(location: &Location, code: &Code) -> Expect {
    let domain = json!([
        "|",
        ["barcode", "=", code.as_str()],
        ["complete_name", "=", code.as_str()],
        ["active", "=", true],
        ["usage", "=", location.usage]
    ]);
    Expect::all(
        "stock.location",
        json!([location.id]),
        domain,
        moved("location", code),
    )
}

/// That this lot still has this name and product.
pub(super) fn lot_guard(lot: i64, product: i64, name: &Code) -> Expect {
    let domain = json!([["name", "=", name.as_str()], ["product_id", "=", product]]);
    Expect::all("stock.lot", json!([lot]), domain, moved("lot", name))
}

/// That this order is still open and still one that the scanned code stands for.
pub(super) fn order_guard(order: &Order, code: &Code, company: i64) -> Expect {
    let domain = json!([
        "|",
        "|",
        ["name", "=", code.as_str()],
        ["production_group_id.name", "=", code.as_str()],
        ["production_group_id.production_ids.name", "=", code.as_str()],
        ["state", "in", ["confirmed", "progress", "to_close"]],
        ["company_id", "=", company],
        ["product_id", "=", order.product],
        ["product_uom_id", "=", order.unit],
        ["product_tracking", "=", order.tracking.word()]
    ]);
    Expect::all("mrp.production", json!([order.id]), domain, moved("order", code))
}

/// Checks that goods can lie at a location: not at a supplier's, and not in a view.
pub(super) fn check_place(location: &Location) -> Ask<()> {
    if ["internal", "transit"].contains(&&*location.usage) {
        return Ok(());
    }
    let text = format!(
        "{} is of usage {}: nothing lies there; amend the location",
        location.name, location.usage
    );
    Err(Halt::because(Why::NoPlace, text))
}

/// Checks that a captured lot, or its absence, fits the product.
pub(super) fn check_lot(tracking: Tracking, lot: Option<&Code>, name: &str) -> Ask<()> {
    let dead = |why, text| Err(Halt::because(why, text));
    match (tracking, lot) {
        (Tracking::None, Some(lot)) => dead(
            Why::LotUnexpected,
            format!("{name} has no lots, but {lot} was captured: amend item or lot"),
        ),
        (Tracking::Lot | Tracking::Serial, None) => dead(
            Why::LotMissing,
            format!(
                "{name} is traced by {}: amend the message with it",
                tracking.word()
            ),
        ),
        _ => Ok(()),
    }
}

/// The value as Odoo writes an absent one.
pub(super) fn or_false(id: Option<i64>) -> Value {
    id.map_or(Value::Bool(false), Value::from)
}
