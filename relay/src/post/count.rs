//! `inventory.count`: this much lies there, at the time of capture.
//!
//! Odoo sets the quantity at the time of posting; what moved in between is the matter of `stale`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use millrace_shared::message::{Code, InventoryCount};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::counted_lot::CountedLot;
use super::fact::{Item, Location, Stock, Tracking};
use super::plan::{Ask, Case, Halt, both};
use super::posting::{Posting, Shard, Stamp, Trail};
use super::question::{Place, Question};
use super::resolve::{Resolver, check_lot, check_place, item_guard, location_guard};
use super::shape::Shape;
use super::step::{Call, Expect, at};
use super::steps::Steps;
use super::time::{dating, odoo_time};
use super::why::{Say, Why};
use super::{measure, stale, time};

/// How the movements of a count begin in Odoo, so that they are known again.
pub const COUNT_PREFIX: &str = "Millrace ";

/// One count, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    stamp: Stamp,
    code: Code,
    item: Item,
    location_code: Code,
    location: Location,
    lot: Option<CountedLot>,
    /// To set: what was counted and what our own later messages moved since.
    quantity: Decimal,
    counted: Decimal,
    captured: Timestamp,
    /// Done movements since the count that this row knows of; one more and it is stale.
    movements: usize,
    /// Odoo keeps the place in several rows, which must be merged before one can be set.
    scattered: bool,
    occurred: Option<Timestamp>,
    context: Value,
}

pub(super) fn plan(case: &Case<'_>, resolver: Resolver<'_>, message: &InventoryCount) -> Ask<Posting> {
    let codes = both(resolver.item(&message.item), resolver.location(&message.location));
    let ((item, location), units) = both(codes, resolver.units())?;
    check_place(location)?;
    check_goods(item, message.lot.as_ref())?;
    let counted = units.exact(&message.quantity, item.code_unit, item.unit)?;
    check_serial(item, counted)?;
    let policies = case.policies.at(case.stamp.kind, Some(&location.name));
    let how = (counted, policies.new_lots_in_counts);
    let find = |name| CountedLot::find(resolver, item, name, how);
    let lot = message.lot.as_ref().map(find).transpose()?;
    let place = Place {
        product: item.id,
        location: location.id,
        lot: lot.as_ref().and_then(|lot| lot.id),
    };
    let empty = Stock::default();
    let stock = match &lot {
        Some(CountedLot { id: None, .. }) => Ok(&empty),
        _ => resolver
            .facts
            .stock(Question::Stock(place, time::second(case.captured))),
    };
    let (stock, occurred) = both(stock, dating(case, resolver, policies.dating))?;
    let row = Row {
        stamp: case.stamp.clone(),
        code: message.item.clone(),
        item: item.clone(),
        location_code: message.location.clone(),
        location: location.clone(),
        lot,
        quantity: counted + stale::moved_since(case, item, counted, stock)?,
        counted,
        captured: case.captured,
        movements: stock.movements.len(),
        scattered: stock.rows > 1,
        occurred,
        context: time::context(case, policies),
    };
    Ok(build(&[row]))
}

fn check_goods(item: &Item, lot: Option<&Code>) -> Ask<()> {
    if !item.stored {
        let text = format!(
            "Odoo keeps no stock of {}: discard, or track its inventory",
            item.name
        );
        return Err(Halt::because(Why::NotStored, text));
    }
    check_lot(item.tracking, lot, &item.name)
}

fn check_serial(item: &Item, counted: Decimal) -> Ask<()> {
    if item.tracking == Tracking::Serial && counted != Decimal::ZERO && counted != Decimal::ONE {
        let text = format!(
            "a serial number of {} is there or not, not {counted} times",
            item.name
        );
        return Err(Halt::because(Why::SerialCount, text));
    }
    Ok(())
}

/// One posting of counts of different places. The first row's context is that of all: see [`Row::like`].
pub(super) fn build(rows: &[Row]) -> Posting {
    let guarded = Steps::guarded([lines_guard(rows)]).and(rows.iter().flat_map(Row::guards));
    let begun = match new_lot(rows) {
        Some(lot) => lot.make(guarded),
        None => guarded.begin(),
    };
    let vals = rows.iter().map(Row::vals).collect();
    let made = if rows.iter().any(|row| row.scattered) {
        // A task of Odoo's that its own inventory screen starts; the window that it answers is no failure.
        let merge = Call::on("stock.quant", "action_view_inventory").may_open_window();
        begun.change("merge", merge).create("q", "stock.quant", vals)
    } else {
        begun.create("q", "stock.quant", vals)
    };
    let quantities: Vec<Value> = rows.iter().map(|row| measure::json(row.quantity)).collect();
    let set = Say::new(Why::NotDone, "the counted quantity was not set");
    let scattered = Say::new(Why::Changed, "Odoo keeps the place in several rows");
    let apply = Call::of("stock.quant", "action_apply_inventory", at("q"));
    let apply = match rows.first().and_then(|row| row.occurred) {
        Some(time) => apply.with(json!({ "date": odoo_time(time) })),
        None => apply,
    };
    let steps = made.change("apply", apply).proven_by([
        Expect::values("stock.quant", at("q"), json!({ "quantity": quantities }), set),
        Expect::count(
            "stock.quant",
            any(rows.iter().map(Row::place_domain)),
            rows.len(),
            scattered,
        ),
    ]);
    let trails = rows
        .iter()
        .enumerate()
        .map(|(k, row)| (row.stamp.clone(), row.trail(k)))
        .collect();
    let shards = rows.iter().flat_map(Row::shards).collect();
    let mut context = rows.first().map_or(json!({}), |row| row.context.clone());
    context["inventory_mode"] = true.into();
    context["inventory_name"] = audit_name(rows).into();
    let locks = rows
        .iter()
        .map(|row| format!("quant:{}:{}", row.item.id, row.location.id))
        .chain(new_lot(rows).and_then(CountedLot::lock));
    let places: Vec<Shard> = rows.iter().flat_map(Row::shards).collect();
    Posting::new(trails, steps, shards)
        .assuming(places)
        .context(context)
        .locking(locks)
        .shaped(Shape::Counts(rows.to_vec()))
}

