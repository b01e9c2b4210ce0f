//! Purchase orders by name, with what of them may arrive.

use std::collections::BTreeSet;

use millrace_shared::message::Code;
use serde_json::json;

use super::{Reader, choose, list};
use crate::odoo::json::{Record, records};
use crate::post::{Arrival, Fact, Facts, Purchase, Question};
use crate::target::Fault;

pub(super) async fn purchases(
    reader: &Reader<'_>,
    codes: &BTreeSet<Code>,
    facts: &mut Facts,
) -> Result<(), Fault> {
    if codes.is_empty() {
        return Ok(());
    }
    let company = reader.company;
    let domain = json!([["company_id", "=", company], ["name", "in", list(codes)]]);
    let answer = reader
        .search("purchase.order", domain, json!({ "name": {}, "state": {} }))
        .await?;
    let orders = records(&answer);
    let ids: Vec<i64> = orders.iter().map(|order| order.id()).collect::<Result<_, _>>()?;
    let domain = json!([
        ["purchase_line_id.order_id", "in", ids],
        ["picking_id.picking_type_code", "=", "incoming"],
        [
            "state",
            "in",
            ["assigned", "confirmed", "partially_available", "waiting"]
        ]
    ]);
    let fields = json!({
        "purchase_line_id": { "fields": { "order_id": {} } }, "product_id": {}, "product_uom": {},
        "product_uom_qty": {}, "location_id": {}, "location_dest_id": {},
        "picking_id": { "fields": { "name": {} } }
    });
    let moves = reader.search("stock.move", domain, fields).await?;
    let moves = records(&moves);
    for code in codes {
        let mut found = Vec::new();
        for order in orders.iter().filter(|order| order.text("name") == code.as_str()) {
            found.push((purchase(*order, &moves)?, order.text("name"), true));
        }
        facts.learn(
            Question::Purchase {
                company,
                code: code.clone(),
            },
            Fact::Purchase(choose(found)),
        );
    }
    Ok(())
}

fn purchase(order: Record<'_>, moves: &[Record<'_>]) -> Result<Purchase, Fault> {
    let id = order.id()?;
    let own = moves
        .iter()
        .filter(|line| line.inner("purchase_line_id").link("order_id") == Some(id));
    Ok(Purchase {
        id,
        name: order.text("name"),
        state: order.text("state"),
        lines: own.map(|line| arrival(*line)).collect::<Result<_, _>>()?,
    })
}

fn arrival(line: Record<'_>) -> Result<Arrival, Fault> {
    let receipt = line.inner("picking_id");
    Ok(Arrival {
        id: line.id()?,
        receipt: receipt.id()?,
        receipt_name: receipt.text("name"),
        product: line.linked("product_id")?,
        unit: line.linked("product_uom")?,
        expected: line.figure("product_uom_qty")?,
        from: line.linked("location_id")?,
        to: line.linked("location_dest_id")?,
    })
}
