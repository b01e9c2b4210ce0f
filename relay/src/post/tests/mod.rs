//! What the pure tests share: a small plant as facts, and messages captured in it.

mod golden;
mod grouping;
mod planning;

use jiff::Timestamp;
use millrace_shared::ident::{Digest, Epoch, Lane, MessageId, Position};
use millrace_shared::message::{Kind, Message, SCHEMA};
use serde_json::Value;

use super::*;

const COMPANY: i64 = 1;
const UNIT: i64 = 1;
const CASE: i64 = 3;
const KG: i64 = 16;
const STOCK: i64 = 5;
const LINE: i64 = 51;

/// A message with what its case needs.
struct Paper {
    stamp: Stamp,
    message: Message,
    policies: PolicyTable,
    captured: Timestamp,
    released: bool,
}

/// The message of this number.
fn paper(number: u64, kind: &str, body: Value) -> Paper {
    let kind: Kind = kind.parse().unwrap();
    let position = Position {
        epoch: Epoch(1),
        lane: Lane::Normal,
        sequence: number,
    };
    let digest = Digest::of(&number.to_le_bytes());
    Paper {
        stamp: Stamp {
            id: MessageId::new("plant-a".parse().unwrap(), position, &digest),
            digest,
            attempt: 1,
            kind,
            station: Some("line 1".into()),
            operator: None,
        },
        message: Message::parse(kind, SCHEMA, &body.to_string()).unwrap(),
        policies: PolicyTable::default(),
        captured: Timestamp::from_second(1_780_000_000).unwrap(),
        released: false,
    }
}

impl Paper {
    /// Its plan, with every question answered by the plant.
    fn plan(&self, plant: &Plant) -> Plan {
        let mut facts = Facts::default();
        for _ in 0..8 {
            let case = Case {
                stamp: &self.stamp,
                message: &self.message,
                reverses: None,
                captured: self.captured,
                offset_minutes: 0,
                company: COMPANY,
                policies: &self.policies,
                released: self.released,
            };
            match plan(&case, &facts) {
                Plan::Need(questions) => {
                    for question in questions {
                        let fact = plant.answer(&question);
                        facts.learn(question, fact);
                    }
                }
                done => return done,
            }
        }
        panic!("the plan never ends");
    }

    fn posting(&self, plant: &Plant) -> Posting {
        match self.plan(plant) {
            Plan::Post(posting) => *posting,
            other => panic!("{other:?}"),
        }
    }

    /// The word of the reason against it.
    fn word(&self, plant: &Plant) -> String {
        match self.plan(plant) {
            Plan::Refuse(reason) => reason.code,
            Plan::Hold(hold) => hold.reason.code,
            other => panic!("{other:?}"),
        }
    }
}

/// What a plant's Odoo would answer.
#[derive(Default)]
struct Plant {
    stock: Stock,
    order: Option<Order>,
}

impl Plant {
    fn answer(&self, question: &Question) -> Fact {
        match question {
            Question::Item { code, .. } => Fact::Item(item(code.as_str())),
            Question::Location { code, .. } => Fact::Location(location(code.as_str())),
            Question::Units => Fact::Units(units()),
            Question::Lot { name, .. } if name.as_str() == "L1" => Fact::Lot(Found::One(15)),
            Question::Lot { .. } => Fact::Lot(Found::Nothing),
            Question::Production { code, .. } => Fact::Production(self.production(code.as_str())),
            Question::Purchase { .. } => Fact::Purchase(Found::One(purchase())),
            Question::Stock(..) => Fact::Stock(self.stock.clone()),
            Question::Period { .. } => Fact::Period(None),
        }
    }

    /// Orders are called `MO/<number>`; the number is the order's id, a hundred more is its group's.
    fn production(&self, code: &str) -> Found<Production> {
        let Some(id) = code.strip_prefix("MO/").and_then(|id| id.parse::<i64>().ok()) else {
            return Found::Nothing;
        };
        let mut order = self.order.clone().unwrap_or_else(plain_order);
        order.id = id;
        order.name = code.to_owned();
        for line in &mut order.components {
            line.id += 10 * id;
        }
        Found::One(Production {
            group: 100 + id,
            open: vec![order],
            closed: None,
        })
    }
}

fn item(code: &str) -> Found<Item> {
    let item = |id, name: &str, tracking, unit, code_unit| {
        Found::One(Item {
            id,
            name: name.into(),
            tracking,
            stored: true,
            unit,
            code_unit,
        })
    };
    match code {
        "RAW" => item(70, "Raw", Tracking::Lot, KG, KG),
        "BOLT" => item(69, "Bolt", Tracking::None, UNIT, UNIT),
        "BOLT-CASE" => item(69, "Bolt", Tracking::None, UNIT, CASE),
        "OTHER" => item(68, "Other", Tracking::None, UNIT, UNIT),
        "MADE" => item(71, "Made", Tracking::None, UNIT, UNIT),
        "TWO" => Found::Several(vec!["Two A".into(), "Two B".into()]),
        _ => Found::Nothing,
    }
}

fn location(code: &str) -> Found<Location> {
    let (id, usage) = match code {
        "WH/Stock" => (STOCK, "internal"),
        "WH/Line" => (LINE, "internal"),
        "Vendors" => (8, "supplier"),
        _ => return Found::Nothing,
    };
    Found::One(Location {
        id,
        name: code.into(),
        usage: usage.into(),
        transfers: Some(7),
    })
}

fn units() -> Units {
    let unit = |id, name: &str, factor: i64, root| Unit {
        id,
        name: name.into(),
        factor: factor.into(),
        root,
        active: true,
    };
    Units {
        digits: 2,
        units: vec![
            unit(UNIT, "Units", 1, UNIT),
            unit(CASE, "Case", 12, UNIT),
            unit(15, "g", 1, 15),
            unit(KG, "kg", 1000, 15),
        ],
    }
}

/// Ten of an untraced product from four bolts each.
fn plain_order() -> Order {
    Order {
        id: 0,
        name: String::new(),
        state: "confirmed".into(),
        product: 71,
        product_name: "Made".into(),
        tracking: Tracking::None,
        unit: UNIT,
        product_unit: UNIT,
        planned: 10.into(),
        registered: 0.into(),
        lots: Vec::new(),
        source_id: STOCK,
        source: "WH/Stock".into(),
        production_at: 15,
        to: STOCK,
        transfers: Some(7),
        components: vec![component(1, 69, "Bolt", Tracking::None, UNIT, 40)],
        traced_byproducts: false,
    }
}

fn component(id: i64, product: i64, name: &str, tracking: Tracking, unit: i64, planned: i64) -> Component {
    Component {
        id,
        product,
        product_name: name.into(),
        tracking,
        unit,
        planned: planned.into(),
        quantity: 0.into(),
        used: false,
        lots: Vec::new(),
        from: STOCK,
        to: 15,
        reserved_at: Vec::new(),
    }
}

fn purchase() -> Purchase {
    Purchase {
        id: 16,
        name: "P00016".into(),
        state: "purchase".into(),
        lines: vec![Arrival {
            id: 333,
            receipt: 44,
            receipt_name: "WH/IN/00044".into(),
            product: 70,
            unit: KG,
            expected: 10.into(),
            from: 4,
            to: STOCK,
        }],
    }
}
