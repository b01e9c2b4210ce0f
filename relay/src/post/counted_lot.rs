//! The lot that was counted: one that Odoo knows, or a new one where the plant lets counts make lots.

use millrace_shared::message::Code;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::fact::Item;
use super::plan::{Ask, Halt};
use super::resolve::{Resolver, lot_guard};
use super::step::{Expect, at};
use super::steps::{Guarded, Owing, Steps};
use super::why::{Say, Why};

const MODEL: &str = "stock.lot";

/// A lot or serial number of a product.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CountedLot {
    /// None: it is made with the count.
    pub(super) id: Option<i64>,
    name: Code,
    product: i64,
    company: i64,
}

impl CountedLot {
    /// The lot of this name. One that is not known is new where `may_be_new`, and if anything of it lies there.
    pub(super) fn find(
        resolver: Resolver<'_>,
        item: &Item,
        name: &Code,
        (counted, may_be_new): (Decimal, bool),
    ) -> Ask<Self> {
        let id = match resolver.lot(item, name) {
            Ok(id) => Some(id),
            Err(Halt::Hold(hold))
                if may_be_new && !counted.is_zero() && hold.reason.code == Why::UnknownLot.word() =>
            {
                None
            }
            Err(halt) => return Err(halt),
        };
        Ok(Self {
            id,
            name: name.clone(),
            product: item.id,
            company: resolver.company,
        })
    }

    /// Its id, in a posting that makes at most one.
    pub(super) fn value(&self) -> Value {
        self.id.map_or_else(|| at("l.0"), Value::from)
    }

    /// That it is still what it was found to be, or still unknown.
    pub(super) fn guard(&self) -> Expect {
        let Some(id) = self.id else {
            let domain = json!([
                ["name", "=", self.name.as_str()],
                ["product_id", "=", self.product],
                ["company_id", "in", [false, self.company]]
            ]);
            let text = format!("lot {} was made after it was looked for", self.name);
            return Expect::count(MODEL, domain, 0, Say::new(Why::Changed, text));
        };
        lot_guard(id, self.product, &self.name)
    }

    /// Makes it if it is new.
    pub(super) fn make(&self, guarded: Steps<Guarded>) -> Steps<Owing> {
        match self.id {
            Some(_) => guarded.begin(),
            None => {
                let row = json!({ "name": self.name.as_str(), "product_id": self.product });
                guarded.create("l", MODEL, vec![row])
            }
        }
    }

    /// What no two transactions may make at the same time.
    pub(super) fn lock(&self) -> Option<String> {
        let new = self.id.is_none();
        new.then(|| format!("lot:{}:{}", self.product, self.name))
    }
}
