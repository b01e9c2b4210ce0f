//! What codes stand for, and questions that Odoo answers in a way that makes no sense.

use millrace_relay::post::{Fact, Found, Question};
use millrace_relay::target::Target;
use millrace_tests::odoo::text;
use serde_json::{Value, json};

use crate::clerk::Clerk;

fn counted(item: &Value, value: &str) -> Value {
    json!({ "item": item, "location": "SHELF-1", "quantity": { "value": value } })
}

#[tokio::test]
async fn a_gs1_label_finds_the_item_whose_ean_13_it_carries_and_the_case_that_has_all_fourteen_digits() {
    let mut clerk = Clerk::new().await;
    let item = clerk.plant["items"]["FG-BRACKET"].clone();
    let shelf = clerk.location("one_step", "SHELF-1");
    assert_eq!(text(&item["gtin14"]), format!("0{}", text(&item["barcode"])));
    clerk
        .say("inventory.count", counted(&item["gtin14"], "19"))
        .await
        .record();
    assert_eq!(clerk.on_hand("FG-BRACKET", shelf), 19.0);
    clerk
        .say("inventory.count", counted(&item["case"]["barcode"], "2"))
        .await
        .record();
    assert_eq!(clerk.on_hand("FG-BRACKET", shelf), 24.0);
    // The same digits with another check digit are another number, which nobody has.
    let wrong = Value::from(text(&item["gtin14"]).replace("000112", "000113"));
    assert_ne!(wrong, item["gtin14"]);
    clerk
        .say("inventory.count", counted(&wrong, "1"))
        .await
        .held("unknown-item");
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_harms_only_the_message_that_needs_it() {
    let mut clerk = Clerk::new().await;
    let (bad, bad_name) = clerk.order("untracked", 0);
    let (_, good_name) = clerk.order("untracked", 1);
    clerk.db.sql(&format!(
        "UPDATE mrp_production SET production_group_id = NULL WHERE id = {bad}"
    ));
    let question = |name: &str| Question::Production {
        company: clerk.company,
        code: name.parse().unwrap(),
    };
    let questions = [question(&bad_name), question(&good_name)];
    let facts = clerk.odoo.look(&questions).await.unwrap();
    let unreadable = facts.get(&questions[0]);
    assert!(
        matches!(unreadable, Some(Fact::Unreadable(text)) if text.contains("production_group_id")),
        "{unreadable:?}"
    );
    assert!(matches!(
        facts.get(&questions[1]),
        Some(Fact::Production(Found::One(_)))
    ));
    let body = json!({ "order": bad_name, "quantity": { "value": "1" } });
    let told = clerk
        .say("production.confirm", body)
        .await
        .refused("unreadable-answer");
    assert!(told.contains("production_group_id"), "{told}");
    let body = json!({ "order": good_name, "quantity": { "value": "1" } });
    clerk.say("production.confirm", body).await.record();
}

/// So many locations of one name, as an import gone wrong makes.
fn crowd(clerk: &Clerk, size: usize) {
    clerk.db.sql(&format!(
        "INSERT INTO stock_location (name, complete_name, usage, active, company_id) \
         SELECT 'CROWD', 'CROWD', 'internal', true, {} FROM generate_series(1, {size})",
        clerk.company
    ));
}

#[tokio::test]
async fn a_code_that_means_thousands_of_things_is_ambiguous_in_few_words() {
    let mut clerk = Clerk::new().await;
    crowd(&clerk, 2500);
    let body = json!({ "item": "FG-BRACKET", "location": "CROWD", "quantity": { "value": "1" } });
    let told = clerk.say("inventory.count", body).await.refused("ambiguous-code");
    assert!(told.contains("or one of 2495 more"), "{told}");
    assert!(told.len() < 200, "{told}");
}

#[tokio::test]
async fn a_question_with_more_answers_than_are_read_is_not_half_answered() {
    let mut clerk = Clerk::new().await;
    crowd(&clerk, 50_000);
    let body = json!({ "item": "FG-BRACKET", "location": "CROWD", "quantity": { "value": "1" } });
    let told = clerk
        .say("inventory.count", body)
        .await
        .refused("unreadable-answer");
    assert!(told.contains("50000 or more"), "{told}");
}
