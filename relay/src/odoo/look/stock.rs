//! What lies at a place, what moved there since a time, and which of it our own messages moved.
//!
//! A movement is ours if the addon's inbox names its order, transfer, scrap or move as a message's outcome; the outcome
//! says when the message was captured. Counts name the quant that they set instead of a move.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{ROWS, Reader};
use crate::odoo::client::Patience;
use crate::odoo::json::{Record, records};
use crate::post::{COUNT_PREFIX, Movement, Place, Stock};
use crate::target::Fault;

const QUANT: &str = "stock.quant";

/// A record that a posting named as its outcome.
type Trace = (&'static str, i64);

pub(super) async fn stock(
    reader: &Reader<'_>,
    domain: &str,
    place: Place,
    since: Timestamp,
) -> Result<Stock, Fault> {
    let mut stock = Stock::default();
    let mut quants = Vec::new();
    let (product, location) = (place.product, place.location);
    let lot = place.lot.map_or(json!(false), |lot| json!(lot));
    let here = json!([
        ["product_id", "=", product],
        ["location_id", "=", location],
        ["lot_id", "=", lot]
    ]);
    let fields = json!({ "quantity": {}, "package_id": {}, "owner_id": {} });
    for row in records(&reader.search("stock.quant", here, fields).await?)? {
        if row.link("package_id").is_some() || row.link("owner_id").is_some() {
            stock.other_rows += usize::from(!row.figure("quantity")?.is_zero());
        } else {
            stock.book += row.figure("quantity")?;
            stock.rows += 1;
            quants.push(row.id()?);
        }
    }
    let answer = lines(reader, place, &lot, since).await?;
    let lines = records(&answer)?;
    let mut causes = Causes::default();
    for (model, ids) in by_model(lines.iter().flat_map(|line| traces(*line))) {
        causes.read(reader, domain, model, &ids).await?;
    }
    causes.read(reader, domain, QUANT, &quants).await?;
    for line in lines {
        stock.movements.push(movement(line, location, &quants, &causes)?);
    }
    Ok(stock)
}

async fn lines(reader: &Reader<'_>, place: Place, lot: &Value, since: Timestamp) -> Result<Value, Fault> {
    let domain = json!([
        ["product_id", "=", place.product],
        ["lot_id", "=", lot],
        ["state", "=", "done"],
        ["date", ">=", since.strftime("%Y-%m-%d %H:%M:%S").to_string()],
        "|",
        ["location_id", "=", place.location],
        ["location_dest_id", "=", place.location]
    ]);
    let moved = json!({
        "is_inventory": {}, "raw_material_production_id": {}, "production_id": {}, "scrap_id": {}
    });
    let fields = json!({
        "quantity_product_uom": {}, "location_id": {}, "location_dest_id": {}, "date": {}, "reference": {},
        "picking_id": {}, "move_id": { "fields": moved },
        "write_uid": { "fields": { "display_name": {} } }
    });
    reader.search("stock.move.line", domain, fields).await
}

/// The records that a posting could have named for this line.
fn traces(line: Record<'_>) -> Vec<Trace> {
    let moved = line.inner("move_id");
    let named = [
        ("mrp.production", moved.link("raw_material_production_id")),
        ("mrp.production", moved.link("production_id")),
        ("stock.scrap", moved.link("scrap_id")),
        ("stock.picking", line.link("picking_id")),
        ("stock.move", moved.id().ok()),
    ];
    named
        .into_iter()
        .filter_map(|(model, id)| id.map(|id| (model, id)))
        .collect()
}

fn by_model(traces: impl Iterator<Item = Trace>) -> BTreeMap<&'static str, Vec<i64>> {
    let mut models: BTreeMap<_, Vec<i64>> = BTreeMap::new();
    for (model, id) in traces {
        models.entry(model).or_default().push(id);
    }
    models
}

/// When the messages were captured that named these records as their outcome, first and last.
#[derive(Default)]
struct Causes(BTreeMap<Trace, (Timestamp, Timestamp)>);

impl Causes {
    async fn read(
        &mut self,
        reader: &Reader<'_>,
        domain: &str,
        model: &'static str,
        ids: &[i64],
    ) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        let asked = json!({
            "domain": [
                ["domain_id.name", "=", domain], ["state", "=", "done"],
                ["res_model", "=", model], ["res_id", "in", ids]
            ],
            "fields": ["res_id", "data"],
            "limit": ROWS,
        });
        let answer = reader
            .caller
            .call("millrace.inbox", "search_read", &asked, Patience::Short)
            .await?;
        for row in records(&answer)? {
            let captured = row.inner("data").get("captured").as_i64();
            let time = captured.and_then(|ms| Timestamp::from_millisecond(ms).ok());
            if let (Some(time), Some(id)) = (time, row.get("res_id").as_i64()) {
                let span = self.0.entry((model, id)).or_insert((time, time));
                *span = (span.0.min(time), span.1.max(time));
            }
        }
        Ok(())
    }

    fn of(&self, traces: impl IntoIterator<Item = Trace>) -> Option<(Timestamp, Timestamp)> {
        traces.into_iter().find_map(|trace| self.0.get(&trace).copied())
    }
}

fn movement(line: Record<'_>, location: i64, quants: &[i64], causes: &Causes) -> Result<Movement, Fault> {
    let amount = line.figure("quantity_product_uom")?;
    let inward = line.linked("location_dest_id")? == location;
    let who = line.inner("write_uid").text("display_name");
    let reference = line.text("reference");
    let is_count = line.inner("move_id").flag("is_inventory");
    let captured = if is_count && reference.starts_with(COUNT_PREFIX) {
        // Which of several counts of the place made this line is not kept; the latest of them decides.
        causes
            .of(quants.iter().map(|id| (QUANT, *id)))
            .map(|(_, last)| (last, last))
    } else {
        causes.of(traces(line))
    };
    Ok(Movement {
        quantity: if inward { amount } else { -amount },
        reference: format!("{reference} by {who} at {}", line.time("date")?),
        is_count,
        captured,
    })
}
