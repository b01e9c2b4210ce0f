//! The posting of confirmations: of one order, or of many plain ones at once.
//!
//! What the steps must catch, because Odoo answers success all the same: components that were cancelled instead of
//! consumed, an invented finished lot, a closed order, a backorder nobody asked for, a changed quantity.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::bundle::{Bundle, Row};
use super::component::{self, Used};
use super::fact::Order;
use super::finished;
use super::measure;
use super::posting::{Posting, Shard, Stamp, Trail};
use super::production::Way;
use super::resolve::{item_guard, order_guard};
use super::shape::Shape;
use super::step::{Call, Expect, at};
use super::steps::{Owing, Proven, Steps};
use super::stock;
use super::time::odoo_time;
use super::why::{Say, Why};

const MODEL: &str = "mrp.production";
const OPEN: [&str; 3] = ["confirmed", "progress", "to_close"];

/// One posting of confirmations of different orders.
pub(super) fn build(bundles: &[Bundle]) -> Posting {
    let ids = |wanted: &dyn Fn(&Bundle) -> bool| -> Vec<i64> {
        bundles
            .iter()
            .filter(|bundle| wanted(bundle))
            .map(|bundle| bundle.order.id)
            .collect()
    };
    let posted = ids(&|bundle| bundle.way() != Way::Register);
    let worked = ids(&|bundle| bundle.way() != Way::Register && !bundle.is_whole());
    let split = ids(&|bundle| bundle.way() == Way::Split);

    let guarded = Steps::guarded([figures_guard(bundles)]).and(bundles.iter().flat_map(Bundle::guards));
    let mut steps = finished::find_lots(guarded, bundles);
    for bundle in bundles.iter().filter(|bundle| !bundle.is_whole()) {
        let write = Call::write(MODEL, json!([bundle.order.id]), bundle.vals());
        steps = steps.change(format!("w{}", bundle.order.id), write);
    }
    if !worked.is_empty() {
        steps = steps.change("s", Call::of(MODEL, "set_qty_producing", json!(worked)).each());
    }
    for used in bundles.iter().flat_map(|bundle| &bundle.used) {
        steps = steps
            .change(format!("c{}", used.line.id), used.write())
            .proven_by([used.proof()])
            .go_on();
    }
    if !posted.is_empty() {
        let mut done = Call::of(MODEL, "button_mark_done", json!(posted));
        if !split.is_empty() {
            done = done.context(json!({ "mo_ids_to_backorder": split }));
        }
        steps = steps.change("done", done);
    }
    for bundle in bundles.iter().filter(|bundle| bundle.way() != Way::Register) {
        steps = bundle.dated(steps);
    }
    let steps = steps
        .proven_by([state_proof(bundles)])
        .and(bundles.iter().flat_map(Bundle::proofs));
    let steps = check_stock(steps, bundles, &posted);
    let all = ids(&|_| true);
    let steps = steps.read("r", Call::read(MODEL, json!(all), &["name"]), []);
    assemble(bundles, steps)
}

fn assemble(bundles: &[Bundle], steps: Steps<Proven>) -> Posting {
    let trails = bundles
        .iter()
        .enumerate()
        .flat_map(|(k, bundle)| bundle.trails(k))
        .collect();
    let shards = bundles.iter().flat_map(Bundle::shards).collect();
    let mut context = bundles.first().map_or(json!({}), |bundle| bundle.context.clone());
    for key in ["skip_consumption", "skip_backorder", "skip_redirection"] {
        context[key] = true.into();
    }
    let locks: Vec<String> = bundles.iter().flat_map(Bundle::locks).collect();
    let groups = bundles.iter().map(|bundle| Shard::Production(bundle.group));
    let posting = Posting::new(trails, steps, shards)
        .assuming(groups)
        .context(context)
        .locking(locks);
    if bundles.iter().all(Bundle::is_plain) {
        posting.shaped(Shape::Orders(bundles.to_vec()))
    } else {
        posting
    }
}

fn check_stock(steps: Steps<Proven>, bundles: &[Bundle], posted: &[i64]) -> Steps<Proven> {
    if posted.is_empty() {
        return steps;
    }
    let lines = [json!(["move_id.raw_material_production_id", "in", posted])];
    let says: Vec<&Say> = bundles
        .iter()
        .filter_map(|bundle| bundle.below_zero.as_ref())
        .collect();
    stock::none_below_zero(steps, &lines, says.first().map(|say| (*say).clone()))
}

/// That the orders' figures are those that the plans counted on.
fn figures_guard(bundles: &[Bundle]) -> Expect {
    let ids: Vec<i64> = bundles.iter().map(|bundle| bundle.order.id).collect();
    let figures = |figure: fn(&Order) -> Decimal| -> Value {
        bundles
            .iter()
            .map(|bundle| measure::json(figure(&bundle.order)))
            .collect()
    };
    let values = json!({ "product_qty": figures(|order| order.planned), "qty_producing": figures(|order| order.registered) });
    Expect::values(
        MODEL,
        json!(ids),
        values,
        Say::new(Why::Changed, "the order's quantities changed"),
    )
}

