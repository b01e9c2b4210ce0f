//! Moves between locations.

use serde_json::json;

use crate::clerk::Clerk;

#[tokio::test]
async fn goods_with_a_lot_are_carried_from_place_to_place() {
    let mut clerk = Clerk::new().await;
    let (from, to) = (
        clerk.location("one_step", "STOCK"),
        clerk.location("one_step", "LINE-A"),
    );
    let before = clerk.on_hand("RAW-RESIN", from);
    let body = json!({
        "item": "RAW-RESIN", "lot": "RESIN-2601", "from": "STOCK", "to": "LINE-A", "quantity": { "value": "2.5" }
    });
    let record = clerk.say("inventory.move", body).await.record();
    assert_eq!(record.model, "stock.picking");
    assert!(record.name.starts_with("WA1/INT/"), "{record:?}");
    assert_eq!(clerk.on_hand("RAW-RESIN", from), before - 2.5);
    assert_eq!(clerk.on_hand("RAW-RESIN", to), 2.5);
    let lot =
        "SELECT n.name FROM stock_move_line l JOIN stock_lot n ON n.id = l.lot_id WHERE l.picking_id = ";
    assert_eq!(clerk.db.one(&format!("{lot}{}", record.id)), "RESIN-2601");
}

#[tokio::test]
async fn two_cases_of_twelve_are_twenty_four_pieces() {
    let mut clerk = Clerk::new().await;
    let to = clerk.location("one_step", "LINE-B");
    let case = clerk.plant["items"]["PART-BOLT"]["case"]["barcode"].clone();
    let body = json!({ "item": case, "from": "STOCK", "to": "LINE-B", "quantity": { "value": "2" } });
    clerk.say("inventory.move", body).await.record();
    assert_eq!(clerk.on_hand("PART-BOLT", to), 24.0);
}

#[tokio::test]
async fn more_than_lies_there_waits_is_refused_or_is_booked_as_the_plant_decides() {
    use millrace_relay::post::NegativeStock;
    let mut clerk = Clerk::new().await;
    let to = clerk.location("one_step", "LINE-B");
    let body =
        json!({ "item": "FG-BRACKET", "from": "LINE-A", "to": "LINE-B", "quantity": { "value": "96" } });
    clerk
        .say("inventory.move", body.clone())
        .await
        .held("negative-stock");
    clerk.policies.base.negative_stock = NegativeStock::Refuse;
    clerk
        .say("inventory.move", body.clone())
        .await
        .refused("no-stock");
    assert_eq!(clerk.on_hand("FG-BRACKET", to), 0.0);
    clerk.policies.base.negative_stock = NegativeStock::Allow;
    clerk.say("inventory.move", body).await.record();
    assert_eq!(clerk.on_hand("FG-BRACKET", to), 96.0);
    assert_eq!(
        clerk.on_hand("FG-BRACKET", clerk.location("one_step", "LINE-A")),
        -1.0
    );
}

#[tokio::test]
async fn a_missing_an_unexpected_and_an_unknown_lot_are_told_apart() {
    let mut clerk = Clerk::new().await;
    let body = |item: &str, lot: Option<&str>| json!({ "item": item, "lot": lot, "from": "STOCK", "to": "LINE-A", "quantity": { "value": "1" } });
    clerk
        .say("inventory.move", body("RAW-RESIN", None))
        .await
        .refused("lot-missing");
    clerk
        .say("inventory.move", body("RAW-STEEL", Some("X")))
        .await
        .refused("lot-unexpected");
    clerk
        .say("inventory.move", body("RAW-RESIN", Some("NEVER-SEEN")))
        .await
        .held("unknown-lot");
}

#[tokio::test]
async fn an_hour_of_a_kilogram_and_a_thousandth_are_refused_before_odoo_takes_them() {
    let mut clerk = Clerk::new().await;
    let body = |value: &str, unit: &str| {
        let quantity = json!({ "value": value, "unit": unit });
        json!({ "item": "RAW-STEEL", "from": "STOCK", "to": "LINE-A", "quantity": quantity })
    };
    clerk
        .say("inventory.move", body("1", "Hours"))
        .await
        .refused("foreign-unit");
    clerk
        .say("inventory.move", body("1", "g"))
        .await
        .refused("inexact-quantity");
    clerk
        .say("inventory.move", body("1", "stone"))
        .await
        .held("unknown-unit");
    clerk.say("inventory.move", body("2500", "g")).await.record();
    assert_eq!(
        clerk.on_hand("RAW-STEEL", clerk.location("one_step", "LINE-A")),
        2.5
    );
}

#[tokio::test]
async fn codes_mean_what_they_mean_in_their_own_company() {
    let mut clerk = Clerk::of("B").await;
    let body = json!({ "item": "RAW-STEEL", "from": "STOCK", "to": "LINE-A", "quantity": { "value": "3" } });
    clerk.say("inventory.move", body).await.record();
    assert_eq!(
        clerk.on_hand("RAW-STEEL", clerk.location("three_step", "LINE-A")),
        3.0
    );
    let touched =
        "SELECT string_agg(DISTINCT company_id::text, ',') FROM stock_picking WHERE origin LIKE 'Millrace %'";
    assert_eq!(clerk.db.one(touched), clerk.company.to_string());
}

#[tokio::test]
async fn an_archived_item_is_refused_by_name() {
    let mut clerk = Clerk::new().await;
    let body = json!({ "item": "OLD-PART", "from": "STOCK", "to": "LINE-A", "quantity": { "value": "1" } });
    let text = clerk.say("inventory.move", body).await.refused("archived");
    assert!(text.contains("no longer used"), "{text}");
}
