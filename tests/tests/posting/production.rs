//! Production confirmations of untraced products: what is registered, split off and closed.

use millrace_relay::post::Booking;
use serde_json::{Value, json};

use crate::clerk::{Clerk, Fate, fate};

pub fn made(order: &str, value: &str) -> Value {
    json!({ "order": order, "quantity": { "value": value } })
}

pub fn finally(order: &str, value: &str) -> Value {
    json!({ "order": order, "quantity": { "value": value }, "completion": "final" })
}

/// State, quantity and name of all orders of the group, in the order in which they were made.
pub fn orders(clerk: &Clerk, id: i64) -> Vec<String> {
    let group = format!("(SELECT production_group_id FROM mrp_production WHERE id = {id})");
    let query = format!(
        "SELECT name || ' ' || state || ' ' || product_qty::float || ' ' || coalesce(qty_producing, 0)::float FROM mrp_production \
         WHERE production_group_id = {group} ORDER BY id"
    );
    clerk.db.sql(&query).into_iter().flatten().collect()
}

/// Made of the product and used of each component, by what moved for the group.
pub fn moved(clerk: &Clerk, id: i64) -> Vec<String> {
    let group = format!("(SELECT production_group_id FROM mrp_production WHERE id = {id})");
    let query = format!(
        "SELECT p.default_code || ' ' || CASE WHEN m.production_id IS NULL THEN '-' ELSE '+' END \
         || sum(l.quantity)::float FROM stock_move_line l JOIN stock_move m ON m.id = l.move_id \
         JOIN product_product p ON p.id = l.product_id \
         JOIN mrp_production o ON o.id = coalesce(m.production_id, m.raw_material_production_id) \
         WHERE l.state = 'done' AND o.production_group_id = {group} \
         GROUP BY p.default_code, m.production_id IS NULL ORDER BY 1"
    );
    clerk.db.sql(&query).into_iter().flatten().collect()
}

#[tokio::test]
async fn a_whole_order_is_made_and_its_components_are_consumed() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("untracked", 0);
    let record = clerk.say("production.confirm", made(&name, "10")).await.record();
    assert_eq!(
        (record.model.as_str(), record.id, &record.name),
        ("mrp.production", id, &name)
    );
    assert_eq!(orders(&clerk, id), [format!("{name} done 10 10")]);
    assert_eq!(
        moved(&clerk, id),
        ["FG-BRACKET +10", "PART-BOLT -40", "RAW-STEEL -20"]
    );
}

#[tokio::test]
async fn partial_confirmations_accumulate_on_the_open_order_and_the_final_one_posts_them() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("untracked", 0);
    clerk.say("production.confirm", made(&name, "3")).await.record();
    clerk.say("production.confirm", made(&name, "4")).await.record();
    assert_eq!(orders(&clerk, id), [format!("{name} progress 10 7")]);
    assert_eq!(moved(&clerk, id), [""; 0]);
    clerk
        .say("production.confirm", finally(&name, "1"))
        .await
        .record();
    assert_eq!(orders(&clerk, id), [format!("{name} done 10 8")]);
    assert_eq!(
        moved(&clerk, id),
        ["FG-BRACKET +8", "PART-BOLT -32", "RAW-STEEL -16"]
    );
}

#[tokio::test]
async fn three_partials_with_the_printed_code_post_with_a_backorder_each() {
    let mut clerk = Clerk::new().await;
    clerk.policies.base.booking = Booking::Post;
    let (id, name) = clerk.order("untracked", 0);
    for value in ["2", "3", "1"] {
        clerk.say("production.confirm", made(&name, value)).await.record();
    }
    let left = format!("{name}-004");
    assert_eq!(
        orders(&clerk, id),
        [
            format!("{name}-001 done 2 2"),
            format!("{name}-002 done 3 3"),
            format!("{name}-003 done 1 1"),
            format!("{left} confirmed 4 0"),
        ]
    );
    assert_eq!(
        moved(&clerk, id),
        ["FG-BRACKET +6", "PART-BOLT -24", "RAW-STEEL -12"]
    );
    // The code of a backorder works too, and the last one needs no word that it is.
    clerk.say("production.confirm", made(&left, "4")).await.record();
    assert_eq!(orders(&clerk, id)[3], format!("{left} done 4 4"));
    let text = clerk
        .say("production.confirm", made(&name, "1"))
        .await
        .refused("order-closed");
    assert!(text.contains("is done"), "{text}");
}

#[tokio::test]
async fn more_than_planned_is_made_over_and_its_components_with_it() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("untracked", 0);
    clerk.say("production.confirm", made(&name, "12")).await.record();
    assert_eq!(
        moved(&clerk, id),
        ["FG-BRACKET +12", "PART-BOLT -48", "RAW-STEEL -24"]
    );
    let (id, name) = clerk.order("untracked", 1);
    clerk.policies.base.booking = Booking::Post;
    let partial = json!({ "order": name, "quantity": { "value": "11" }, "completion": "partial" });
    clerk.say("production.confirm", partial).await.record();
    assert_eq!(orders(&clerk, id), [format!("{name} to_close 10 11")]);
    clerk
        .say("production.confirm", finally(&name, "0"))
        .await
        .record();
    assert_eq!(
        moved(&clerk, id),
        ["FG-BRACKET +11", "PART-BOLT -44", "RAW-STEEL -22"]
    );
}

#[tokio::test]
async fn an_order_that_closes_with_nothing_made_is_refused_because_odoo_would_book_it_whole() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("untracked", 0);
    clerk
        .say("production.confirm", finally(&name, "0"))
        .await
        .refused("nothing-made");
    assert_eq!(orders(&clerk, id), [format!("{name} confirmed 10 0")]);
}

