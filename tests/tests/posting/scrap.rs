//! Scrap.

use serde_json::json;

use crate::clerk::Clerk;

#[tokio::test]
async fn goods_are_scrapped_where_they_lay() {
    let mut clerk = Clerk::new().await;
    let line = clerk.location("one_step", "LINE-A");
    let body = json!({
        "item": "FG-BRACKET", "location": "LINE-A", "quantity": { "value": "5" }, "reason": "dropped"
    });
    let record = clerk.say("scrap.report", body).await.record();
    assert_eq!(record.model, "stock.scrap");
    assert_eq!(clerk.on_hand("FG-BRACKET", line), 90.0);
    let origin = format!("SELECT origin FROM stock_scrap WHERE id = {}", record.id);
    assert!(clerk.db.one(&origin).starts_with("dropped (Millrace plant-a:"));
}

#[tokio::test]
async fn a_component_is_scrapped_from_where_its_order_takes_it() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("lot", 0);
    let stock = clerk.location("one_step", "STOCK");
    let before = clerk.on_hand("RAW-RESIN", stock);
    let body =
        json!({ "item": "RAW-RESIN", "lot": "RESIN-2601", "order": name, "quantity": { "value": "1.5" } });
    let record = clerk.say("scrap.report", body).await.record();
    assert_eq!(clerk.on_hand("RAW-RESIN", stock), before - 1.5);
    let order = format!("SELECT production_id FROM stock_scrap WHERE id = {}", record.id);
    assert_eq!(clerk.db.one(&order), id.to_string());
}

#[tokio::test]
async fn more_than_lies_there_is_not_scrapped_and_leaves_no_draft() {
    let mut clerk = Clerk::new().await;
    let body = json!({ "item": "FG-BRACKET", "location": "LINE-A", "quantity": { "value": "96" } });
    clerk.say("scrap.report", body).await.held("negative-stock");
    assert_eq!(clerk.db.one("SELECT count(*) FROM stock_scrap"), "0");
    let body = json!({ "item": "RAW-RESIN", "location": "STOCK", "quantity": { "value": "1" } });
    clerk.say("scrap.report", body).await.refused("lot-missing");
}
