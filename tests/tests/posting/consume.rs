//! Components used on an open order.

use millrace_relay::post::NegativeStock;
use serde_json::json;

use crate::clerk::Clerk;

/// Consumed of a component on an order and its backorders, by the moves that are done.
fn consumed(clerk: &Clerk, order: i64, item: &str) -> String {
    clerk.db.one(&format!(
        "SELECT coalesce(sum(l.quantity), 0) FROM stock_move_line l JOIN stock_move m ON m.id = l.move_id \
         JOIN mrp_production p ON p.id = m.raw_material_production_id WHERE l.state = 'done' AND m.product_id = {} \
         AND p.production_group_id = (SELECT production_group_id FROM mrp_production WHERE id = {order})",
        clerk.item(item)
    ))
}

#[tokio::test]
async fn a_component_is_consumed_at_once_and_the_completion_takes_the_rest() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("lot", 0);
    let stock = clerk.location("one_step", "STOCK");
    let before = clerk.on_hand("RAW-RESIN", stock);
    let body =
        json!({ "order": name, "item": "RAW-RESIN", "lot": "RESIN-2602", "quantity": { "value": "4" } });
    let record = clerk.say("material.consume", body).await.record();
    assert_eq!(record.model, "stock.picking");
    assert_eq!(consumed(&clerk, id, "RAW-RESIN"), "4.00");
    assert_eq!(clerk.on_hand("RAW-RESIN", stock), before - 4.0);
    assert_ne!(
        clerk
            .db
            .one(&format!("SELECT state FROM mrp_production WHERE id = {id}")),
        "done"
    );

    clerk.policies.base.reserved_lots = true;
    let body = json!({ "order": name, "quantity": { "value": "100" }, "lot": "SEAL-1" });
    clerk.say("production.confirm", body).await.record();
    assert_eq!(consumed(&clerk, id, "RAW-RESIN"), "10.00");
    assert_eq!(clerk.on_hand("RAW-RESIN", stock), before - 10.0);
}

#[tokio::test]
async fn what_was_consumed_at_once_is_not_planned_again_in_a_backorder() {
    use millrace_relay::post::Booking;
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("untracked", 0);
    clerk.policies.base.booking = Booking::Post;
    let body = json!({ "order": name, "item": "RAW-STEEL", "quantity": { "value": "5" } });
    clerk.say("material.consume", body).await.record();
    let made = |value: &str| json!({ "order": name, "quantity": { "value": value } });
    clerk.say("production.confirm", made("4")).await.record();
    clerk.say("production.confirm", made("6")).await.record();
    assert_eq!(consumed(&clerk, id, "RAW-STEEL"), "20.00");
    assert_eq!(consumed(&clerk, id, "PART-BOLT"), "40.00");
}

#[tokio::test]
async fn an_unplanned_component_is_refused_unless_the_plant_allows_it() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("untracked", 0);
    let body =
        json!({ "order": name, "item": "RAW-RESIN", "lot": "RESIN-2601", "quantity": { "value": "1" } });
    clerk
        .say("material.consume", body.clone())
        .await
        .refused("unplanned-component");
    clerk.policies.base.unplanned_components = true;
    clerk.say("material.consume", body).await.record();
    assert_eq!(consumed(&clerk, id, "RAW-RESIN"), "1.00");
    let made = json!({ "order": name, "quantity": { "value": "10" } });
    clerk.say("production.confirm", made).await.record();
    assert_eq!(consumed(&clerk, id, "RAW-RESIN"), "1.00");
    assert_eq!(consumed(&clerk, id, "RAW-STEEL"), "20.00");
}

#[tokio::test]
async fn a_wrong_lot_is_held_until_it_is_known() {
    let mut clerk = Clerk::new().await;
    let (_, name) = clerk.order("lot", 0);
    let body =
        json!({ "order": name, "item": "RAW-RESIN", "lot": "RESIN-9999", "quantity": { "value": "1" } });
    clerk.say("material.consume", body).await.held("unknown-lot");
    let body = json!({ "order": name, "item": "RAW-RESIN", "quantity": { "value": "1" } });
    clerk.say("material.consume", body).await.refused("lot-missing");
}

#[tokio::test]
async fn a_consumption_before_its_receipt_waits_is_refused_or_is_booked_as_the_stock_policy_says() {
    // What is told of the consumption, and what lies there before and after the receipt of 240.
    for (policy, told, before, after) in [
        (NegativeStock::Wait, Some("negative-stock"), 0.0, 240.0),
        (NegativeStock::Refuse, Some("no-stock"), 0.0, 240.0),
        (NegativeStock::Allow, None, -40.0, 200.0),
    ] {
        let mut clerk = Clerk::new().await;
        clerk.policies.base.negative_stock = policy;
        let (_, order) = clerk.order("untracked", 0);
        let purchase = clerk.plant["purchases"]["one_step"][0]["name"].clone();
        let stock = clerk.location("one_step", "STOCK");
        let count = json!({ "item": "PART-BOLT", "location": "STOCK", "quantity": { "value": "0" } });
        clerk.say("inventory.count", count).await.record();
        let used = json!({ "order": order, "item": "PART-BOLT", "quantity": { "value": "40" } });
        let mut paper = clerk.paper("material.consume", used);
        match (policy, told) {
            (NegativeStock::Wait, Some(word)) => drop(clerk.post(&paper).await.held(word)),
            (_, Some(word)) => drop(clerk.post(&paper).await.refused(word)),
            (_, None) => drop(clerk.post(&paper).await.record()),
        }
        assert_eq!(clerk.on_hand("PART-BOLT", stock), before, "{policy:?}");
        let arrived = json!({ "purchase": purchase, "item": "PART-BOLT", "quantity": { "value": "240" } });
        clerk.say("receipt.arrive", arrived).await.record();
        assert_eq!(clerk.on_hand("PART-BOLT", stock), after, "{policy:?}");
        // Whatever it was, in the end it is taken once.
        paper.stamp.attempt += 1;
        clerk.post(&paper).await.record();
        assert_eq!(clerk.on_hand("PART-BOLT", stock), 200.0, "{policy:?}");
    }
}
