//! Before anything is posted: is this the Odoo that postings are made for? The version's number is not trusted alone;
//! the fields that changed between versions are looked for one by one.

use serde_json::{Value, json};

use super::client::{Caller, Patience};
use super::not_ready;
use crate::target::Fault;

/// The step language that postings are written in.
const LANGUAGE: u64 = 1;
/// The Odoo that postings are made for.
const MAJOR: u64 = 19;
/// The fields of version 19 that postings use and that earlier versions name otherwise, with the app they come from.
const FIELDS: &[(&str, &str, &[&str])] = &[
    (
        "mrp.production",
        "Manufacturing",
        &[
            "lot_producing_ids",
            "production_group_id",
            "qty_producing",
            "qty_produced",
        ],
    ),
    (
        "stock.move",
        "Inventory",
        &[
            "quantity",
            "picked",
            "product_uom",
            "inventory_name",
            "additional",
        ],
    ),
    (
        "stock.move.line",
        "Inventory",
        &["quantity", "picked", "quantity_product_uom"],
    ),
    ("stock.scrap", "Inventory", &["move_ids", "scrap_qty"]),
    (
        "stock.quant",
        "Inventory",
        &["inventory_quantity", "package_id", "owner_id"],
    ),
    (
        "product.product",
        "Inventory",
        &["is_storable", "tracking", "product_uom_ids"],
    ),
    ("uom.uom", "Inventory", &["factor", "parent_path", "rounding"]),
];

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Odoo's version, such as `19.0`.
    pub odoo: String,
    /// The addon's version.
    pub addon: String,
    /// Whether the bot may run postings and take them back.
    pub dry_run: bool,
    /// Whether purchase orders are there.
    pub purchases: bool,
    /// The login of the bot user.
    pub user: String,
}

pub(super) async fn check(caller: &Caller, domain: &str) -> Result<Release, Fault> {
    let odoo = major(&caller.version().await?)?;
    let addon = caller
        .call("millrace.posting", "version", &json!({}), Patience::Short)
        .await?;
    let language = addon["language"].as_u64().unwrap_or_default();
    if language != LANGUAGE {
        return Err(not_ready(format!(
            "the addon `millrace` in Odoo speaks language {language}, this relay {LANGUAGE}: upgrade the older of them"
        )));
    }
    let domains = addon["domains"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !domains.iter().any(|one| one["name"] == domain) {
        let user = addon["user"].as_str().unwrap_or_default();
        return Err(not_ready(format!(
            "user {user} is bound to no domain `{domain}`: make it in Odoo under Millrace → Domains and bind the user"
        )));
    }
    for (model, app, fields) in FIELDS {
        need_fields(caller, model, app, fields).await?;
    }
    let purchases = caller
        .call("purchase.order", "fields_get", &only(&["name"]), Patience::Short)
        .await
        .is_ok();
    let text = |name: &str| addon[name].as_str().unwrap_or_default().to_owned();
    let dry_run = addon["dry_run"].as_bool().unwrap_or_default();
    Ok(Release {
        odoo,
        addon: text("addon"),
        dry_run,
        purchases,
        user: text("user"),
    })
}

/// `{"version_info": [19, 0, 0, "final", 0, ""], "version": "19.0"}`; online versions are named such as `saas~19.1`.
fn major(version: &Value) -> Result<String, Fault> {
    let name = version["version"].as_str().unwrap_or("of no version").to_owned();
    let first = &version["version_info"][0];
    let number = first.as_u64().or_else(|| {
        first
            .as_str()?
            .trim_start_matches("saas~")
            .split('.')
            .next()?
            .parse()
            .ok()
    });
    match number {
        Some(MAJOR) => Ok(name),
        _ => Err(not_ready(format!(
            "this is Odoo {name}; postings are made for Odoo {MAJOR}: use that version"
        ))),
    }
}

async fn need_fields(caller: &Caller, model: &str, app: &str, fields: &[&str]) -> Result<(), Fault> {
    let hint = |fault: Fault| {
        let text = format!(
            "{}; is the app {app} installed, and may the bot user read {model}?",
            fault.text
        );
        Fault { text, ..fault }
    };
    let known = caller
        .call(model, "fields_get", &only(fields), Patience::Short)
        .await
        .map_err(hint)?;
    let missing: Vec<&str> = fields
        .iter()
        .copied()
        .filter(|field| known.get(field).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(not_ready(format!(
        "{model} has no {}: this is not the Odoo {MAJOR} that postings are made for, or the app {app} is not installed",
        missing.join(", ")
    )))
}

fn only(fields: &[&str]) -> Value {
    json!({ "allfields": fields, "attributes": ["type"] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_odoo_is_refused_by_name() {
        let known = |info: Value, name: &str| major(&json!({ "version_info": info, "version": name }));
        assert!(known(json!([19, 0, 0, "final", 0, ""]), "19.0").is_ok());
        assert!(known(json!(["saas~19", 1, 0, "final", 0, ""]), "saas~19.1").is_ok());
        let refused = known(json!([17, 0, 0, "final", 0, ""]), "17.0").unwrap_err();
        assert!(refused.to_string().contains("Odoo 17.0"), "{refused}");
    }
}
