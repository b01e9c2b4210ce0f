//! What a message about goods names: an item, its lot, and how much of it. Consumption, scrap, moves and receipts start
//! from here.

use millrace_shared::message::{Code, Quantity};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::fact::{Item, Tracking, Units};
use super::measure;
use super::plan::{Ask, Halt};
use super::posting::Shard;
use super::resolve::{Resolver, check_lot, item_guard, lot_guard, or_false};
use super::step::Expect;
use super::stock::Taken;
use super::why::Why;

/// Goods with a quantity in one unit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Goods {
    pub(super) code: Code,
    pub(super) item: Item,
    pub(super) lot: Option<(i64, Code)>,
    pub(super) unit: i64,
    pub(super) quantity: Decimal,
}

/// Goods as they were captured, with the item that their code stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Captured<'a> {
    pub(super) code: &'a Code,
    pub(super) item: &'a Item,
    pub(super) lot: Option<&'a Code>,
    pub(super) quantity: &'a Quantity,
}

impl Captured<'_> {
    /// How much it is, with a lot exactly where the item is traced. `unit` is that of the record that the goods are
    /// booked on; without one it is the item's own.
    pub(super) fn measured(&self, units: &Units, unit: Option<i64>) -> Ask<(i64, Decimal)> {
        let Captured {
            code,
            item,
            lot,
            quantity,
        } = self;
        check_lot(item.tracking, *lot, &item.name)?;
        if !item.stored {
            let text = format!(
                "Odoo keeps no stock of {code} ({}): discard, or track its inventory",
                item.name
            );
            return Err(Halt::because(Why::NotStored, text));
        }
        let unit = unit.unwrap_or(item.unit);
        let measured = units.exact(quantity, item.code_unit, unit)?;
        if item.tracking == Tracking::Serial
            && units.between(measured, unit, item.unit)? != Some(Decimal::ONE)
        {
            let text = format!(
                "a serial number of {} is one piece, not {quantity}: amend the quantity",
                item.name
            );
            return Err(Halt::because(Why::SerialCount, text));
        }
        Ok((unit, measured))
    }
}

impl Goods {
    /// Goods whose lot, if they have one, Odoo must know.
    pub(super) fn known(
        resolver: Resolver<'_>,
        units: &Units,
        captured: Captured<'_>,
        unit: Option<i64>,
    ) -> Ask<Goods> {
        let (unit, quantity) = captured.measured(units, unit)?;
        let item = captured.item;
        let lot = captured
            .lot
            .map(|name| resolver.lot(item, name).map(|id| (id, name.clone())))
            .transpose()?;
        Ok(Goods {
            code: captured.code.clone(),
            item: item.clone(),
            lot,
            unit,
            quantity,
        })
    }

    /// That the code still means this item.
    pub(super) fn guard(&self) -> Expect {
        item_guard(&self.item, &self.code)
    }

    /// That the lot still has this name.
    pub(super) fn lot_guard(&self) -> Option<Expect> {
        self.lot
            .as_ref()
            .map(|(id, name)| lot_guard(*id, self.item.id, name))
    }

    pub(super) fn lot_id(&self) -> Value {
        or_false(self.lot.as_ref().map(|(id, _)| *id))
    }

    pub(super) fn amount(&self) -> Value {
        measure::json(self.quantity)
    }

    pub(super) fn taken(&self, location: i64) -> Vec<Taken> {
        vec![Taken {
            product: self.item.id,
            name: self.item.name.clone(),
            location,
        }]
    }

    /// What goods between these locations touch.
    pub(super) fn shards(&self, locations: impl IntoIterator<Item = i64>) -> Vec<Shard> {
        let product = self.item.id;
        let at = |location| Shard::Stock { product, location };
        let lot = self.lot.iter().map(|(_, name)| Shard::Lot {
            product,
            name: name.as_str().to_owned(),
        });
        locations.into_iter().map(at).chain(lot).collect()
    }

    /// A line of a transfer from one location to another.
    pub(super) fn line(&self, from: i64, to: i64) -> Value {
        json!({
            "product_id": self.item.id, "lot_id": self.lot_id(), "quantity": self.amount(),
            "product_uom_id": self.unit, "picked": true, "location_id": from, "location_dest_id": to
        })
    }

    /// For people.
    pub(super) fn words(&self) -> String {
        match &self.lot {
            Some((_, lot)) => format!("{} {} lot {lot}", self.quantity, self.item.name),
            None => format!("{} {}", self.quantity, self.item.name),
        }
    }
}
