//! The posting of a target that looks nothing up: it says in the message's own words what is to happen.

use millrace_shared::message::Message;
use serde_json::{Value, json};

use super::plan::Case;
use super::posting::{Posting, Shard, Trail};

/// The model of what took effect nowhere but in the record of a rehearsal.
pub const SHADOW: &str = "shadow";

/// A posting without calls, touching what the message names.
pub fn literal(case: &Case<'_>) -> Posting {
    let body = case
        .message
        .body()
        .ok()
        .and_then(|body| serde_json::from_str::<Value>(&body).ok());
    let data =
        json!({ "name": name(case.message), "body": body, "captured": case.captured.as_millisecond() });
    let shards = case
        .message
        .keys()
        .iter()
        .map(|key| Shard::Named(key.as_str().to_owned()))
        .collect();
    Posting::literal(
        case.stamp.clone(),
        Trail {
            model: SHADOW,
            id: json!(0),
            data,
        },
        shards,
    )
}

/// What people would look for.
fn name(message: &Message) -> String {
    match message {
        Message::ProductionConfirm(m) => m.order.to_string(),
        Message::MaterialConsume(m) => m.order.to_string(),
        Message::ScrapReport(m) => m.item.to_string(),
        Message::InventoryCount(m) => format!("{} @ {}", m.item, m.location),
        Message::InventoryMove(m) => format!("{} {} → {}", m.item, m.from, m.to),
        Message::ReceiptArrive(m) => m.purchase.to_string(),
    }
}