/// That each order is in one of the states that can follow; which one, each says itself.
fn state_proof(bundles: &[Bundle]) -> Expect {
    let ids: Vec<i64> = bundles.iter().map(|bundle| bundle.order.id).collect();
    let states: Vec<&str> = OPEN.into_iter().chain(["done"]).collect();
    let say = Say::new(Why::NotDone, "the order was cancelled by its own confirmation");
    Expect::all(MODEL, json!(ids), json!([["state", "in", states]]), say)
}

impl Bundle {
    fn guards(&self) -> Vec<Expect> {
        let mut guards: Vec<Expect> = self
            .rows
            .iter()
            .map(|row| order_guard(&self.order, &row.code, self.company))
            .collect();
        guards.dedup();
        let items = self.rows.iter().filter_map(|row| row.item.as_ref());
        guards.extend(items.map(|(item, code)| item_guard(item, code)));
        guards.extend(
            self.used
                .iter()
                .flat_map(|used| used.guards.iter().cloned().chain([used.line_guard()])),
        );
        guards
    }

    fn vals(&self) -> Value {
        let mut vals = json!({ "qty_producing": measure::json(self.total()) });
        if let Some(lots) = finished::lots(self) {
            vals["lot_producing_ids"] = lots;
        }
        vals
    }

    fn proofs(&self) -> Vec<Expect> {
        let (id, name) = (self.order.id, &self.order.name);
        let say = |text: &str| Say::new(Why::NotDone, format!("{name}: {text}"));
        let mut proofs = finished::proofs(self);
        if self.way() == Way::Register {
            let open = json!([["state", "in", OPEN]]);
            proofs.push(Expect::all(
                MODEL,
                json!([id]),
                open,
                say("the order did not stay open"),
            ));
            let total = json!({ "qty_producing": [measure::json(self.total())] });
            proofs.push(Expect::values(
                MODEL,
                json!([id]),
                total,
                say("the quantity was not registered"),
            ));
            return proofs;
        }
        proofs.push(Expect::all(
            MODEL,
            json!([id]),
            json!([["state", "=", "done"]]),
            say("the order is not done"),
        ));
        let total = json!({ "qty_produced": [measure::json(self.total())] });
        proofs.push(Expect::values(
            MODEL,
            json!([id]),
            total,
            say("it does not show the quantity that was made"),
        ));
        let lines: Vec<i64> = self
            .order
            .components
            .iter()
            .filter(|l| !l.planned.is_zero())
            .map(|l| l.id)
            .collect();
        if !lines.is_empty() {
            let used = json!([["state", "=", "done"], ["quantity", ">", 0]]);
            proofs.push(Expect::all(
                "stock.move",
                json!(lines),
                used,
                say("a component was not consumed"),
            ));
        }
        let open = json!([["production_group_id", "=", self.group], ["state", "in", OPEN]]);
        let rest = usize::from(self.way() == Way::Split);
        proofs.push(Expect::count(
            MODEL,
            open,
            rest,
            say("the rest of the order is not what was asked for"),
        ));
        proofs.extend(self.used.iter().flat_map(Used::lot_proofs));
        if let Some(time) = self.occurred {
            let dated = json!([["date_finished", "=", odoo_time(time)]]);
            proofs.push(Expect::all(
                MODEL,
                json!([id]),
                dated,
                say("the date was not taken"),
            ));
        }
        proofs
    }

    /// Odoo books now; the date is written afterwards, on the order and on all that moved for it.
    fn dated(&self, steps: Steps<Owing>) -> Steps<Owing> {
        let Some(time) = self.occurred.map(odoo_time) else {
            return steps;
        };
        let id = self.order.id;
        let moved = json!([
            ["state", "=", "done"],
            "|",
            ["raw_material_production_id", "=", id],
            ["production_id", "=", id]
        ]);
        let search = Call::on("stock.move", "search").with(json!({ "domain": moved }));
        steps
            .change(
                format!("f{id}"),
                Call::write(MODEL, json!([id]), json!({ "date_finished": time })),
            )
            .read(&format!("m{id}"), search, [])
            .change(
                format!("d{id}"),
                Call::write("stock.move", at(format!("m{id}")), json!({ "date": time })),
            )
    }

    fn locks(&self) -> Vec<String> {
        let taken: Vec<stock::Taken> = self.order.components.iter().map(component::taken).collect();
        let quants = stock::locks(&taken).filter(|_| self.way() != Way::Register);
        quants.chain(finished::locks(self)).collect()
    }

    /// What is only registered moves nothing yet.
    fn shards(&self) -> BTreeSet<Shard> {
        let made = Shard::Stock {
            product: self.order.product,
            location: self.order.to,
        };
        let moved = self
            .order
            .components
            .iter()
            .flat_map(component::shards)
            .chain([made]);
        let moved = moved.filter(|_| self.way() != Way::Register);
        moved
            .chain([Shard::Production(self.group)])
            .chain(finished::shards(self))
            .collect()
    }

    fn trails(&self, k: usize) -> Vec<(Stamp, Trail)> {
        let trail = |row: &Row| Trail {
            model: MODEL,
            id: self.order.id.into(),
            data: json!({
                "name": at(format!("r.{k}.name")),
                "quantity": measure::json(row.quantity),
                "captured": row.captured.as_millisecond(),
            }),
        };
        self.rows
            .iter()
            .map(|row| (row.stamp.clone(), trail(row)))
            .collect()
    }
}
