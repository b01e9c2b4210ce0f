//! What an integrator's script does: one JSON-2 call for each step of each message, over and over.

use std::time::Instant;

use serde_json::{Value, json};

use crate::odoo::Database;

/// A client with a bot's key.
pub struct Stepwise<'d> {
    /// Where it posts.
    pub database: &'d Database,
    /// The bot's key.
    pub key: String,
    /// Its company.
    pub company: i64,
}

impl Stepwise<'_> {
    fn call(&self, model: &str, method: &str, mut arguments: Value) -> Value {
        arguments["context"]["allowed_company_ids"] = json!([self.company]);
        self.database.call(&self.key, model, method, arguments)
    }

    /// Orders done a second: found, quantity written, components set, done, looked at.
    pub fn orders_per_second(&self, orders: &[String]) -> f64 {
        let start = Instant::now();
        for name in orders {
            let mine = json!([["name", "=", name], ["company_id", "=", self.company]]);
            let found = json!({ "domain": mine, "fields": ["state", "product_qty"] });
            let found = self.call("mrp.production", "search_read", found);
            let ids = json!([found[0]["id"]]);
            let quantity = json!({ "ids": ids, "vals": { "qty_producing": found[0]["product_qty"] } });
            self.call("mrp.production", "write", quantity);
            self.call("mrp.production", "set_qty_producing", json!({ "ids": ids }));
            let skip = json!({ "skip_consumption": true, "skip_backorder": true, "skip_redirection": true });
            self.call(
                "mrp.production",
                "button_mark_done",
                json!({ "ids": ids, "context": skip }),
            );
            let done = self.call(
                "mrp.production",
                "read",
                json!({ "ids": ids, "fields": ["state"] }),
            );
            assert_eq!(done[0]["state"], "done", "{name}: {done}");
        }
        orders.len() as f64 / start.elapsed().as_secs_f64()
    }

    /// Counts applied a second: item found, figure entered, applied. The place was looked up before.
    pub fn counts_per_second(&self, items: &[String], place: &str) -> f64 {
        let named = json!({ "domain": [["barcode", "=", place], ["company_id", "=", self.company]] });
        let place = self.call("stock.location", "search", named)[0].clone();
        let start = Instant::now();
        for code in items {
            let named = json!({ "domain": [["default_code", "=", code], ["company_id", "=", self.company]] });
            let item = self.call("product.product", "search", named)[0].clone();
            let row = json!({ "product_id": item, "location_id": place, "inventory_quantity": 7 });
            let mode = json!({ "inventory_mode": true });
            let made = self.call(
                "stock.quant",
                "create",
                json!({ "vals_list": [row], "context": mode }),
            );
            self.call(
                "stock.quant",
                "action_apply_inventory",
                json!({ "ids": made, "context": mode }),
            );
        }
        items.len() as f64 / start.elapsed().as_secs_f64()
    }
}
