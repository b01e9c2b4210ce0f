//! Counts: what was set, and what moved between the count and its posting.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::clerk::{Clerk, Fate, Paper, fate};

fn counted(item: &str, location: &str, value: &str) -> Value {
    json!({ "item": item, "location": location, "quantity": { "value": value } })
}

/// Carries goods away as a person of the office would, past the relay.
fn carried_by_hand(clerk: &Clerk, item: &str, quantity: f64) {
    let (from, to) = (
        clerk.location("one_step", "LINE-A"),
        clerk.location("one_step", "LINE-B"),
    );
    let internal = clerk.plant["warehouses"]["one_step"]["internal_type_id"].clone();
    let line = json!({
        "product_id": clerk.item(item), "quantity": quantity, "picked": true, "location_id": from, "location_dest_id": to
    });
    let vals = json!({
        "picking_type_id": internal, "location_id": from, "location_dest_id": to, "move_line_ids": [[0, 0, line]]
    });
    let ids = clerk.office("stock.picking", "create", json!({ "vals_list": [vals] }));
    clerk.office(
        "stock.picking",
        "button_validate",
        json!({ "ids": ids, "context": { "skip_backorder": true } }),
    );
}

#[tokio::test]
async fn a_count_sets_what_lies_there() {
    let mut clerk = Clerk::new().await;
    let line = clerk.location("one_step", "LINE-A");
    let record = clerk
        .say("inventory.count", counted("FG-BRACKET", "LINE-A", "100"))
        .await
        .record();
    assert_eq!(record.model, "stock.quant");
    assert_eq!(record.name, "[FG-BRACKET] Bracket @ WA1/Stock/LINE-A");
    assert_eq!(clerk.on_hand("FG-BRACKET", line), 100.0);
    clerk
        .say("inventory.count", counted("FG-BRACKET", "LINE-A", "0"))
        .await
        .record();
    assert_eq!(clerk.on_hand("FG-BRACKET", line), 0.0);
    clerk
        .say(
            "inventory.count",
            counted("RAW-STEEL", "WA1/Stock/LINE-B", "12.25"),
        )
        .await
        .record();
    assert_eq!(
        clerk.on_hand("RAW-STEEL", clerk.location("one_step", "LINE-B")),
        12.25
    );
}

#[tokio::test]
async fn a_count_names_its_message_in_odoos_own_history() {
    let mut clerk = Clerk::new().await;
    let paper = clerk.paper("inventory.count", counted("FG-BRACKET", "LINE-A", "100"));
    clerk.post(&paper).await.record();
    let moved = "SELECT reference FROM stock_move WHERE is_inventory AND reference LIKE 'Millrace %'";
    assert_eq!(clerk.db.one(moved), format!("Millrace {}", paper.stamp.id));
}

#[tokio::test]
async fn counts_of_lots_and_serial_numbers_touch_no_other() {
    let mut clerk = Clerk::new().await;
    let stock = clerk.location("one_step", "STOCK");
    let mut body = counted("RAW-RESIN", "STOCK", "10.5");
    body["lot"] = "RESIN-2601".into();
    clerk.say("inventory.count", body).await.record();
    assert_eq!(clerk.on_hand("RAW-RESIN", stock), 3010.5);
    let mut body = counted("PART-CELL", "STOCK", "2");
    body["lot"] = "CELL-0001".into();
    clerk
        .say("inventory.count", body.clone())
        .await
        .refused("serial-count");
    body["quantity"]["value"] = "0".into();
    clerk.say("inventory.count", body).await.record();
    assert_eq!(clerk.on_hand("PART-CELL", stock), 19.0);
    clerk
        .say("inventory.count", counted("RAW-RESIN", "STOCK", "1"))
        .await
        .refused("lot-missing");
}

#[tokio::test]
async fn a_count_taken_offline_and_a_later_consumption_make_ninety() {
    let mut clerk = Clerk::new().await;
    let line = clerk.location("one_step", "LINE-A");
    assert_eq!(clerk.on_hand("FG-BRACKET", line), 95.0);
    let moved = |value: &str| json!({ "item": "FG-BRACKET", "from": "LINE-A", "to": "LINE-B", "quantity": { "value": value } });
    // Captured: 2 moved, 100 counted, 10 moved. The link brings the count last.
    // The opening stock may have been booked only minutes ago.
    let ago = |seconds: i64| Timestamp::now() - SignedDuration::from_secs(seconds);
    let mut before = clerk.paper("inventory.move", moved("2"));
    let mut count = clerk.paper("inventory.count", counted("FG-BRACKET", "LINE-A", "100"));
    let mut after = clerk.paper("inventory.move", moved("10"));
    (before.captured, count.captured, after.captured) = (ago(3), ago(2), ago(1));
    for paper in [&before, &after, &count] {
        clerk.post(paper).await.record();
    }
    assert_eq!(clerk.on_hand("FG-BRACKET", line), 90.0);
}

