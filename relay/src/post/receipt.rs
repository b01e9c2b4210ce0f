//! `receipt.arrive`: goods of a purchase order arrived.
//!
//! The receipt's own move says from where to where, so routes of one, two and three steps need no telling apart. What
//! has not arrived goes on as Odoo's backorder, which the next message finds through the purchase order.

use std::collections::BTreeSet;

use millrace_shared::message::ReceiptArrive;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::fact::{Arrival, Item, Purchase, Tracking, Units};
use super::goods::Captured;
use super::measure;
use super::plan::{Ask, Case, Halt, both};
use super::policy::Policies;
use super::posting::{Posting, Shard, Trail};
use super::question::Question;
use super::resolve::{Resolver, item_guard, one};
use super::step::{Call, Expect};
use super::steps::Steps;
use super::time::{self, odoo_time};
use super::transfer::transfer_context;
use super::why::{Say, Why};

const PICKING: &str = "stock.picking";
const MOVE: &str = "stock.move";

/// What arrived on which line.
struct Arrived<'a> {
    purchase: &'a Purchase,
    line: &'a Arrival,
    item: &'a Item,
    message: &'a ReceiptArrive,
    /// In the line's unit.
    quantity: Decimal,
}

pub(super) fn plan(case: &Case<'_>, resolver: Resolver<'_>, message: &ReceiptArrive) -> Ask<Posting> {
    let company = case.company;
    let purchase = resolver.facts.purchase(Question::Purchase {
        company,
        code: message.purchase.clone(),
    });
    let (purchase, (item, units)) = both(purchase, both(resolver.item(&message.item), resolver.units()))?;
    let code = &message.purchase;
    let subject = format!("purchase:{company}:{code}");
    let purchase = one(
        purchase,
        Why::UnknownPurchase,
        &subject,
        &format!("purchase order {code}"),
    )?;
    let policies = case.policies.at(case.stamp.kind, None);
    let captured = Captured {
        code: &message.item,
        item,
        lot: message.lot.as_ref(),
        quantity: &message.quantity,
    };
    let (line, quantity) = line(purchase, captured, units, policies)?;
    let occurred = time::dating(case, resolver, policies.dating)?;
    let arrived = Arrived {
        purchase,
        line,
        item,
        message,
        quantity,
    };
    let steps = arrived.steps(company, occurred.map(odoo_time));
    let steps = steps.read("r", Call::read(PICKING, json!([line.receipt]), &["name"]), []);
    let data = json!({
        "name": line.receipt_name, "captured": case.captured.as_millisecond(), "quantity": measure::json(quantity),
        "purchase": purchase.name
    });
    let trail = Trail {
        model: PICKING,
        id: line.receipt.into(),
        data,
    };
    let locks = message.lot.iter().map(|lot| format!("lot:{}:{lot}", item.id));
    Ok(
        Posting::new(vec![(case.stamp.clone(), trail)], steps, arrived.shards())
            .assuming([Shard::Purchase(purchase.id)])
            .context(transfer_context(time::context(case, policies)))
            .locking(locks),
    )
}

/// The line that the goods belong to: the first, in the order in which they were ordered, that still expects as many.
fn line<'a>(
    purchase: &'a Purchase,
    captured: Captured<'_>,
    units: &Units,
    policies: Policies,
) -> Ask<(&'a Arrival, Decimal)> {
    let item = captured.item;
    let mut most: Option<(&Arrival, Decimal)> = None;
    for line in purchase.lines.iter().filter(|line| line.product == item.id) {
        let (_, quantity) = captured.measured(units, Some(line.unit))?;
        if quantity <= line.expected {
            return Ok((line, quantity));
        }
        if most.is_none_or(|(known, _)| known.expected < line.expected) {
            most = Some((line, quantity));
        }
    }
    match most {
        Some(found) if policies.over_receipt => Ok(found),
        Some((line, quantity)) => {
            let text = format!(
                "{quantity} of {} arrived, and {} expects {} more: amend the quantity, change the purchase order, or \
                 allow over-receipt",
                item.name, line.receipt_name, line.expected
            );
            Err(Halt::because(Why::OverReceipt, text))
        }
        None => {
            let text = format!(
                "{} ({}) has nothing of {} left to receive: amend the purchase order or the item",
                purchase.name, purchase.state, item.name
            );
            Err(Halt::because(Why::NothingToReceive, text))
        }
    }
}

