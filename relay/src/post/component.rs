//! Components of a production order: what was captured of them, and which lots the rest is taken from.

use std::collections::BTreeMap;

use millrace_shared::message::{Code, ComponentUse};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::fact::{Component, Order, Tracking, Units};
use super::measure;
use super::plan::{Ask, Halt, both};
use super::policy::Policies;
use super::posting::Shard;
use super::resolve::{Resolver, check_lot, item_guard, lot_guard};
use super::step::{Call, Expect};
use super::stock::Taken;
use super::why::{Say, Why};

/// What was captured of one component line.
#[derive(Debug, Clone, PartialEq)]
pub struct Used {
    /// The line.
    pub(super) line: Component,
    /// Lots with how much of each, in the line's unit; a quantity without lot for an untraced component.
    pub(super) parts: Vec<(Option<(i64, Code)>, Decimal)>,
    /// What a posting checks again.
    pub(super) guards: Vec<Expect>,
}

/// One captured use, on the order's line for it.
pub(super) fn used(
    resolver: Resolver<'_>,
    units: &Units,
    order: &Order,
    captured: &ComponentUse,
) -> Ask<Used> {
    let item = resolver.item(&captured.item)?;
    let line = line(order, item.id, &item.name)?;
    check_lot(item.tracking, captured.lot.as_ref(), &item.name)?;
    let lot = captured
        .lot
        .as_ref()
        .map(|name| resolver.lot(item, name).map(|id| (id, name.clone())))
        .transpose();
    let (lot, quantity) = both(lot, units.exact(&captured.quantity, item.code_unit, line.unit))?;
    let mut guards = vec![item_guard(item, &captured.item)];
    guards.extend(lot.iter().map(|(id, name)| lot_guard(*id, item.id, name)));
    Ok(Used {
        line: line.clone(),
        parts: vec![(lot, quantity)],
        guards,
    })
}

/// The one open line of the order for this product.
pub(super) fn line<'a>(order: &'a Order, product: i64, name: &str) -> Ask<&'a Component> {
    let mut lines = order.components.iter().filter(|line| line.product == product);
    match (lines.next(), lines.next()) {
        (Some(line), None) => Ok(line),
        (None, _) => {
            let text = format!(
                "{} does not plan {name}: add it to the order in Odoo and retry, or allow unplanned components",
                order.name
            );
            Err(Halt::because(Why::Unplanned, text))
        }
        _ => {
            let text = format!(
                "{} has several open lines of {name}: book it in Odoo, then discard",
                order.name
            );
            Err(Halt::because(Why::LinesSeveral, text))
        }
    }
}

/// Uses of the same line together: Odoo takes one set of lots a line.
pub(super) fn by_line(uses: &[Used]) -> Ask<Vec<Used>> {
    let mut lines: BTreeMap<i64, Used> = BTreeMap::new();
    for used in uses {
        match lines.get_mut(&used.line.id) {
            Some(known) => {
                known.parts.extend(used.parts.clone());
                known.guards.extend(used.guards.clone());
            }
            None => {
                lines.insert(used.line.id, used.clone());
            }
        }
    }
    Ok(lines.into_values().collect())
}

/// Checks that every traced component has its lots: scanned, registered before, or, where the plant wants it so,
/// reserved. Odoo would invent none, but it fails late and names no line.
pub(super) fn check_lots(order: &Order, used: &[Used], total: Decimal, policies: Policies) -> Ask<()> {
    let captured = |line: &Component| used.iter().any(|used| used.line.id == line.id);
    let traced = |line: &&Component| line.tracking != Tracking::None && !line.planned.is_zero();
    for line in order
        .components
        .iter()
        .filter(traced)
        .filter(|line| !captured(line))
    {
        let needed = if line.used {
            line.quantity
        } else {
            line.planned * total / order.planned
        };
        let with_lot: Decimal = line.lots.iter().map(|(_, quantity)| quantity).sum();
        if (line.used || policies.reserved_lots) && with_lot >= needed {
            continue;
        }
        let text = if policies.reserved_lots {
            format!(
                "only {} of {needed} of {} is reserved by lot: scan its lot",
                with_lot, line.product_name
            )
        } else {
            format!(
                "{} is traced: amend the message with its lot, or allow reserved lots",
                line.product_name
            )
        };
        return Err(Halt::because(Why::LotMissing, text));
    }
    Ok(())
}

