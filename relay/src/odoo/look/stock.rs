//! What lies at a place, what moved there since a time, and which of it our own messages moved.
//!
//! A movement is ours if the addon's inbox names its order, transfer, scrap or move as a message's outcome; the outcome
//! says when the message was captured. Counts name the quant that they set instead of a move.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Reader;
use crate::odoo::json::{Record, records};
use crate::post::{COUNT_PREFIX, Movement, Place, Stock};
use crate::target::Fault;

const QUANT: &str = "stock.quant";

/// A record that a posting named as its outcome.
type Trace = (&'static str, i64);

/// Longer than a transaction takes in Odoo: an outcome is dated when its transaction began, a move when it was made.
const TRANSACTION: SignedDuration = SignedDuration::from_hours(1);

/// Most places that are asked for at once.
const PLACES: usize = 50;

/// What lies at each place, and what moved there since its time.
pub(super) async fn stocks(
    reader: &Reader<'_>,
    domain: &str,
    asked: &[(Place, Timestamp)],
) -> Result<Vec<Stock>, Fault> {
    let mut stocks = Vec::with_capacity(asked.len());
    for asked in asked.chunks(PLACES) {
        let (quants, lines) = (quants(reader, asked).await?, lines(reader, asked).await?);
        let (quants, lines) = (records(&quants), records(&lines));
        let mut causes = Causes::default();
        for (model, ids) in by_model(lines.iter().flat_map(|line| traces(*line))) {
            causes.read(reader, domain, model, &ids, None).await?;
        }
        // Of counts only the last matters, and a place that is counted daily has a long past.
        let counted: Vec<i64> = quants.iter().map(|quant| quant.id()).collect::<Result<_, _>>()?;
        let first = asked.iter().map(|(_, since)| *since - TRANSACTION).min();
        causes.read(reader, domain, QUANT, &counted, first).await?;
        for (place, since) in asked {
            stocks.push(stock(*place, *since, &quants, &lines, &causes)?);
        }
    }
    Ok(stocks)
}

async fn quants(reader: &Reader<'_>, asked: &[(Place, Timestamp)]) -> Result<Vec<Value>, Fault> {
    let here = asked.iter().map(|(place, _)| {
        let [product, lot] = goods(*place);
        vec![
            json!("&"),
            json!("&"),
            product,
            lot,
            json!(["location_id", "=", place.location]),
        ]
    });
    let fields = json!({
        "product_id": {}, "lot_id": {}, "location_id": {}, "quantity": {}, "package_id": {}, "owner_id": {}
    });
    reader.search(QUANT, any(here), fields).await
}

async fn lines(reader: &Reader<'_>, asked: &[(Place, Timestamp)]) -> Result<Vec<Value>, Fault> {
    let moved_here = asked.iter().map(|(place, since)| {
        let [product, lot] = goods(*place);
        vec![
            json!("&"),
            json!("&"),
            json!("&"),
            product,
            lot,
            json!(["date", ">=", odoo_time(*since)]),
            json!("|"),
            json!(["location_id", "=", place.location]),
            json!(["location_dest_id", "=", place.location]),
        ]
    });
    let mut domain = any(moved_here);
    if let Value::Array(terms) = &mut domain {
        terms.splice(0..0, [json!("&"), json!(["state", "=", "done"])]);
    }
    let moved = json!({
        "is_inventory": {}, "raw_material_production_id": {}, "production_id": {}, "scrap_id": {}
    });
    let fields = json!({
        "product_id": {}, "lot_id": {}, "quantity_product_uom": {}, "location_id": {}, "location_dest_id": {},
        "date": {}, "reference": {}, "picking_id": {}, "move_id": { "fields": moved },
        "write_uid": { "fields": { "display_name": {} } }
    });
    reader.search("stock.move.line", domain, fields).await
}

/// The terms of a domain that say which goods lie at a place.
fn goods(place: Place) -> [Value; 2] {
    let lot = place.lot.map_or(json!(false), |lot| json!(lot));
    [
        json!(["product_id", "=", place.product]),
        json!(["lot_id", "=", lot]),
    ]
}

/// A time as Odoo's domains have it, without fractions of a second.
fn odoo_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A domain that holds where one of these, each in prefix form, does.
fn any(domains: impl ExactSizeIterator<Item = Vec<Value>>) -> Value {
    let or = std::iter::repeat_n(json!("|"), domains.len().saturating_sub(1));
    or.chain(domains.flatten()).collect()
}

fn stock(
    place: Place,
    since: Timestamp,
    quants: &[Record<'_>],
    lines: &[Record<'_>],
    causes: &Causes,
) -> Result<Stock, Fault> {
    let mut stock = Stock::default();
    let mut here = Vec::new();
    let at = |row: Record<'_>, field: &str| row.link(field) == Some(place.location);
    let is_meant =
        |row: Record<'_>| row.link("product_id") == Some(place.product) && row.link("lot_id") == place.lot;
    for row in quants
        .iter()
        .copied()
        .filter(|row| is_meant(*row) && at(*row, "location_id"))
    {
        if row.link("package_id").is_some() || row.link("owner_id").is_some() {
            stock.other_rows += usize::from(!row.figure("quantity")?.is_zero());
        } else {
            stock.book += row.figure("quantity")?;
            stock.rows += 1;
            here.push(row.id()?);
        }
    }
    for line in lines.iter().copied().filter(|line| is_meant(*line)) {
        let touches = at(line, "location_id") || at(line, "location_dest_id");
        // Odoo's times have no fractions of a second.
        if touches && line.time("date")?.as_second() >= since.as_second() {
            stock
                .movements
                .push(movement(line, place.location, &here, causes)?);
        }
    }
    Ok(stock)
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
        since: Option<Timestamp>,
    ) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut named = json!([
            ["domain_id.name", "=", domain],
            ["state", "=", "done"],
            ["res_model", "=", model],
            ["res_id", "in", ids]
        ]);
        if let (Value::Array(terms), Some(since)) = (&mut named, since) {
            terms.push(json!(["write_date", ">=", odoo_time(since)]));
        }
        let fields = json!({ "res_id": {}, "data": {} });
        let answer = reader.search("millrace.inbox", named, fields).await?;
        for row in records(&answer) {
            let captured = row.inner("data").get("captured").as_i64();
            let time = captured.and_then(|ms| Timestamp::from_millisecond(ms).ok());
            if let (Some(time), Some(id)) = (time, row.link("res_id")) {
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
