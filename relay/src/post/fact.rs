//! Facts of the target: what the questions are answered with. Ids are the target's; quantities are decimals in the unit
//! that stands beside them.

use jiff::Timestamp;
use rust_decimal::Decimal;

/// What a code stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Found<T> {
    /// Exactly this.
    One(T),
    /// Nothing.
    Nothing,
    /// Something that is archived, by name.
    Archived(String),
    /// Several things, by name.
    Several(Vec<String>),
}

/// How a product is traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tracking {
    /// Not at all.
    None,
    /// By lot.
    Lot,
    /// By serial number.
    Serial,
}

impl Tracking {
    /// As Odoo writes it.
    pub fn word(self) -> &'static str {
        match self {
            Tracking::None => "none",
            Tracking::Lot => "lot",
            Tracking::Serial => "serial",
        }
    }
}

/// A product.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its id.
    pub id: i64,
    /// Its name, for people.
    pub name: String,
    /// How it is traced.
    pub tracking: Tracking,
    /// Whether stock is kept of it.
    pub stored: bool,
    /// The unit that its stock is kept in.
    pub unit: i64,
    /// The unit of the code that was asked for: a packaging's own, or the stock's.
    pub code_unit: i64,
}

/// A location.
#[derive(Debug, Clone, PartialEq)]
pub struct Location {
    /// Its id.
    pub id: i64,
    /// Its complete name.
    pub name: String,
    /// Odoo's usage, such as `internal`.
    pub usage: String,
    /// The operation type of internal transfers of its warehouse.
    pub transfers: Option<i64>,
}

/// All units.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Units {
    /// Decimal places that the target keeps of a quantity.
    pub digits: u32,
    /// The units.
    pub units: Vec<Unit>,
}

/// A unit of measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// How many of its root unit it is.
    pub factor: Decimal,
    /// The root unit: two units measure the same thing if they share it.
    pub root: i64,
    /// Whether codes may name it; an archived one keeps its meaning for what uses it.
    pub active: bool,
}

/// A production order with what it was split into.
#[derive(Debug, Clone, PartialEq)]
pub struct Production {
    /// The group that the split orders share.
    pub group: i64,
    /// Those that are neither done nor cancelled.
    pub open: Vec<Order>,
    /// The state of the latest that is, if there is one.
    pub closed: Option<String>,
}

/// An open manufacturing order (`mrp.production`).
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Its id.
    pub id: i64,
    /// Its name now.
    pub name: String,
    /// Its state.
    pub state: String,
    /// What it makes.
    pub product: i64,
    /// That product's name.
    pub product_name: String,
    /// How that is traced.
    pub tracking: Tracking,
    /// The unit of its quantities.
    pub unit: i64,
    /// The unit that stock of the product is kept in.
    pub product_unit: i64,
    /// To make.
    pub planned: Decimal,
    /// Registered as made, not posted yet.
    pub registered: Decimal,
    /// Names and ids of the lots registered as made.
    pub lots: Vec<(i64, String)>,
    /// The place that its components are taken from.
    pub source_id: i64,
    /// That place's complete name.
    pub source: String,
    /// The place that components go to and products come from.
    pub production_at: i64,
    /// Where what it makes goes.
    pub to: i64,
    /// The operation type of internal transfers of its warehouse.
    pub transfers: Option<i64>,
    /// Its component lines that are neither done nor cancelled.
    pub components: Vec<Component>,
    /// The lines of its other products, such as by-products, that are traced.
    pub traced_byproducts: bool,
}

/// A component line (`stock.move`) of an open order.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// The move's id.
    pub id: i64,
    /// The product.
    pub product: i64,
    /// The product's name.
    pub product_name: String,
    /// How it is traced.
    pub tracking: Tracking,
    /// The unit of the line.
    pub unit: i64,
    /// Planned.
    pub planned: Decimal,
    /// Reserved, or registered as used where `used` says so.
    pub quantity: Decimal,
    /// Whether `quantity` was registered by hand.
    pub used: bool,
    /// The lots of `quantity`, line by line.
    pub lots: Vec<(i64, Decimal)>,
    /// Where it is taken.
    pub from: i64,
    /// Where it goes: the production location.
    pub to: i64,
    /// Where it is reserved: places under `from`.
    pub reserved_at: Vec<i64>,
}

/// A purchase order and what of it may arrive.
#[derive(Debug, Clone, PartialEq)]
pub struct Purchase {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: String,
    /// The open lines of its open receipts.
    pub lines: Vec<Arrival>,
}

/// A line (`stock.move`) of an open receipt.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// The move's id.
    pub id: i64,
    /// The receipt's id.
    pub receipt: i64,
    /// The receipt's name.
    pub receipt_name: String,
    /// The product.
    pub product: i64,
    /// The unit of the line.
    pub unit: i64,
    /// Still expected.
    pub expected: Decimal,
    /// Where it comes from.
    pub from: i64,
    /// Where it goes.
    pub to: i64,
}

/// What lies at a place, and what moved there since a time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stock {
    /// How much, in the product's unit: goods without package and owner.
    pub book: Decimal,
    /// In how many rows Odoo keeps it; it writes a second one when the first is locked.
    pub rows: usize,
    /// How many rows hold goods of packages or of other owners.
    pub other_rows: usize,
    /// What moved since, earliest first.
    pub movements: Vec<Movement>,
}

/// One done movement to or from a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Movement {
    /// Into the place positive, out of it negative; in the product's unit.
    pub quantity: Decimal,
    /// What people find it by, with who and when.
    pub reference: String,
    /// Whether it set a counted quantity.
    pub is_count: bool,
    /// When the messages that caused it were captured, first and last; nothing where somebody else caused it.
    pub captured: Option<(Timestamp, Timestamp)>,
}