#[tokio::test]
async fn captured_components_replace_what_the_plan_would_consume() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("untracked", 0);
    let body = json!({
        "order": name, "item": "FG-BRACKET", "quantity": { "value": "10" },
        "components": [{ "item": "RAW-STEEL", "quantity": { "value": "21.5" } }]
    });
    clerk.say("production.confirm", body).await.record();
    assert_eq!(
        moved(&clerk, id),
        ["FG-BRACKET +10", "PART-BOLT -40", "RAW-STEEL -21.5"]
    );
}

#[tokio::test]
async fn components_captured_on_the_way_add_up_until_the_order_closes() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("untracked", 0);
    let body = |made: &str, used: &str| {
        json!({
            "order": name, "quantity": { "value": made },
            "components": [{ "item": "RAW-STEEL", "quantity": { "value": used } }]
        })
    };
    clerk.say("production.confirm", body("3", "7")).await.record();
    clerk.say("production.confirm", body("3", "6")).await.record();
    clerk
        .say("production.confirm", finally(&name, "4"))
        .await
        .record();
    assert_eq!(
        moved(&clerk, id),
        ["FG-BRACKET +10", "PART-BOLT -40", "RAW-STEEL -13"]
    );
}

#[tokio::test]
async fn another_item_than_the_order_makes_is_refused() {
    let mut clerk = Clerk::new().await;
    let (_, name) = clerk.order("untracked", 0);
    let body = json!({ "order": name, "item": "FG-PANEL", "quantity": { "value": "1" } });
    clerk.say("production.confirm", body).await.refused("wrong-item");
    let case = clerk.plant["items"]["FG-BRACKET"]["case"]["barcode"].clone();
    let body = json!({ "order": name, "item": case, "quantity": { "value": "1" } });
    clerk.say("production.confirm", body).await.record();
}

#[tokio::test]
async fn missing_components_wait_for_stock_and_post_when_it_is_there() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("untracked", 0);
    let count =
        |value: &str| json!({ "item": "PART-BOLT", "location": "STOCK", "quantity": { "value": value } });
    clerk.say("inventory.count", count("39")).await.record();
    let mut paper = clerk.paper("production.confirm", made(&name, "10"));
    let text = clerk.post(&paper).await.held("negative-stock");
    assert!(text.contains("Bolt"), "{text}");
    assert_eq!(orders(&clerk, id), [format!("{name} confirmed 10 0")]);
    clerk.say("inventory.count", count("40")).await.record();
    paper.stamp.attempt += 1;
    clerk.post(&paper).await.record();
    assert_eq!(
        clerk.on_hand("PART-BOLT", clerk.location("one_step", "STOCK")),
        0.0
    );
}

#[tokio::test]
async fn orders_of_two_and_three_steps_take_their_components_where_their_moves_say() {
    for (plant, group, house) in [
        ("A", "two_step_untracked", "two_step"),
        ("B", "untracked", "three_step"),
    ] {
        let mut clerk = Clerk::of(plant).await;
        let (id, name) = clerk.order(group, 0);
        let place = clerk.plant["warehouses"][house]["step_locations"]["pre_production"]
            .as_i64()
            .unwrap();
        let before = clerk.on_hand("RAW-STEEL", place);
        clerk.say("production.confirm", made(&name, "10")).await.record();
        assert_eq!(
            moved(&clerk, id),
            ["FG-BRACKET +10", "PART-BOLT -40", "RAW-STEEL -20"]
        );
        assert_eq!(clerk.on_hand("RAW-STEEL", place), before - 20.0);
    }
}

#[tokio::test]
async fn an_order_that_somebody_closed_meanwhile_is_planned_again_and_then_refused() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("untracked", 0);
    let paper = clerk.paper("production.confirm", made(&name, "10"));
    let posting = clerk.posting(&paper).await;
    clerk.office("mrp.production", "action_cancel", json!({ "ids": [id] }));
    let answers = clerk.send(&[posting]).await;
    assert!(matches!(fate(&answers[0]), Fate::Again(_)), "{:?}", answers[0]);
    let text = clerk.post(&paper).await.refused("order-closed");
    assert!(text.contains("is cancel"), "{text}");
}

#[tokio::test]
async fn a_quantity_that_somebody_changed_meanwhile_is_planned_again() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("untracked", 0);
    let mut paper = clerk.paper("production.confirm", made(&name, "4"));
    let posting = clerk.posting(&paper).await;
    clerk.office(
        "mrp.production",
        "write",
        json!({ "ids": [id], "vals": { "qty_producing": 2 } }),
    );
    let answers = clerk.send(&[posting]).await;
    assert!(matches!(fate(&answers[0]), Fate::Again(_)), "{:?}", answers[0]);
    paper.stamp.attempt += 1;
    clerk.post(&paper).await.record();
    assert_eq!(orders(&clerk, id), [format!("{name} progress 10 6")]);
}

#[tokio::test]
async fn an_unknown_order_waits_and_one_of_the_other_company_stays_unknown() {
    let mut clerk = Clerk::new().await;
    clerk
        .say("production.confirm", made("WA1/MO/99999", "1"))
        .await
        .held("unknown-order");
    let other = clerk.db.instance.seed["plants"]["B"]["orders"]["untracked"][0]["name"].clone();
    let body = json!({ "order": other, "quantity": { "value": "1" } });
    clerk.say("production.confirm", body).await.held("unknown-order");
}
