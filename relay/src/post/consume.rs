//! `material.consume`: a component was used on an open production order, and is booked at once.
//!
//! A transfer whose move belongs to the order does it while the order stays open. The order's own line is lowered by as
//! much, or its completion would take the whole plan again; and the move is marked as additional, or a later backorder
//! would plan a part of it once more.

use std::collections::BTreeSet;

use jiff::Timestamp;
use millrace_shared::message::{Code, MaterialConsume};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::component;
use super::fact::{Component, Order, Production};
use super::goods::{Captured, Goods};
use super::measure;
use super::plan::{Ask, Case, Halt, both};
use super::policy::Policies;
use super::posting::{Posting, Shard, Trail};
use super::resolve::{Resolver, order_guard};
use super::step::{Call, Expect, at};
use super::steps::{Guarded, Owing, Proven, Steps};
use super::stock;
use super::time;
use super::transfer::{transfer_context, validated};
use super::why::{Say, Why};

const PICKING: &str = "stock.picking";
const MOVE: &str = "stock.move";

/// What is used on which order, and the order's own line for it, where it plans the component.
struct Use<'a> {
    production: &'a Production,
    order: &'a Order,
    line: Option<&'a Component>,
    code: &'a Code,
    goods: Goods,
    from: i64,
    to: i64,
}

pub(super) fn plan(case: &Case<'_>, resolver: Resolver<'_>, message: &MaterialConsume) -> Ask<Posting> {
    let order = resolver.open_order(&message.order);
    let ((production, order), (item, units)) =
        both(order, both(resolver.item(&message.item), resolver.units()))?;
    let policies = case.policies.at(case.stamp.kind, Some(&order.source));
    let line = match component::line(order, item.id, &item.name) {
        Err(Halt::Refuse(reason))
            if policies.unplanned_components && reason.code == Why::Unplanned.word() =>
        {
            None
        }
        found => Some(found?),
    };
    let unit = line.map(|line| line.unit);
    let captured = Captured {
        code: &message.item,
        item,
        lot: message.lot.as_ref(),
        quantity: &message.quantity,
    };
    let goods = Goods::known(resolver, units, captured, unit);
    let (goods, occurred) = both(goods, time::dating(case, resolver, policies.dating))?;
    let (from, to) = line.map_or((order.source_id, order.production_at), |line| {
        (line.from, line.to)
    });
    let used = Use {
        code: &message.order,
        production,
        order,
        line,
        goods,
        from,
        to,
    };
    used.posting(case, policies, occurred)
}

impl Use<'_> {
    fn posting(&self, case: &Case<'_>, policies: Policies, occurred: Option<Timestamp>) -> Ask<Posting> {
        let Some(operation) = self.order.transfers else {
            let text = format!(
                "{} belongs to no warehouse that could move its components",
                self.order.name
            );
            return Err(Halt::because(Why::NoPlace, text));
        };
        let guarded = Steps::guarded([order_guard(self.order, self.code, case.company)])
            .and([self.goods.guard()])
            .and(self.goods.lot_guard())
            .and(self.line.map(line_guard));
        let steps = self.moved(guarded, time::origin(case), operation);
        let steps = self.replanned(validated(steps, occurred).and(self.proofs()));
        let taken = self.goods.taken(self.from);
        let lines = [json!(["picking_id", "in", at("p")])];
        let steps = stock::none_below_zero(steps, &lines, stock::say(policies.negative_stock, &taken));
        let steps = steps.read("r", Call::read(PICKING, at("p"), &["name"]), []);
        let data = json!({
            "name": at("r.0.name"), "captured": case.captured.as_millisecond(), "used": self.goods.words(),
            "order": self.order.name
        });
        let trail = Trail {
            model: PICKING,
            id: at("p.0"),
            data,
        };
        let context = transfer_context(time::context(case, policies));
        Ok(
            Posting::new(vec![(case.stamp.clone(), trail)], steps, self.shards())
                .assuming([Shard::Production(self.production.group)])
                .context(context)
                .locking(stock::locks(&taken)),
        )
    }

    /// The transfer with its move on the order, and the lot on the move's line.
    fn moved(&self, guarded: Steps<Guarded>, origin: String, operation: i64) -> Steps<Owing> {
        let (from, to) = (self.from, self.to);
        let row = json!({
            "picking_type_id": operation, "location_id": from, "location_dest_id": to, "origin": origin,
            "move_ids": [[0, 0, {
                "product_id": self.goods.item.id, "product_uom_qty": self.goods.amount(), "product_uom": self.goods.unit,
                "raw_material_production_id": self.order.id, "additional": true, "picked": true,
                "location_id": from, "location_dest_id": to
            }]]
        });
        let mut line: Value = self.goods.line(from, to);
        line["move_id"] = at("mv.0.move_ids.0");
        let lines = json!({ "move_line_ids": [[5], [0, 0, line]] });
        guarded
            .create("p", PICKING, vec![row])
            .read("mv", Call::read(PICKING, at("p"), &["move_ids"]), [])
            .change("l", Call::write(PICKING, at("p"), lines))
    }

    fn proofs(&self) -> Vec<Expect> {
        let say = || Say::new(Why::NotDone, "the component was not consumed as captured");
        let id = at("mv.0.move_ids.0");
        let state = json!([
            ["state", "=", "done"],
            ["raw_material_production_id", "=", self.order.id]
        ]);
        let line = json!([
            ["move_id", "=", id],
            ["lot_id", "=", self.goods.lot_id()],
            ["quantity", "=", self.goods.amount()],
            ["product_uom_id", "=", self.goods.unit],
            ["location_id", "=", self.from],
            ["state", "=", "done"]
        ]);
        vec![
            Expect::all(MOVE, id.clone(), state, say()),
            Expect::values(MOVE, id, json!({ "quantity": [self.goods.amount()] }), say()),
            Expect::count("stock.move.line", line, 1, say()),
        ]
    }

    /// What is left to take of the plan.
    fn replanned(&self, steps: Steps<Proven>) -> Steps<Proven> {
        let Some(line) = self.line else { return steps };
        let rest = measure::json((line.planned - self.goods.quantity).max(Decimal::ZERO));
        let say = Say::new(Why::NotDone, "the order's plan was not lowered by what was used");
        steps
            .go_on()
            .change(
                "plan",
                Call::write(MOVE, json!([line.id]), json!({ "product_uom_qty": rest })),
            )
            .proven_by([Expect::values(
                MOVE,
                json!([line.id]),
                json!({ "product_uom_qty": [rest] }),
                say,
            )])
    }

    fn shards(&self) -> BTreeSet<Shard> {
        let reserved = self
            .line
            .into_iter()
            .flat_map(|line| line.reserved_at.iter().copied());
        let own = self.goods.shards(reserved.chain([self.from]));
        own.into_iter()
            .chain([Shard::Production(self.production.group)])
            .collect()
    }
}

/// That the order's line still plans what it did: the rest is arithmetic on it.
fn line_guard(line: &Component) -> Expect {
    let say = Say::new(
        Why::Changed,
        format!("the order's plan of {} changed", line.product_name),
    );
    Expect::values(
        MOVE,
        json!([line.id]),
        json!({ "product_uom_qty": [measure::json(line.planned)] }),
        say,
    )
}
