//! Receipts of purchase orders.

use millrace_tests::odoo::text;
use serde_json::json;

use crate::clerk::Clerk;

fn purchase(clerk: &Clerk, house: &str, index: usize) -> String {
    text(&clerk.plant["purchases"][house][index]["name"])
}

#[tokio::test]
async fn partial_receipts_with_lots_find_the_backorder_by_themselves() {
    let mut clerk = Clerk::new().await;
    let order = purchase(&clerk, "one_step", 0);
    let body = |lot: &str, value: &str| json!({ "purchase": order, "item": "RAW-RESIN", "lot": lot, "quantity": { "value": value } });
    let first = clerk.say("receipt.arrive", body("A", "60")).await.record();
    let second = clerk.say("receipt.arrive", body("B", "25")).await.record();
    let third = clerk.say("receipt.arrive", body("A", "15")).await.record();
    assert!(first.id != second.id && second.id != third.id);
    clerk
        .say("receipt.arrive", body("A", "1"))
        .await
        .refused("nothing-to-receive");
    let rows = clerk.db.sql(
        "SELECT n.name, sum(l.quantity) FROM stock_move_line l JOIN stock_lot n ON n.id = l.lot_id \
         JOIN stock_move m ON m.id = l.move_id WHERE m.purchase_line_id IS NOT NULL AND l.state = 'done' \
         GROUP BY 1 ORDER BY 1",
    );
    assert_eq!(rows, [["A", "75.00"], ["B", "25.00"]]);
    assert_eq!(
        clerk
            .db
            .one("SELECT count(*) FROM stock_lot WHERE name IN ('A', 'B')"),
        "2"
    );
    let body = json!({ "purchase": order, "item": "PART-BOLT", "quantity": { "value": "240" } });
    clerk.say("receipt.arrive", body).await.record();
    let received = format!(
        "SELECT string_agg(qty_received::int::text, ' ' ORDER BY id) FROM purchase_order_line \
         WHERE order_id = {}",
        clerk.plant["purchases"]["one_step"][0]["id"]
    );
    assert_eq!(clerk.db.one(&received), "100 240");
}

#[tokio::test]
async fn more_than_was_ordered_is_refused_unless_the_plant_takes_it() {
    let mut clerk = Clerk::new().await;
    let order = purchase(&clerk, "one_step", 0);
    let body = json!({ "purchase": order, "item": "PART-BOLT", "quantity": { "value": "241" } });
    clerk
        .say("receipt.arrive", body.clone())
        .await
        .refused("over-receipt");
    clerk.policies.base.over_receipt = true;
    clerk.say("receipt.arrive", body).await.record();
}

#[tokio::test]
async fn a_receipt_of_two_steps_arrives_where_its_own_move_says() {
    let mut clerk = Clerk::new().await;
    let order = purchase(&clerk, "two_step", 0);
    let body = json!({ "purchase": order, "item": "PART-BOLT", "quantity": { "value": "40" } });
    clerk.say("receipt.arrive", body).await.record();
    let input = &clerk.plant["warehouses"]["two_step"]["step_locations"]["input"];
    assert_eq!(clerk.on_hand("PART-BOLT", input.as_i64().unwrap()), 40.0);
}

#[tokio::test]
async fn a_receipt_that_somebody_is_entering_is_left_alone() {
    let mut clerk = Clerk::new().await;
    let order = purchase(&clerk, "one_step", 0);
    let receipt = clerk.plant["purchases"]["one_step"][0]["receipts"][0]["id"].clone();
    let moves = clerk.office(
        "stock.move",
        "search",
        json!({ "domain": [["picking_id", "=", receipt], ["product_id.default_code", "=", "PART-BOLT"]] }),
    );
    clerk.office(
        "stock.move",
        "write",
        json!({ "ids": moves, "vals": { "quantity": 7, "picked": true } }),
    );
    let body = json!({ "purchase": order, "item": "RAW-RESIN", "lot": "A", "quantity": { "value": "1" } });
    clerk.say("receipt.arrive", body).await.held("in-use");
}
