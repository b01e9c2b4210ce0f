//! `inventory.move`: goods were carried from one location to another.

use jiff::Timestamp;
use millrace_shared::message::InventoryMove;
use serde_json::{Value, json};

use super::fact::Location;
use super::goods::{Captured, Goods};
use super::plan::{Ask, Case, Halt, both};
use super::posting::{Posting, Trail};
use super::resolve::{Resolver, check_place, location_guard};
use super::step::{Call, Expect, at};
use super::steps::{Owing, Proven, Steps};
use super::stock;
use super::time::{self, odoo_time};
use super::why::{Say, Why};

const PICKING: &str = "stock.picking";

/// The posting of a move; `more` must be true of the target beside what a move needs by itself.
pub(super) fn plan(
    case: &Case<'_>,
    resolver: Resolver<'_>,
    message: &InventoryMove,
    more: &[Expect],
) -> Ask<Posting> {
    let places = both(resolver.location(&message.from), resolver.location(&message.to));
    let ((from, to), (item, units)) = both(places, both(resolver.item(&message.item), resolver.units()))?;
    check_place(from)?;
    check_place(to)?;
    let operation = operation(from, to)?;
    let captured = Captured {
        code: &message.item,
        item,
        lot: message.lot.as_ref(),
        quantity: &message.quantity,
    };
    let policies = case.policies.at(case.stamp.kind, Some(&from.name));
    let goods = Goods::known(resolver, units, captured, None);
    let (goods, occurred) = both(goods, time::dating(case, resolver, policies.dating))?;

    let guarded = Steps::guarded([
        location_guard(from, &message.from),
        location_guard(to, &message.to),
    ]);
    let rows = vec![json!({
        "picking_type_id": operation, "location_id": from.id, "location_dest_id": to.id,
        "origin": time::origin(case), "move_line_ids": [[0, 0, goods.line(from.id, to.id)]]
    })];
    let steps = guarded
        .and([goods.guard()])
        .and(goods.lot_guard())
        .and(more.iter().cloned())
        .create("p", PICKING, rows);
    let steps = validated(steps, occurred).and([moved(&goods, from, to)]);
    let taken = goods.taken(from.id);
    let lines = [json!(["picking_id", "in", at("p")])];
    let steps = stock::none_below_zero(steps, &lines, stock::say(policies.negative_stock, &taken));
    let steps = steps.read("r", Call::read(PICKING, at("p"), &["name"]), []);

    let data = json!({
        "name": at("r.0.name"), "captured": case.captured.as_millisecond(), "moved": goods.words(),
        "from": from.name, "to": to.name
    });
    let trail = Trail {
        model: PICKING,
        id: at("p.0"),
        data,
    };
    let shards = goods.shards([from.id, to.id]).into_iter().collect();
    let context = transfer_context(time::context(case, policies));
    Ok(Posting::new(vec![(case.stamp.clone(), trail)], steps, shards)
        .context(context)
        .locking(stock::locks(&taken)))
}

fn operation(from: &Location, to: &Location) -> Ask<i64> {
    from.transfers.or(to.transfers).ok_or_else(|| {
        let text = format!(
            "neither {} nor {} belongs to a warehouse: put one of them into one",
            from.name, to.name
        );
        Halt::because(Why::NoPlace, text)
    })
}

/// One line of exactly these goods between these locations.
fn moved(goods: &Goods, from: &Location, to: &Location) -> Expect {
    let domain = json!([
        ["picking_id", "in", at("p")],
        ["state", "=", "done"],
        ["product_id", "=", goods.item.id],
        ["lot_id", "=", goods.lot_id()],
        ["quantity", "=", goods.amount()],
        ["product_uom_id", "=", goods.unit],
        ["location_id", "=", from.id],
        ["location_dest_id", "=", to.id]
    ]);
    Expect::count(
        "stock.move.line",
        domain,
        1,
        Say::new(Why::NotDone, "the goods were not moved as captured"),
    )
}

/// Without it Odoo asks a person about the rest.
pub(super) fn transfer_context(mut context: Value) -> Value {
    context["skip_backorder"] = true.into();
    context
}

/// Validates the transfer `p`, dates it where the plant wants the time of capture, and proves that it is done.
pub(super) fn validated(steps: Steps<Owing>, occurred: Option<Timestamp>) -> Steps<Proven> {
    let mut steps = steps.change("v", Call::of(PICKING, "button_validate", at("p")));
    let mut state = json!([["state", "=", "done"]]);
    if let Some(time) = occurred.map(odoo_time) {
        state = json!([["state", "=", "done"], ["date_done", "=", time]]);
        steps = steps.change("d", Call::write(PICKING, at("p"), json!({ "date_done": time })));
    }
    let pending = json!([["picking_id", "in", at("p")], ["state", "!=", "done"]]);
    let say = || Say::new(Why::NotDone, "the transfer was not done");
    steps.proven_by([
        Expect::all(PICKING, at("p"), state, say()),
        Expect::count("stock.move", pending, 0, say()),
    ])
}