/// The lot that the posting makes first. Such a count stands alone.
fn new_lot(rows: &[Row]) -> Option<&CountedLot> {
    let mut lots = rows.iter().filter_map(|row| row.lot.as_ref());
    lots.find(|lot| lot.id.is_none())
}

/// What Odoo shows as the reason of the movements. One for all rows of a group; the inbox has each message's own.
fn audit_name(rows: &[Row]) -> String {
    let first = rows
        .first()
        .map(|row| row.stamp.id.to_string())
        .unwrap_or_default();
    match rows.len() {
        0 | 1 => format!("{COUNT_PREFIX}{first}"),
        more => format!("{COUNT_PREFIX}{first} +{}", more - 1),
    }
}

/// That nothing moved at the places but what the plans knew of: one question for each row, as times differ. Of a lot
/// that is still unknown nothing can have moved.
fn lines_guard(rows: &[Row]) -> Expect {
    if let Some(lot) = new_lot(rows) {
        return lot.guard();
    }
    let say = Say::new(Why::Changed, "something moved there after the book was looked at");
    let domain = any(rows.iter().map(Row::lines_domain));
    Expect::count(
        "stock.move.line",
        domain,
        rows.iter().map(|row| row.movements).sum(),
        say,
    )
}

/// A domain that any of these satisfies.
fn any(domains: impl Iterator<Item = Vec<Value>>) -> Value {
    let domains: Vec<Vec<Value>> = domains.collect();
    let ors = std::iter::repeat_n(json!("|"), domains.len().saturating_sub(1));
    ors.chain(domains.iter().flatten().cloned()).collect()
}

impl Row {
    /// Whether both can stand in one posting. Where something moved since a count, as after an outage in which a place
    /// was counted again and again, a movement between two counted places of one item would be seen twice.
    pub(super) fn like(&self, other: &Row) -> bool {
        let alone = |row: &Row| row.scattered || row.occurred.is_some() || row.is_new();
        let still = self.movements == 0 && other.movements == 0;
        let apart = still || self.item.id != other.item.id;
        self.context == other.context && apart && !alone(self) && !alone(other)
    }

    /// Whether its lot is made with it: nothing can have moved of that.
    fn is_new(&self) -> bool {
        self.lot.as_ref().is_some_and(|lot| lot.id.is_none())
    }

    /// What may stand in a posting once.
    pub(super) fn place(&self) -> Place {
        let lot = self.lot.as_ref().and_then(|lot| lot.id);
        Place {
            product: self.item.id,
            location: self.location.id,
            lot,
        }
    }

    fn lot_id(&self) -> Value {
        self.lot.as_ref().map_or(Value::Bool(false), CountedLot::value)
    }

    fn guards(&self) -> Vec<Expect> {
        let mut guards = vec![
            item_guard(&self.item, &self.code),
            location_guard(&self.location, &self.location_code),
        ];
        guards.extend(self.lot.as_ref().map(CountedLot::guard));
        guards
    }

    fn vals(&self) -> Value {
        json!({
            "product_id": self.item.id, "location_id": self.location.id, "lot_id": self.lot_id(),
            "inventory_quantity": measure::json(self.quantity)
        })
    }

    fn place_domain(&self) -> Vec<Value> {
        let mut domain = vec![json!("&"); 4];
        domain.extend([
            json!(["product_id", "=", self.item.id]),
            json!(["location_id", "=", self.location.id]),
            json!(["lot_id", "=", self.lot_id()]),
            json!(["package_id", "=", false]),
            json!(["owner_id", "=", false]),
        ]);
        domain
    }

    fn lines_domain(&self) -> Vec<Value> {
        let mut domain = vec![json!("&"); 4];
        domain.extend([
            json!(["product_id", "=", self.item.id]),
            json!(["lot_id", "=", self.lot_id()]),
            json!(["state", "=", "done"]),
            json!(["date", ">=", odoo_time(self.captured)]),
            json!("|"),
            json!(["location_id", "=", self.location.id]),
            json!(["location_dest_id", "=", self.location.id]),
        ]);
        domain
    }

    fn shards(&self) -> BTreeSet<Shard> {
        BTreeSet::from([Shard::Stock {
            product: self.item.id,
            location: self.location.id,
        }])
    }

    fn trail(&self, index: usize) -> Trail {
        let data = json!({
            "name": format!("{} @ {}", self.item.name, self.location.name),
            "counted": measure::json(self.counted),
            "set": measure::json(self.quantity),
            "captured": self.captured.as_millisecond(),
        });
        Trail {
            model: "stock.quant",
            id: at(format!("q.{index}")),
            data,
        }
    }
}
