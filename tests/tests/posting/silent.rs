//! What Odoo accepts without a word, and the expectation that catches it.
//!
//! Each test takes a good posting and breaks what keeps it right: a step left out, a value changed. Odoo answers success;
//! the posting must be rejected and leave nothing behind.

use millrace_relay::post::Posting;
use serde_json::{Value, json};

use crate::clerk::{Clerk, Paper};
use millrace_tests::odoo::text;

/// The posting as JSON.
async fn good(clerk: &Clerk, paper: &Paper) -> Value {
    clerk.posting(paper).await.to_json()
}

/// The step of this name, or the first whose name begins so.
fn step<'a>(posting: &'a mut Value, name: &str) -> &'a mut Value {
    let steps = posting["steps"].as_array_mut().unwrap();
    let exact = steps.iter().position(|step| step["as"] == name);
    let begins = |step: &Value| step["as"].as_str().unwrap().starts_with(name);
    let at = exact.or_else(|| steps.iter().position(begins)).unwrap();
    &mut steps[at]
}

fn without(mut posting: Value, name: &str) -> Value {
    let steps = posting["steps"].as_array_mut().unwrap();
    let before = steps.len();
    steps.retain(|step| step["as"] != name);
    assert_eq!(steps.len(), before - 1, "there was no step {name}");
    posting
}

/// Sends the broken posting as the bot and gives what the rejection says. Nothing may have moved.
fn rejected(clerk: &Clerk, posting: &Value) -> String {
    let state =
        "SELECT count(*) || ' ' || coalesce(sum(quantity), 0) FROM stock_move_line WHERE state = 'done'";
    let before = clerk.db.one(state);
    let key = text(&clerk.plant["users"]["bot"]["key"]);
    let arguments = json!({
        "domain": clerk.plant["company"]["domain"], "fence": clerk.tenure.fence, "postings": [posting]
    });
    let answer = clerk.db.call(&key, "millrace.posting", "apply", arguments);
    let result = &answer["results"][0];
    assert_eq!(result["state"], "rejected", "{answer}");
    assert_eq!(clerk.db.one(state), before);
    text(&result["error"]["message"])
}

fn is(text: &str, part: &str) {
    assert!(text.contains(part), "{text}");
}

#[tokio::test]
async fn components_that_were_cancelled_instead_of_consumed() {
    let mut clerk = Clerk::new().await;
    let (_, name) = clerk.order("lot_work_order", 0);
    let part = json!({ "item": "RAW-RESIN", "lot": "RESIN-2601", "quantity": { "value": "15" } });
    let body =
        json!({ "order": name, "quantity": { "value": "10" }, "lot": "PANEL-1", "components": [part] });
    let paper = clerk.paper("production.confirm", body);
    let broken = without(good(&clerk, &paper).await, "s");
    is(&rejected(&clerk, &broken), "a component was not consumed");
}

#[tokio::test]
async fn a_lot_that_odoo_invented() {
    let mut clerk = Clerk::new().await;
    let (_, name) = clerk.order("lot", 0);
    let part = json!({ "item": "RAW-RESIN", "lot": "RESIN-2601", "quantity": { "value": "10" } });
    let body =
        json!({ "order": name, "quantity": { "value": "100" }, "lot": "SEAL-1", "components": [part] });
    let paper = clerk.paper("production.confirm", body);
    let mut broken = good(&clerk, &paper).await;
    step(&mut broken, "w")["kwargs"]["vals"]
        .as_object_mut()
        .unwrap()
        .remove("lot_producing_ids");
    is(
        &rejected(&clerk, &broken),
        "the lots made are not those that were scanned",
    );
}

#[tokio::test]
async fn a_backorder_that_was_not_made_and_a_question_to_nobody() {
    let mut clerk = Clerk::new().await;
    let (_, name) = clerk.order("untracked", 0);
    clerk.policies.base.booking = millrace_relay::post::Booking::Post;
    let paper = clerk.paper(
        "production.confirm",
        json!({ "order": name, "quantity": { "value": "4" } }),
    );
    let mut broken = good(&clerk, &paper).await;
    step(&mut broken, "done")
        .as_object_mut()
        .unwrap()
        .remove("context");
    is(
        &rejected(&clerk, &broken),
        "the rest of the order is not what was asked for",
    );
    let paper = clerk.paper(
        "production.confirm",
        json!({ "order": name, "quantity": { "value": "4" } }),
    );
    let mut broken = good(&clerk, &paper).await;
    broken["context"]
        .as_object_mut()
        .unwrap()
        .remove("skip_backorder");
    is(&rejected(&clerk, &broken), "asks a person");
}

#[tokio::test]
async fn an_order_that_was_closed_twice_or_cancelled() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("untracked", 0);
    let body = json!({ "order": name, "quantity": { "value": "10" } });
    let paper = clerk.paper("production.confirm", body.clone());
    let twin = clerk.paper("production.confirm", body);
    let posting: Posting = clerk.posting(&twin).await;
    clerk.post(&paper).await.record();
    is(&rejected(&clerk, &posting.to_json()), "changed-meanwhile");
    let state = format!("SELECT state || ' ' || qty_producing::float FROM mrp_production WHERE id = {id}");
    assert_eq!(clerk.db.one(&state), "done 10");
}

