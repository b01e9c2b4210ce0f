//! The postings of each kind, word for word. A change of one of these is a change of what happens in Odoo: run it
//! against a real one before it is written here. `MILLRACE_BLESS=1` writes them anew.

// Of what compares commands, only what compares files is needed here.
#[allow(dead_code)]
#[path = "../../../../tests/golden.rs"]
mod kept;

use std::path::Path;

use serde_json::{Value, json};

use super::*;

/// Compares with the kept text, and with the allow-list that the domain's administrator pastes.
fn golden(name: &str, posting: &Posting) {
    let json = posting.to_json();
    allowed(&json);
    let text = serde_json::to_string_pretty(&json).unwrap() + "\n";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/post/tests/golden");
    kept::compare(&folder.join(format!("{name}.json")), &text);
}

/// Every change of a posting is in the allow-list: method by method, field by field, command by command.
fn allowed(posting: &Value) {
    let list: Value = serde_json::from_str(ALLOW_LIST).unwrap();
    let steps = posting["steps"].as_array().unwrap();
    let contexts = steps
        .iter()
        .map(|step| &step["context"])
        .chain([&posting["context"]]);
    for key in contexts
        .filter_map(Value::as_object)
        .flat_map(|context| context.keys())
    {
        let free = key == "allowed_company_ids" || list["context"].as_array().unwrap().contains(&json!(key));
        assert!(free, "context {key}");
    }
    for step in steps.iter().filter(|step| step["method"].is_string()) {
        let (model, method) = (step["model"].as_str().unwrap(), step["method"].as_str().unwrap());
        let spec = &list["models"][model][method];
        match method {
            "search" | "search_read" | "read" | "formatted_read_group" => {}
            "write" => fields(spec, &step["kwargs"]["vals"], model),
            "create" => {
                for row in step["kwargs"]["vals_list"].as_array().unwrap() {
                    fields(spec, row, model);
                }
            }
            _ => assert_eq!(spec, &json!(true), "{model}.{method}"),
        }
    }
}

fn fields(spec: &Value, row: &Value, at: &str) {
    const COMMANDS: [&str; 7] = ["create", "update", "delete", "unlink", "link", "clear", "set"];
    for (field, value) in row.as_object().unwrap() {
        let at = format!("{at} {field}");
        match &spec[field] {
            Value::Bool(true) => {}
            Value::Object(commands) => {
                for command in value.as_array().unwrap() {
                    let name = COMMANDS[command[0].as_u64().unwrap() as usize];
                    match &commands[name] {
                        Value::Bool(true) => {}
                        inner => fields(inner, &command[2], &format!("{at} {name}")),
                    }
                }
            }
            _ => panic!("{at} is not in the allow-list"),
        }
    }
}

#[test]
fn a_count_is_set_at_once_and_its_place_has_one_row() {
    let body = json!({ "item": "BOLT-CASE", "location": "WH/Stock", "quantity": { "value": "2" } });
    golden(
        "count",
        &paper(1, "inventory.count", body).posting(&Plant::default()),
    );
}

#[test]
fn two_counts_are_one_posting_with_both_singles() {
    let count = |number, item: &str| {
        let body = json!({ "item": item, "location": "WH/Stock", "quantity": { "value": "5" } });
        paper(number, "inventory.count", body).posting(&Plant::default())
    };
    let grouped = group(vec![count(1, "BOLT"), count(2, "OTHER")], MESSAGES);
    assert_eq!(grouped.len(), 1);
    golden("count_group", &grouped[0]);
}

#[test]
fn a_whole_order_needs_one_call() {
    let body = json!({ "order": "MO/33", "quantity": { "value": "10" } });
    golden(
        "production_whole",
        &paper(1, "production.confirm", body).posting(&Plant::default()),
    );
}

#[test]
fn a_partial_confirmation_is_registered() {
    let body = json!({ "order": "MO/33", "quantity": { "value": "4" } });
    golden(
        "production_register",
        &paper(1, "production.confirm", body).posting(&Plant::default()),
    );
}

#[test]
fn a_partial_confirmation_with_lots_is_split_off_and_dated() {
    let order = Order {
        tracking: Tracking::Lot,
        components: vec![component(2, 70, "Raw", Tracking::Lot, KG, 20)],
        ..plain_order()
    };
    let plant = Plant {
        order: Some(order),
        ..Plant::default()
    };
    let body = json!({
        "order": "MO/34", "item": "MADE", "quantity": { "value": "4" }, "lot": "LOT7",
        "components": [{ "item": "RAW", "lot": "L1", "quantity": { "value": "8" } }]
    });
    let mut split = paper(1, "production.confirm", body);
    split.policies.base.booking = Booking::Post;
    split.policies.base.dating = Dating::Occurred;
    golden("production_split", &split.posting(&plant));
}

#[test]
fn three_orders_are_one_posting() {
    let confirm = |number, order: &str, value: &str| {
        let body = json!({ "order": order, "quantity": { "value": value } });
        paper(number, "production.confirm", body).posting(&Plant::default())
    };
    let postings = vec![
        confirm(1, "MO/33", "10"),
        confirm(2, "MO/34", "12"),
        confirm(3, "MO/35", "3"),
    ];
    let grouped = group(postings, MESSAGES);
    assert_eq!(grouped.len(), 1);
    golden("production_group", &grouped[0]);
}

#[test]
fn a_component_is_consumed_by_a_transfer_of_its_order() {
    let order = Order {
        components: vec![component(2, 70, "Raw", Tracking::Lot, KG, 20)],
        ..plain_order()
    };
    let plant = Plant {
        order: Some(order),
        ..Plant::default()
    };
    let body =
        json!({ "order": "MO/33", "item": "RAW", "lot": "L1", "quantity": { "value": "2500", "unit": "g" } });
    golden("consume", &paper(1, "material.consume", body).posting(&plant));
}

#[test]
fn goods_are_scrapped_and_the_sum_is_checked() {
    let body = json!({
        "item": "RAW", "lot": "L1", "location": "WH/Line", "quantity": { "value": "1.5" }, "reason": "dropped"
    });
    golden(
        "scrap",
        &paper(1, "scrap.report", body).posting(&Plant::default()),
    );
}

#[test]
fn goods_are_carried_by_a_transfer_of_one_line() {
    let body = json!({ "item": "BOLT", "from": "WH/Stock", "to": "WH/Line", "quantity": { "value": "2" } });
    let mut move_ = paper(1, "inventory.move", body);
    move_.policies.base.negative_stock = NegativeStock::Allow;
    move_.policies.base.chatter = false;
    golden("move", &move_.posting(&Plant::default()));
}

#[test]
fn goods_arrive_on_the_line_of_their_purchase_order() {
    let body = json!({ "purchase": "P00016", "item": "RAW", "lot": "A", "quantity": { "value": "7" } });
    golden(
        "receipt",
        &paper(1, "receipt.arrive", body).posting(&Plant::default()),
    );
}