#[tokio::test]
async fn a_count_is_weighed_against_all_that_moved_at_a_busy_place() {
    let mut clerk = Clerk::new().await;
    let line = clerk.location("one_step", "LINE-A");
    let mut count = clerk.paper("inventory.count", counted("FG-BRACKET", "LINE-A", "100"));
    count.captured = Timestamp::now() - SignedDuration::from_secs(5);
    let moved =
        json!({ "item": "FG-BRACKET", "from": "LINE-A", "to": "LINE-B", "quantity": { "value": "0.5" } });
    clerk.say("inventory.move", moved).await.record();
    again_and_again(&clerk, "millrace_inbox", "message_id = gen_random_uuid()", 2500);
    again_and_again(&clerk, "stock_move_line", "quantity_product_uom = 0.5", 59);
    again_and_again(&clerk, "stock_move_line", "quantity_product_uom = 0", 4500);
    clerk.post(&count).await.record();
    assert_eq!(clerk.on_hand("FG-BRACKET", line), 70.0);
}

/// As a shift does: the newest row of a table so many times more, each time with this change.
fn again_and_again(clerk: &Clerk, table: &str, change: &str, times: u32) {
    clerk.db.sql(&format!(
        "CREATE TEMP TABLE more AS SELECT newest.* FROM generate_series(1, {times}), \
         (SELECT * FROM {table} ORDER BY id DESC LIMIT 1) AS newest; \
         UPDATE more SET id = nextval('{table}_id_seq'), {change}; \
         INSERT INTO {table} SELECT * FROM more; DROP TABLE more"
    ));
}

