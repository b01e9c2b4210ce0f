//! `scrap.report`: goods were thrown away, at a location or from a production order.
//!
//! Odoo's check of the available quantity answers with a window; ours says what is missing, so the step that asks no
//! one is called and the sum is checked after it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use millrace_shared::message::{Code, ScrapReport};
use serde_json::{Value, json};

use super::component;
use super::fact::{Item, Location, Order, Production};
use super::goods::{Captured, Goods};
use super::plan::{Ask, Case, Halt, both};
use super::posting::{Posting, Shard, Trail};
use super::resolve::{Resolver, check_place, location_guard, order_guard};
use super::step::{Call, Expect, at};
use super::steps::{Proven, Steps};
use super::stock;
use super::time::{self, odoo_time};
use super::why::{Say, Why};

const SCRAP: &str = "stock.scrap";
/// What is scrapped where, and the open order that it is booked on.
struct Scrap<'a> {
    goods: Goods,
    from: i64,
    place: String,
    location: Option<(&'a Location, &'a Code)>,
    order: Option<(&'a Production, &'a Order, &'a Code)>,
}

pub(super) fn plan(case: &Case<'_>, resolver: Resolver<'_>, message: &ScrapReport) -> Ask<Posting> {
    let location = message
        .location
        .as_ref()
        .map(|code| resolver.location(code).map(|place| (place, code)));
    let order = message.order.as_ref();
    let order = order.map(|code| {
        resolver
            .open_order(code)
            .map(|(production, order)| (production, order, code))
    });
    let named = both(location.transpose(), order.transpose());
    let ((location, order), (item, units)) =
        both(named, both(resolver.item(&message.item), resolver.units()))?;
    let (from, place) = match (location, order) {
        (Some((place, _)), _) => {
            check_place(place)?;
            (place.id, place.name.clone())
        }
        (None, Some((_, order, _))) => (place_on(order, item)?, order.source.clone()),
        (None, None) => {
            return Err(Halt::because(
                Why::Malformed,
                "neither a location nor an order is named",
            ));
        }
    };
    let captured = Captured {
        code: &message.item,
        item,
        lot: message.lot.as_ref(),
        quantity: &message.quantity,
    };
    let policies = case.policies.at(case.stamp.kind, Some(&place));
    let goods = Goods::known(resolver, units, captured, None);
    let (goods, occurred) = both(goods, time::dating(case, resolver, policies.dating))?;
    let scrap = Scrap {
        goods,
        from,
        place,
        location,
        order,
    };
    let taken = scrap.goods.taken(from);
    let steps = scrap.steps(case, message, occurred);
    let lines = [json!(["move_id.scrap_id", "in", at("s")])];
    let steps = stock::none_below_zero(steps, &lines, stock::say(policies.negative_stock, &taken));
    let steps = steps.read("r", Call::read(SCRAP, at("s"), &["name"]), []);
    Ok(Posting::new(
        vec![(case.stamp.clone(), scrap.trail(case))],
        steps,
        scrap.shards(),
    )
    .assuming(scrap.production())
    .context(time::context(case, policies))
    .locking(stock::locks(&taken)))
}

/// Where goods of an order lie: what it makes where it goes, a component where it is taken.
fn place_on(order: &Order, item: &Item) -> Ask<i64> {
    if item.id == order.product {
        return Ok(order.to);
    }
    component::line(order, item.id, &item.name).map(|line| line.from)
}

impl Scrap<'_> {
    fn steps(&self, case: &Case<'_>, message: &ScrapReport, occurred: Option<Timestamp>) -> Steps<Proven> {
        let guarded = Steps::guarded([self.goods.guard()])
            .and(self.goods.lot_guard())
            .and(self.location.map(|(place, code)| location_guard(place, code)))
            .and(
                self.order
                    .map(|(_, order, code)| order_guard(order, code, case.company)),
            );
        let mut steps = guarded
            .create("s", SCRAP, vec![self.row(case, message)])
            .change("v", Call::of(SCRAP, "do_scrap", at("s")));
        if let Some(time) = occurred.map(odoo_time) {
            let moves = json!({ "domain": [["scrap_id", "in", at("s")]] });
            steps = steps
                .change("d", Call::write(SCRAP, at("s"), json!({ "date_done": time })))
                .read("m", Call::on("stock.move", "search").with(moves), [])
                .change("md", Call::write("stock.move", at("m"), json!({ "date": time })));
        }
        steps.proven_by(self.proofs())
    }

    fn row(&self, case: &Case<'_>, message: &ScrapReport) -> Value {
        let origin = match &message.reason {
            Some(reason) => format!("{reason} ({})", time::origin(case)),
            None => time::origin(case),
        };
        let mut row = json!({
            "product_id": self.goods.item.id, "scrap_qty": self.goods.amount(), "product_uom_id": self.goods.unit,
            "location_id": self.from, "lot_id": self.goods.lot_id(), "origin": origin
        });
        if let Some((_, order, _)) = self.order {
            row["production_id"] = order.id.into();
        }
        row
    }

    fn proofs(&self) -> [Expect; 3] {
        let say = || Say::new(Why::NotDone, "the goods were not scrapped as captured");
        let line = json!([
            ["move_id.scrap_id", "in", at("s")],
            ["lot_id", "=", self.goods.lot_id()],
            ["quantity", "=", self.goods.amount()],
            ["product_uom_id", "=", self.goods.unit],
            ["location_id", "=", self.from],
            ["location_dest_id.usage", "=", "inventory"],
            ["state", "=", "done"]
        ]);
        [
            Expect::all(SCRAP, at("s"), json!([["state", "=", "done"]]), say()),
            Expect::values(
                SCRAP,
                at("s"),
                json!({ "scrap_qty": [self.goods.amount()] }),
                say(),
            ),
            Expect::count("stock.move.line", line, 1, say()),
        ]
    }

    fn production(&self) -> Option<Shard> {
        self.order
            .map(|(production, _, _)| Shard::Production(production.group))
    }

    fn shards(&self) -> BTreeSet<Shard> {
        let goods = self.goods.shards([self.from]);
        goods.into_iter().chain(self.production()).collect()
    }

    fn trail(&self, case: &Case<'_>) -> Trail {
        let data = json!({
            "name": at("r.0.name"), "captured": case.captured.as_millisecond(), "scrapped": self.goods.words(),
            "from": self.place
        });
        Trail {
            model: SCRAP,
            id: at("s.0"),
            data,
        }
    }
}