#[tokio::test]
async fn an_hour_of_pieces_that_were_carried_and_scrapped() {
    let mut clerk = Clerk::new().await;
    let hour = clerk.db.instance.seed["units"]["hour"].clone();
    let body = json!({ "item": "RAW-STEEL", "from": "STOCK", "to": "LINE-A", "quantity": { "value": "2" } });
    let paper = clerk.paper("inventory.move", body);
    let mut broken = good(&clerk, &paper).await;
    step(&mut broken, "p")["kwargs"]["vals_list"][0]["move_line_ids"][0][2]["product_uom_id"] = hour.clone();
    is(&rejected(&clerk, &broken), "the goods were not moved as captured");
    let body = json!({ "item": "RAW-STEEL", "location": "STOCK", "quantity": { "value": "2" } });
    let paper = clerk.paper("scrap.report", body);
    let mut broken = good(&clerk, &paper).await;
    step(&mut broken, "s")["kwargs"]["vals_list"][0]["product_uom_id"] = hour;
    is(
        &rejected(&clerk, &broken),
        "the goods were not scrapped as captured",
    );
}

#[tokio::test]
async fn scrap_of_a_traced_item_without_its_lot() {
    let mut clerk = Clerk::new().await;
    let body = json!({
        "item": "RAW-RESIN", "lot": "RESIN-2601", "location": "STOCK", "quantity": { "value": "1" }
    });
    let paper = clerk.paper("scrap.report", body);
    let mut broken = good(&clerk, &paper).await;
    step(&mut broken, "s")["kwargs"]["vals_list"][0]["lot_id"] = json!(false);
    is(&rejected(&clerk, &broken), "not scrapped as captured");
}

#[tokio::test]
async fn one_place_twice_in_a_group_of_counts() {
    let mut clerk = Clerk::new().await;
    let body = json!({ "item": "PART-BOLT", "location": "LINE-A", "quantity": { "value": "51" } });
    let paper = clerk.paper("inventory.count", body);
    let mut broken = good(&clerk, &paper).await;
    let rows = step(&mut broken, "q")["kwargs"]["vals_list"]
        .as_array_mut()
        .unwrap();
    rows.push(rows[0].clone());
    is(&rejected(&clerk, &broken), "made 1 records of 2 rows");
}

#[tokio::test]
async fn a_count_that_was_written_down_but_not_applied() {
    let mut clerk = Clerk::new().await;
    let body = json!({ "item": "PART-BOLT", "location": "LINE-A", "quantity": { "value": "51" } });
    let paper = clerk.paper("inventory.count", body);
    let mut broken = good(&clerk, &paper).await;
    let apply = step(&mut broken, "apply").clone();
    let mut broken = without(broken, "apply");
    step(&mut broken, "q")["expect"]
        .as_array_mut()
        .unwrap()
        .extend(apply["expect"].as_array().unwrap().clone());
    is(&rejected(&clerk, &broken), "the counted quantity was not set");
}

#[tokio::test]
async fn goods_that_are_not_there() {
    let mut clerk = Clerk::new().await;
    let body =
        json!({ "item": "FG-BRACKET", "from": "LINE-A", "to": "LINE-B", "quantity": { "value": "95" } });
    let paper = clerk.paper("inventory.move", body);
    let mut broken = good(&clerk, &paper).await;
    step(&mut broken, "p")["kwargs"]["vals_list"][0]["move_line_ids"][0][2]["quantity"] = json!(96);
    let expect = step(&mut broken, "v")["expect"].as_array_mut().unwrap();
    expect.retain(|expect| expect["model"] != "stock.move.line");
    is(&rejected(&clerk, &broken), "would fall below zero");
}

#[tokio::test]
async fn a_consumption_that_the_completion_would_take_again() {
    let mut clerk = Clerk::new().await;
    let (_, name) = clerk.order("untracked", 0);
    let body = json!({ "order": name, "item": "RAW-STEEL", "quantity": { "value": "5" } });
    let paper = clerk.paper("material.consume", body);
    let mut broken = good(&clerk, &paper).await;
    step(&mut broken, "plan")["kwargs"]["vals"]["product_uom_qty"] = json!(20);
    is(&rejected(&clerk, &broken), "plan was not lowered");
}

#[tokio::test]
async fn more_than_arrived() {
    let mut clerk = Clerk::new().await;
    let purchase = clerk.plant["purchases"]["one_step"][0]["name"].clone();
    let body = json!({ "purchase": purchase, "item": "PART-BOLT", "quantity": { "value": "40" } });
    let paper = clerk.paper("receipt.arrive", body);
    let mut broken = good(&clerk, &paper).await;
    step(&mut broken, "w")["kwargs"]["vals"]["move_line_ids"][1][2]["quantity"] = json!(400);
    is(&rejected(&clerk, &broken), "not received as captured");
}
