//! Undoing what took effect: by the opposite movement where the kind allows it, otherwise by hand.
//!
//! A move is carried back and scrap is taken back. An order's confirmation, its components, a receipt and a count
//! stand in other people's books by then: Odoo's own unbuild, return and recount are for a person to choose.

use millrace_shared::ident::MessageId;
use millrace_shared::message::{InventoryMove, Message, ScrapReport};
use serde_json::json;

use super::goods::{Captured, Goods};
use super::plan::{Ask, Case, Halt, both};
use super::posting::{Posting, Trail};
use super::resolve::{Resolver, check_place, location_guard};
use super::step::{Call, Expect, at};
use super::steps::Steps;
use super::time;
use super::transfer::{self, transfer_context, validated};
use super::why::{Say, Why};

const PICKING: &str = "stock.picking";

/// The posting that takes back what `original` did; the case's message says the same as the original.
pub(super) fn plan(case: &Case<'_>, resolver: Resolver<'_>, original: &MessageId) -> Ask<Posting> {
    match case.message {
        Message::InventoryMove(message) => {
            let back = InventoryMove {
                from: message.to.clone(),
                to: message.from.clone(),
                ..message.clone()
            };
            transfer::plan(case, resolver, &back, &guards(PICKING, original))
        }
        Message::ScrapReport(message) => scrap(case, resolver, message, original),
        _ => Err(by_hand(original)),
    }
}

fn by_hand(original: &MessageId) -> Halt {
    let text = format!(
        "{original} took effect, and nothing opposite can be booked for its kind: correct it in Odoo, then discard this"
    );
    Halt::because(Why::UndoByHand, text)
}

/// That the original's record is there and done, and that nothing took it back yet.
fn guards(model: &'static str, original: &MessageId) -> [Expect; 2] {
    let done = json!([
        ["origin", "=like", format!("%Millrace {original}%")],
        ["origin", "not like", "undoes"],
        ["state", "=", "done"]
    ]);
    let back = json!([
        ["origin", "=like", format!("% undoes {original}")],
        ["state", "=", "done"]
    ]);
    let gone =
        format!("the record of {original} is not there as it was posted: look in Odoo, then discard this");
    let twice = format!("{original} was taken back already: discard this");
    [
        Expect::count(model, done, 1, Say::new(Why::UndoByHand, gone)),
        Expect::count(PICKING, back, 0, Say::new(Why::UndoByHand, twice)),
    ]
}

/// Takes scrap back from where Odoo put it to where it lay.
fn scrap(
    case: &Case<'_>,
    resolver: Resolver<'_>,
    message: &ScrapReport,
    original: &MessageId,
) -> Ask<Posting> {
    let Some(code) = &message.location else {
        return Err(by_hand(original));
    };
    let (place, (item, units)) = both(
        resolver.location(code),
        both(resolver.item(&message.item), resolver.units()),
    )?;
    check_place(place)?;
    let operation = place.transfers.ok_or_else(|| by_hand(original))?;
    let captured = Captured {
        code: &message.item,
        item,
        lot: message.lot.as_ref(),
        quantity: &message.quantity,
    };
    let policies = case.policies.at(case.stamp.kind, Some(&place.name));
    let goods = Goods::known(resolver, units, captured, None);
    let (goods, occurred) = both(goods, time::dating(case, resolver, policies.dating))?;

    let scrapped = json!([
        ["origin", "=like", format!("%Millrace {original}%")],
        ["state", "=", "done"],
        ["product_id", "=", goods.item.id],
        ["location_id", "=", place.id]
    ]);
    let say = Say::new(
        Why::UndoByHand,
        "the scrap is not there as it was posted: look in Odoo, then discard this",
    );
    let from = at("s.0.scrap_location_id.0");
    let mut line = goods.line(place.id, place.id);
    line["location_id"] = from.clone();
    let row = json!({
        "picking_type_id": operation, "location_id": from, "location_dest_id": place.id,
        "origin": time::origin(case), "move_line_ids": [[0, 0, line]]
    });
    let steps = Steps::guarded(guards("stock.scrap", original))
        .and([goods.guard(), location_guard(place, code)])
        .and(goods.lot_guard())
        .read(
            "s",
            Call::search_read("stock.scrap", scrapped, &["scrap_location_id"]),
            [Expect::len(1, say)],
        )
        .create("p", PICKING, vec![row]);
    let back = json!([
        ["picking_id", "in", at("p")],
        ["state", "=", "done"],
        ["product_id", "=", goods.item.id],
        ["lot_id", "=", goods.lot_id()],
        ["quantity", "=", goods.amount()],
        ["product_uom_id", "=", goods.unit],
        ["location_dest_id", "=", place.id]
    ]);
    let say = Say::new(Why::NotDone, "the scrap was not taken back as it was scrapped");
    let steps = validated(steps, occurred)
        .and([Expect::count("stock.move.line", back, 1, say)])
        .read("r", Call::read(PICKING, at("p"), &["name"]), []);
    let data = json!({
        "name": at("r.0.name"), "captured": case.captured.as_millisecond(), "back": goods.words(), "to": place.name
    });
    let trail = Trail {
        model: PICKING,
        id: at("p.0"),
        data,
    };
    let shards = goods.shards([place.id]).into_iter().collect();
    let context = transfer_context(time::context(case, policies));
    Ok(Posting::new(vec![(case.stamp.clone(), trail)], steps, shards).context(context))
}