/// What the order takes of the component, for stock checks.
pub(super) fn taken(line: &Component) -> Taken {
    Taken {
        product: line.product,
        name: line.product_name.clone(),
        location: line.from,
    }
}

/// What the component's line touches.
pub(super) fn shards(line: &Component) -> impl Iterator<Item = Shard> + '_ {
    let product = line.product;
    let places = line.reserved_at.iter().copied().chain([line.from]);
    places.map(move |location| Shard::Stock { product, location })
}

impl Used {
    /// How much the line has in all, with what was registered before.
    fn total(&self) -> Decimal {
        let before = if self.line.used {
            self.line.quantity
        } else {
            Decimal::ZERO
        };
        before + self.parts.iter().map(|(_, quantity)| quantity).sum::<Decimal>()
    }

    /// Writing it on the line. Marked as entered by hand, so that Odoo does not overwrite it with what it expects.
    pub(super) fn write(&self) -> Call {
        let mut vals = json!({ "picked": true, "manual_consumption": true });
        if self.line.tracking == Tracking::None {
            vals["quantity"] = measure::json(self.total());
        } else {
            // Reserved lots give way to scanned ones; scanned ones stay beside each other.
            let clear = (!self.line.used).then(|| json!([5]));
            vals["move_line_ids"] = clear
                .into_iter()
                .chain(self.parts.iter().map(|part| self.part(part)))
                .collect();
        }
        Call::write("stock.move", json!([self.line.id]), vals)
    }

    fn part(&self, (lot, quantity): &(Option<(i64, Code)>, Decimal)) -> Value {
        json!([0, 0, {
            "product_id": self.line.product, "product_uom_id": self.line.unit,
            "lot_id": lot.as_ref().map_or(json!(false), |(id, _)| json!(id)),
            "quantity": measure::json(*quantity), "picked": true,
            "location_id": self.line.from, "location_dest_id": self.line.to
        }])
    }

    /// That the line is still as it was planned with.
    pub(super) fn line_guard(&self) -> Expect {
        let say = Say::new(
            Why::Changed,
            format!("the line of {} changed", self.line.product_name),
        );
        let state = json!([
            ["state", "not in", ["done", "cancel"]],
            ["product_id", "=", self.line.product],
            ["product_uom", "=", self.line.unit],
            ["picked", "=", self.line.used]
        ]);
        Expect::all("stock.move", json!([self.line.id]), state, say)
    }

    /// That it is what the line has now.
    pub(super) fn proof(&self) -> Expect {
        let say = Say::new(
            Why::NotDone,
            format!("the use of {} was not taken as captured", self.line.product_name),
        );
        let values = json!({ "quantity": [measure::json(self.total())] });
        Expect::values("stock.move", json!([self.line.id]), values, say)
    }

    /// That each lot was consumed as captured, now and before.
    pub(super) fn lot_proofs(&self) -> Vec<Expect> {
        let before = self.line.lots.iter().filter(|_| self.line.used).copied();
        let now = self.parts.iter();
        let now = now.filter_map(|(lot, quantity)| lot.as_ref().map(|(id, _)| (*id, *quantity)));
        let mut lines: BTreeMap<(i64, Decimal), usize> = BTreeMap::new();
        for line in before.chain(now) {
            *lines.entry(line).or_default() += 1;
        }
        let proof = |((lot, quantity), count): ((i64, Decimal), usize)| {
            let text = format!(
                "the lots of {} were not consumed as captured",
                self.line.product_name
            );
            let domain = json!([
                ["move_id", "=", self.line.id],
                ["lot_id", "=", lot],
                ["state", "=", "done"],
                ["quantity", "=", measure::json(quantity)]
            ]);
            Expect::count("stock.move.line", domain, count, Say::new(Why::NotDone, text))
        };
        lines.into_iter().map(proof).collect()
    }
}
