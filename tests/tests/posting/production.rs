//! Production confirmations.

use serde_json::json;

use crate::clerk::{Clerk, Fate, fate};

#[tokio::test]
async fn a_whole_order_is_made_and_its_components_are_consumed() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("untracked", 0);
    let fate = clerk
        .say(
            "production.confirm",
            json!({ "order": name, "quantity": { "value": "10" } }),
        )
        .await;
    let record = fate.record();
    assert_eq!(
        (record.model.as_str(), record.id, &record.name),
        ("mrp.production", id, &name)
    );
    let query = format!("SELECT state || ' ' || qty_producing FROM mrp_production WHERE id = {id}");
    assert_eq!(clerk.db.one(&query), "done 10.00");
    let query = format!(
        "SELECT sum(l.quantity) FROM stock_move_line l JOIN stock_move m ON m.id = l.move_id \
         WHERE m.raw_material_production_id = {id} AND l.state = 'done'"
    );
    assert_eq!(clerk.db.one(&query), "60.00");
}

#[tokio::test]
async fn an_order_that_somebody_closed_meanwhile_is_planned_again_and_then_refused() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("untracked", 0);
    let paper = clerk.paper(
        "production.confirm",
        json!({ "order": name, "quantity": { "value": "10" } }),
    );
    let posting = clerk.posting(&paper).await;
    clerk.office("mrp.production", "action_cancel", json!({ "ids": [id] }));
    let answers = clerk.send(&[posting]).await;
    assert!(matches!(fate(&answers[0]), Fate::Again(_)), "{:?}", answers[0]);
    let text = clerk.post(&paper).await.refused("order-closed");
    assert!(text.contains("is cancel"), "{text}");
}

#[tokio::test]
async fn a_count_of_an_unknown_code_waits_for_the_code() {
    let mut clerk = Clerk::new().await;
    let body = json!({ "item": "NO-SUCH", "location": "LINE-A", "quantity": { "value": "1" } });
    clerk.say("inventory.count", body).await.held("unknown-item");
}
