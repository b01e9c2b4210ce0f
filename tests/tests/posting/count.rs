//! Counts.

use serde_json::json;

use crate::clerk::Clerk;

#[tokio::test]
async fn a_count_sets_what_lies_there() {
    let mut clerk = Clerk::new().await;
    let line = clerk.location("one_step", "LINE-A");
    let fate = clerk
        .say(
            "inventory.count",
            json!({ "item": "FG-BRACKET", "location": "LINE-A", "quantity": { "value": "100" } }),
        )
        .await;
    let record = fate.record();
    assert_eq!(record.model, "stock.quant");
    assert_eq!(record.name, "[FG-BRACKET] Bracket @ WA1/Stock/LINE-A");
    assert_eq!(clerk.on_hand("FG-BRACKET", line), 100.0);
}
