//! Production orders by name, or by the name that they had before they were split.
//!
//! Odoo names a production group after its first order and keeps that name, so the printed code is found there when
//! the order itself was renamed. Nothing has to be remembered here.

use std::collections::BTreeSet;

use millrace_shared::message::Code;
use serde_json::{Value, json};

use super::{Reader, list};
use crate::odoo::json::{Record, records};
use crate::post::{Component, Fact, Facts, Found, Order, Production, Question, Tracking};
use crate::target::Fault;

pub(super) async fn productions(
    reader: &Reader<'_>,
    codes: &BTreeSet<Code>,
    facts: &mut Facts,
) -> Result<(), Fault> {
    if codes.is_empty() {
        return Ok(());
    }
    let open = search(reader, codes, "not in", fields()).await?;
    let open = records(&open);
    let answered = |code: &&Code| open.iter().any(|order| named(*order, code));
    let rest: BTreeSet<Code> = codes.iter().filter(|code| !answered(code)).cloned().collect();
    let closed = match rest.is_empty() {
        true => Vec::new(),
        false => search(reader, &rest, "in", naming()).await?,
    };
    let closed = records(&closed);
    for code in codes {
        let found = production(code, &open, &closed)?;
        facts.learn(
            Question::Production {
                company: reader.company,
                code: code.clone(),
            },
            Fact::Production(found),
        );
    }
    Ok(())
}

async fn search(
    reader: &Reader<'_>,
    codes: &BTreeSet<Code>,
    closed: &str,
    fields: Value,
) -> Result<Vec<Value>, Fault> {
    let names = list(codes);
    let domain = json!([
        ["company_id", "=", reader.company],
        ["state", closed, ["done", "cancel"]],
        "|",
        "|",
        ["name", "in", names],
        ["production_group_id.name", "in", names],
        ["production_group_id.production_ids.name", "in", names]
    ]);
    reader.search("mrp.production", domain, fields).await
}

/// What tells whether a code means the order.
fn naming() -> Value {
    json!({
        "name": {}, "state": {},
        "production_group_id": { "fields": { "name": {}, "production_ids": { "fields": { "name": {} } } } }
    })
}

fn fields() -> Value {
    let component = json!({
        "product_id": { "fields": { "display_name": {}, "tracking": {} } }, "product_uom": {}, "product_uom_qty": {},
        "quantity": {}, "picked": {}, "manual_consumption": {}, "state": {}, "location_id": {}, "location_dest_id": {},
        "move_line_ids": { "fields": { "lot_id": {}, "quantity": {}, "location_id": {} } }
    });
    let mut fields = naming();
    fields["product_id"] = json!({ "fields": { "display_name": {}, "tracking": {}, "uom_id": {} } });
    fields["product_uom_id"] = json!({});
    fields["product_qty"] = json!({});
    fields["qty_producing"] = json!({});
    fields["lot_producing_ids"] = json!({ "fields": { "name": {} } });
    fields["location_src_id"] = json!({ "fields": { "complete_name": {} } });
    fields["location_dest_id"] = json!({});
    fields["production_location_id"] = json!({});
    fields["picking_type_id"] = json!({ "fields": { "warehouse_id": { "fields": { "int_type_id": {} } } } });
    fields["move_raw_ids"] = json!({ "fields": component });
    fields["move_byproduct_ids"] =
        json!({ "fields": { "product_id": { "fields": { "tracking": {} } }, "state": {} } });
    fields
}

fn named(order: Record<'_>, code: &Code) -> bool {
    let group = order.inner("production_group_id");
    let mut names = [order.text("name"), group.text("name")]
        .into_iter()
        .chain(group.list("production_ids").map(|sibling| sibling.text("name")));
    names.any(|name| name == code.as_str())
}

fn production(code: &Code, open: &[Record<'_>], closed: &[Record<'_>]) -> Result<Found<Production>, Fault> {
    let open: Vec<Record<'_>> = open.iter().copied().filter(|order| named(*order, code)).collect();
    let closed: Vec<Record<'_>> = closed
        .iter()
        .copied()
        .filter(|order| named(*order, code))
        .collect();
    let mut groups = BTreeSet::new();
    for order in open.iter().chain(&closed) {
        groups.insert(order.linked("production_group_id")?);
    }
    let mut groups = groups.into_iter();
    Ok(match (groups.next(), groups.next()) {
        (None, _) => Found::Nothing,
        (Some(group), None) => Found::One(Production {
            group,
            open: open.iter().map(|order| read(*order)).collect::<Result<_, _>>()?,
            closed: closed.last().map(|order| order.text("state")),
        }),
        _ => Found::Several(
            open.iter()
                .chain(&closed)
                .map(|order| order.text("name"))
                .collect(),
        ),
    })
}

fn read(order: Record<'_>) -> Result<Order, Fault> {
    let product = order.inner("product_id");
    let lots = order
        .list("lot_producing_ids")
        .map(|lot| Ok((lot.id()?, lot.text("name"))));
    let lines = order.list("move_raw_ids").filter(|line| is_open(*line));
    let traced = |line: Record<'_>| {
        is_open(line)
            && line
                .inner("product_id")
                .tracking("tracking")
                .is_ok_and(|t| t != Tracking::None)
    };
    Ok(Order {
        id: order.id()?,
        name: order.text("name"),
        state: order.text("state"),
        product: product.id()?,
        product_name: product.text("display_name"),
        tracking: product.tracking("tracking")?,
        unit: order.linked("product_uom_id")?,
        product_unit: product.linked("uom_id")?,
        planned: order.figure("product_qty")?,
        registered: order.figure("qty_producing")?,
        lots: lots.collect::<Result<_, _>>()?,
        source_id: order.linked("location_src_id")?,
        production_at: order.linked("production_location_id")?,
        source: order.inner("location_src_id").text("complete_name"),
        to: order.linked("location_dest_id")?,
        transfers: order
            .inner("picking_type_id")
            .inner("warehouse_id")
            .link("int_type_id"),
        components: lines.map(component).collect::<Result<_, _>>()?,
        traced_byproducts: order.list("move_byproduct_ids").any(traced),
    })
}

fn is_open(line: Record<'_>) -> bool {
    !["done", "cancel"].contains(&&*line.text("state"))
}

fn component(line: Record<'_>) -> Result<Component, Fault> {
    let product = line.inner("product_id");
    let mut lots = Vec::new();
    let mut reserved_at = BTreeSet::new();
    for part in line.list("move_line_ids") {
        reserved_at.extend(part.link("location_id"));
        if let Some(lot) = part.link("lot_id") {
            lots.push((lot, part.figure("quantity")?));
        }
    }
    Ok(Component {
        id: line.id()?,
        product: product.id()?,
        product_name: product.text("display_name"),
        tracking: product.tracking("tracking")?,
        unit: line.linked("product_uom")?,
        planned: line.figure("product_uom_qty")?,
        quantity: line.figure("quantity")?,
        used: line.flag("picked") && line.flag("manual_consumption"),
        lots,
        from: line.linked("location_id")?,
        to: line.linked("location_dest_id")?,
        reserved_at: reserved_at.into_iter().collect(),
    })
}