#[tokio::test]
async fn what_others_moved_since_holds_the_count_with_both_figures() {
    let mut clerk = Clerk::new().await;
    let line = clerk.location("one_step", "LINE-A");
    let mut paper = clerk.paper("inventory.count", counted("FG-BRACKET", "LINE-A", "100"));
    paper.captured = Timestamp::now() - SignedDuration::from_secs(5);
    carried_by_hand(&clerk, "FG-BRACKET", 3.0);
    let text = clerk.post(&paper).await.held("stale-count");
    for part in [
        "counted 100",
        "book said 95",
        "says 92",
        "-3",
        "Office A",
        "97 is set",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    paper.released = true;
    clerk.post(&paper).await.record();
    assert_eq!(clerk.on_hand("FG-BRACKET", line), 97.0);
}

#[tokio::test]
async fn what_moves_between_the_question_and_the_posting_is_caught_in_the_transaction() {
    let mut clerk = Clerk::new().await;
    let paper = clerk.paper("inventory.count", counted("FG-BRACKET", "LINE-A", "100"));
    let posting = clerk.posting(&paper).await;
    carried_by_hand(&clerk, "FG-BRACKET", 3.0);
    let answers = clerk.send(&[posting]).await;
    assert!(matches!(fate(&answers[0]), Fate::Again(_)), "{:?}", answers[0]);
    assert_eq!(
        clerk.on_hand("FG-BRACKET", clerk.location("one_step", "LINE-A")),
        92.0
    );
}

/// A count of 80 where the book says 95, captured before what comes now.
fn older_count(clerk: &mut Clerk) -> Paper {
    let mut older = clerk.paper("inventory.count", counted("FG-BRACKET", "LINE-A", "80"));
    older.captured = Timestamp::now() - SignedDuration::from_secs(5);
    older
}

#[tokio::test]
async fn an_older_count_does_not_undo_a_later_one() {
    let mut clerk = Clerk::new().await;
    let older = older_count(&mut clerk);
    clerk
        .say("inventory.count", counted("FG-BRACKET", "LINE-A", "70"))
        .await
        .record();
    tokio::time::sleep(Duration::from_millis(1)).await;
    clerk.post(&older).await.refused("overtaken");
    assert_eq!(
        clerk.on_hand("FG-BRACKET", clerk.location("one_step", "LINE-A")),
        70.0
    );
}

#[tokio::test]
async fn an_older_count_does_not_undo_a_later_one_that_changed_nothing() {
    let mut clerk = Clerk::new().await;
    let line = clerk.location("one_step", "LINE-A");
    let older = older_count(&mut clerk);
    let same = counted("FG-BRACKET", "LINE-A", "95");
    clerk.say("inventory.count", same).await.record();
    tokio::time::sleep(Duration::from_millis(1)).await;
    clerk.post(&older).await.refused("overtaken");
    assert_eq!(clerk.on_hand("FG-BRACKET", line), 95.0);
}

#[tokio::test]
async fn an_older_count_waits_for_a_person_where_odoo_forgot_the_row_that_a_later_one_emptied() {
    let mut clerk = Clerk::new().await;
    let line = clerk.location("one_step", "LINE-A");
    let older = older_count(&mut clerk);
    let record = clerk
        .say("inventory.count", counted("FG-BRACKET", "LINE-A", "0"))
        .await
        .record();
    // Odoo tidies up whenever somebody opens its inventory screen.
    clerk
        .db
        .admin(clerk.company, "stock.quant", "action_view_inventory", json!({}));
    let rows = format!("SELECT count(*) FROM stock_quant WHERE id = {}", record.id);
    assert_eq!(clerk.db.one(&rows), "0");
    clerk.post(&older).await.held("stale-count");
    assert_eq!(clerk.on_hand("FG-BRACKET", line), 0.0);
}

#[tokio::test]
async fn a_place_that_odoo_keeps_in_two_rows_is_merged_before_it_is_set() {
    let mut clerk = Clerk::new().await;
    let line = clerk.location("one_step", "LINE-A");
    let scatter = format!(
        "INSERT INTO stock_quant (product_id, location_id, quantity, reserved_quantity, company_id, in_date) \
         SELECT product_id, location_id, -4, 0, company_id, in_date FROM stock_quant \
         WHERE product_id = {} AND location_id = {line}",
        clerk.item("FG-BRACKET")
    );
    clerk.db.sql(&scatter);
    clerk
        .say("inventory.count", counted("FG-BRACKET", "LINE-A", "100"))
        .await
        .record();
    assert_eq!(clerk.on_hand("FG-BRACKET", line), 100.0);
}

#[tokio::test]
async fn a_code_that_moved_to_another_item_is_caught_in_the_transaction() {
    let mut clerk = Clerk::new().await;
    let line = clerk.location("one_step", "LINE-A");
    let paper = clerk.paper("inventory.count", counted("FG-BRACKET", "LINE-A", "7"));
    let posting = clerk.posting(&paper).await;
    let rename = |item: &str, code: &str| {
        let ids = json!([clerk.item(item)]);
        clerk.db.admin(
            clerk.company,
            "product.product",
            "write",
            json!({ "ids": ids, "vals": { "default_code": code } }),
        )
    };
    rename("FG-BRACKET", "FG-BRACKET-OLD");
    rename("FG-SEAL", "FG-BRACKET");
    let answers = clerk.send(&[posting]).await;
    assert!(matches!(fate(&answers[0]), Fate::Again(_)), "{:?}", answers[0]);
    assert_eq!(clerk.on_hand("FG-BRACKET", line), 95.0);
    // The memory still says the old item until somebody flushes it; then the new one has lots.
    use millrace_relay::target::Target;
    clerk.odoo.flush();
    clerk.post(&paper).await.refused("lot-missing");
}

#[tokio::test]
async fn a_count_of_a_lot_that_odoo_does_not_know_waits_unless_the_plant_lets_counts_make_lots() {
    let mut clerk = Clerk::new().await;
    let shelf = clerk.location("one_step", "SHELF-1");
    let lots = |clerk: &Clerk| lots_named(clerk, "DRUM-9");
    let mut body = counted("RAW-RESIN", "SHELF-1", "12.5");
    body["lot"] = "DRUM-9".into();
    clerk
        .say("inventory.count", body.clone())
        .await
        .held("unknown-lot");
    assert_eq!(lots(&clerk), "0");
    clerk.policies.base.new_lots_in_counts = true;
    // Two counts of the same new lot at two places, planned before either is posted: one lot.
    let first = clerk.paper("inventory.count", body.clone());
    body["location"] = "SHELF-2".into();
    let second = clerk.paper("inventory.count", body.clone());
    let postings = [clerk.posting(&first).await, clerk.posting(&second).await];
    let answers = clerk.send(&postings).await;
    fate(&answers[0]).record();
    assert!(matches!(fate(&answers[1]), Fate::Again(_)), "{:?}", answers[1]);
    let mut second = second;
    second.stamp.attempt += 1;
    clerk.post(&second).await.record();
    assert_eq!(lots(&clerk), "1");
    assert_eq!(clerk.on_hand("RAW-RESIN", shelf), 12.5);
    assert_eq!(
        clerk.on_hand("RAW-RESIN", clerk.location("one_step", "SHELF-2")),
        12.5
    );
    body["quantity"]["value"] = "11".into();
    clerk.say("inventory.count", body).await.record();
    assert_eq!(
        clerk.on_hand("RAW-RESIN", clerk.location("one_step", "SHELF-2")),
        11.0
    );
    assert_eq!(lots(&clerk), "1");
    // A serial number likewise, of which there is one.
    let mut body = counted("PART-CELL", "SHELF-1", "1");
    body["lot"] = "CELL-NEW".into();
    clerk.say("inventory.count", body).await.record();
    assert_eq!(clerk.on_hand("PART-CELL", shelf), 1.0);
}

/// How many lots have this name.
fn lots_named(clerk: &Clerk, name: &str) -> String {
    clerk
        .db
        .one(&format!("SELECT count(*) FROM stock_lot WHERE name = '{name}'"))
}
