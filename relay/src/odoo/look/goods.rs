//! Items, lots, locations and units.

use std::collections::{BTreeMap, BTreeSet};

use millrace_shared::message::Code;
use rust_decimal::Decimal;
use serde_json::json;

use super::{Reader, choose, list};
use crate::odoo::json::{Record, records};
use crate::post::{Fact, Facts, Item, Location, Question, Unit, Units, gtin_forms};
use crate::target::{Class, Fault};

/// Products by barcode, internal reference, or the barcode of a packaging.
pub(super) async fn items(
    reader: &Reader<'_>,
    codes: &BTreeSet<Code>,
    facts: &mut Facts,
) -> Result<(), Fault> {
    if codes.is_empty() {
        return Ok(());
    }
    let company = reader.company;
    let forms: BTreeSet<String> = codes.iter().flat_map(|code| gtin_forms(code.as_str())).collect();
    let domain = json!([
        ["company_id", "in", [false, company]],
        "|",
        "|",
        ["barcode", "in", forms],
        ["default_code", "in", list(codes)],
        ["product_uom_ids.barcode", "in", forms]
    ]);
    let fields = json!({
        "display_name": {}, "barcode": {}, "default_code": {}, "tracking": {}, "is_storable": {}, "uom_id": {},
        "active": {}, "product_uom_ids": { "fields": { "barcode": {}, "uom_id": {}, "company_id": {} } }
    });
    let answer = reader.search("product.product", domain, fields).await?;
    let products = records(&answer);
    for code in codes {
        let mut found = Vec::new();
        for product in &products {
            for unit in units_of(*product, code, company) {
                let name = product.text("display_name");
                found.push((item(*product, unit)?, name, product.flag("active")));
            }
        }
        facts.learn(
            Question::Item {
                company,
                code: code.clone(),
            },
            Fact::Item(choose(found)),
        );
    }
    Ok(())
}

/// The units in which this code means this product: its own, a packaging's, or none.
fn units_of(product: Record<'_>, code: &Code, company: i64) -> BTreeSet<Option<i64>> {
    let forms = gtin_forms(code.as_str());
    let labelled = |record: Record<'_>| forms.contains(&record.text("barcode"));
    let here = |packaging: &Record<'_>| packaging.link("company_id").is_none_or(|of| of == company);
    let packagings = product.list("product_uom_ids").filter(here);
    let packed = packagings
        .filter(|packaging| labelled(*packaging))
        .map(|packaging| packaging.link("uom_id"));
    let plain = labelled(product) || product.text("default_code") == code.as_str();
    plain
        .then(|| product.link("uom_id"))
        .into_iter()
        .chain(packed)
        .collect()
}

fn item(product: Record<'_>, code_unit: Option<i64>) -> Result<Item, Fault> {
    let unit = product.linked("uom_id")?;
    Ok(Item {
        id: product.id()?,
        name: product.text("display_name"),
        tracking: product.tracking("tracking")?,
        stored: product.flag("is_storable"),
        unit,
        code_unit: code_unit.unwrap_or(unit),
    })
}

/// Lots by name, each of its product.
pub(super) async fn lots(
    reader: &Reader<'_>,
    lots: &BTreeSet<(i64, Code)>,
    facts: &mut Facts,
) -> Result<(), Fault> {
    if lots.is_empty() {
        return Ok(());
    }
    let company = reader.company;
    let products: BTreeSet<i64> = lots.iter().map(|(product, _)| *product).collect();
    let domain = json!([
        ["company_id", "in", [false, company]],
        ["product_id", "in", products],
        ["name", "in", list(lots.iter().map(|(_, name)| name))]
    ]);
    let answer = reader
        .search("stock.lot", domain, json!({ "name": {}, "product_id": {} }))
        .await?;
    let known = records(&answer);
    for (product, name) in lots {
        let mut found = Vec::new();
        for lot in &known {
            if lot.linked("product_id")? == *product && lot.text("name") == name.as_str() {
                found.push((lot.id()?, format!("lot {}", lot.id()?), true));
            }
        }
        let question = Question::Lot {
            company,
            product: *product,
            name: name.clone(),
        };
        facts.learn(question, Fact::Lot(choose(found)));
    }
    Ok(())
}

/// Locations by barcode or complete name.
pub(super) async fn locations(
    reader: &Reader<'_>,
    codes: &BTreeSet<Code>,
    facts: &mut Facts,
) -> Result<(), Fault> {
    if codes.is_empty() {
        return Ok(());
    }
    let company = reader.company;
    let wanted = list(codes);
    let domain = json!([
        ["company_id", "in", [false, company]],
        "|",
        ["barcode", "in", wanted],
        ["complete_name", "in", wanted]
    ]);
    let fields = json!({
        "barcode": {}, "complete_name": {}, "usage": {}, "active": {},
        "warehouse_id": { "fields": { "int_type_id": {} } }
    });
    let answer = reader.search("stock.location", domain, fields).await?;
    let known = records(&answer);
    for code in codes {
        let named = |location: &&Record<'_>| {
            [location.text("barcode"), location.text("complete_name")]
                .iter()
                .any(|name| name == code.as_str())
        };
        let mut found = Vec::new();
        for location in known.iter().filter(named) {
            let name = location.text("complete_name");
            let transfers = location.inner("warehouse_id").link("int_type_id");
            let usage = location.text("usage");
            let place = Location {
                id: location.id()?,
                name: name.clone(),
                usage,
                transfers,
            };
            found.push((place, name, location.flag("active")));
        }
        facts.learn(
            Question::Location {
                company,
                code: code.clone(),
            },
            Fact::Location(choose(found)),
        );
    }
    Ok(())
}

/// All units. Archived ones keep their meaning for the records that use them, but no code names them.
pub(super) async fn units(reader: &Reader<'_>) -> Result<Units, Fault> {
    let fields = json!({ "name": {}, "factor": {}, "parent_path": {}, "rounding": {}, "active": {} });
    let answer = reader.search("uom.uom", json!([]), fields).await?;
    let mut units = Units::default();
    for unit in records(&answer) {
        let root = unit
            .text("parent_path")
            .split('/')
            .next()
            .and_then(|id| id.parse().ok());
        units.digits = units.digits.max(digits(unit.factor("rounding")?)?);
        units.units.push(Unit {
            id: unit.id()?,
            name: unit.text("name"),
            factor: unit.factor("factor")?,
            root: root.unwrap_or(unit.id()?),
            active: unit.flag("active"),
        });
    }
    Ok(units)
}

/// Decimal places of a rounding such as 0.01.
fn digits(rounding: Decimal) -> Result<u32, Fault> {
    let places: BTreeMap<Decimal, u32> = (0..=9).map(|places| (Decimal::new(1, places), places)).collect();
    places.get(&rounding.normalize()).copied().ok_or_else(|| {
        Fault::new(
            Class::Configuration,
            format!("Odoo rounds quantities to {rounding}, not to decimal places"),
        )
    })
}