impl Arrived<'_> {
    fn steps(&self, company: i64, date: Option<String>) -> Steps<super::steps::Proven> {
        let line = json!([self.line.id]);
        let vals = json!({ "move_line_ids": [[5], [0, 0, self.vals()]], "picked": true });
        let mut steps = Steps::guarded([
            self.line_guard(company),
            item_guard(self.item, &self.message.item),
        ])
        .and([self.expected_guard(), self.others_guard()])
        .change("w", Call::write(MOVE, line, vals))
        .change(
            "v",
            Call::of(PICKING, "button_validate", json!([self.line.receipt])),
        );
        if let Some(date) = date {
            let write = json!({ "date_done": date });
            steps = steps.change("d", Call::write(PICKING, json!([self.line.receipt]), write));
        }
        steps.proven_by(self.proofs())
    }

    fn vals(&self) -> Value {
        let line = self.line;
        let mut vals = json!({
            "picking_id": line.receipt, "product_id": line.product, "quantity": measure::json(self.quantity),
            "product_uom_id": line.unit, "picked": true, "location_id": line.from, "location_dest_id": line.to
        });
        if let Some(lot) = &self.message.lot {
            vals["lot_name"] = lot.as_str().into();
        }
        vals
    }

    fn changed(&self) -> Say {
        Say::new(
            Why::Changed,
            format!("the receipt of {} changed", self.purchase.name),
        )
    }

    fn line_guard(&self, company: i64) -> Expect {
        let domain = json!([
            [
                "purchase_line_id.order_id.name",
                "=",
                self.message.purchase.as_str()
            ],
            ["company_id", "=", company],
            ["product_id", "=", self.line.product],
            ["product_uom", "=", self.line.unit],
            ["state", "not in", ["done", "cancel", "draft"]],
            ["picked", "=", false]
        ]);
        Expect::all(MOVE, json!([self.line.id]), domain, self.changed())
    }

    fn expected_guard(&self) -> Expect {
        let expected = json!({ "product_uom_qty": [measure::json(self.line.expected)] });
        Expect::values(MOVE, json!([self.line.id]), expected, self.changed())
    }

    /// That nobody is half-way through the same receipt: what he marked as picked would be posted with this.
    fn others_guard(&self) -> Expect {
        let domain = json!([
            ["picking_id", "=", self.line.receipt],
            ["picked", "=", true],
            ["state", "!=", "done"]
        ]);
        let text = format!(
            "somebody is entering {} in Odoo: it goes on when he is done",
            self.line.receipt_name
        );
        let say = Say::new(Why::InUse, text).about(format!("receipt:{}", self.line.receipt));
        Expect::count(MOVE, domain, 0, say)
    }

    fn proofs(&self) -> [Expect; 4] {
        let say = || Say::new(Why::NotDone, "the goods were not received as captured");
        let (line, receipt) = (json!([self.line.id]), json!([self.line.receipt]));
        let lot = match (&self.message.lot, self.item.tracking) {
            (Some(lot), Tracking::Lot | Tracking::Serial) => json!(["lot_id.name", "=", lot.as_str()]),
            _ => json!(["lot_id", "=", false]),
        };
        let parts = json!([["move_id", "=", self.line.id], ["state", "=", "done"], lot]);
        let others = self
            .purchase
            .lines
            .iter()
            .any(|l| l.receipt == self.line.receipt && l.id != self.line.id);
        let rest = usize::from(others || self.quantity < self.line.expected);
        let backorders = json!([
            ["backorder_id", "=", self.line.receipt],
            ["state", "!=", "cancel"]
        ]);
        [
            Expect::all(PICKING, receipt, json!([["state", "=", "done"]]), say()),
            Expect::values(
                MOVE,
                line,
                json!({ "quantity": [measure::json(self.quantity)] }),
                say(),
            ),
            Expect::count("stock.move.line", parts, 1, say()),
            Expect::count(
                PICKING,
                backorders,
                rest,
                Say::new(Why::NotDone, "the rest is not expected any more"),
            ),
        ]
    }

    fn shards(&self) -> BTreeSet<Shard> {
        let (product, location) = (self.item.id, self.line.to);
        let lot = self.message.lot.iter().map(|lot| Shard::Lot {
            product,
            name: lot.as_str().to_owned(),
        });
        lot.chain([
            Shard::Purchase(self.purchase.id),
            Shard::Stock { product, location },
        ])
        .collect()
    }
}
