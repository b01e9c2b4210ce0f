//! What a plan asks, refuses and holds.

use jiff::SignedDuration;
use serde_json::json;

use super::*;

fn count(value: &str) -> Paper {
    let body = json!({ "item": "BOLT", "location": "WH/Stock", "quantity": { "value": value } });
    paper(1, "inventory.count", body)
}

fn movement(quantity: i64, captured: Option<Timestamp>) -> Movement {
    Movement {
        quantity: quantity.into(),
        reference: "WH/OUT/7 by Anna".into(),
        is_count: false,
        captured: captured.map(|time| (time, time)),
    }
}

fn moved(book: i64, movements: Vec<Movement>) -> Plant {
    let stock = Stock {
        book: book.into(),
        rows: 1,
        other_rows: 0,
        movements,
    };
    Plant {
        stock,
        ..Plant::default()
    }
}

fn set(posting: &Posting) -> serde_json::Value {
    let json = posting.to_json();
    let steps = json["steps"].as_array().unwrap();
    let create = steps.iter().find(|step| step["method"] == "create").unwrap();
    create["kwargs"]["vals_list"][0]["inventory_quantity"].clone()
}

#[test]
fn a_plan_asks_for_all_that_it_can_at_once() {
    let count = count("1");
    let case = Case {
        stamp: &count.stamp,
        message: &count.message,
        reverses: None,
        captured: count.captured,
        offset_minutes: 0,
        company: COMPANY,
        policies: &count.policies,
        released: false,
    };
    match plan(&case, &Facts::default()) {
        Plan::Need(questions) => assert_eq!(questions.len(), 3, "{questions:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_count_of_a_hundred_with_ten_used_later_sets_ninety() {
    let count = count("100");
    let later = count.captured + SignedDuration::from_mins(30);
    let earlier = count.captured - SignedDuration::from_mins(30);
    assert_eq!(
        set(&count.posting(&moved(85, vec![movement(-10, Some(later))]))),
        json!(90)
    );
    assert_eq!(
        set(&count.posting(&moved(85, vec![movement(-10, Some(earlier))]))),
        json!(100)
    );
}

#[test]
fn a_count_that_others_moved_since_shows_both_figures() {
    let mut count = count("100");
    let plant = moved(92, vec![movement(-3, None)]);
    match count.plan(&plant) {
        Plan::Hold(hold) => {
            assert_eq!(hold.reason.code, "stale-count");
            for figure in [
                "counted 100",
                "the book said 95",
                "it says 92",
                "-3 WH/OUT/7 by Anna",
                "97 is set",
            ] {
                assert!(
                    hold.reason.text.contains(figure),
                    "{figure}: {}",
                    hold.reason.text
                );
            }
        }
        other => panic!("{other:?}"),
    }
    count.released = true;
    assert_eq!(set(&count.posting(&plant)), json!(97));
}

#[test]
fn a_count_that_a_later_one_overtook_is_refused() {
    let count = count("100");
    let mut later = movement(4, Some(count.captured + SignedDuration::from_mins(1)));
    later.is_count = true;
    assert_eq!(count.word(&moved(99, vec![later])), "overtaken");
}

#[test]
fn goods_in_packages_are_not_counted_by_code() {
    let mut plant = moved(5, Vec::new());
    plant.stock.other_rows = 1;
    assert_eq!(count("5").word(&plant), "packages-or-owners");
}

#[test]
fn an_ambiguous_code_is_refused_with_the_names_and_an_unknown_one_is_held_for_all() {
    let with = |item: &str| {
        paper(
            1,
            "inventory.count",
            json!({ "item": item, "location": "WH/Stock", "quantity": { "value": "1" } }),
        )
    };
    match with("TWO").plan(&Plant::default()) {
        Plan::Refuse(reason) => assert!(reason.text.contains("Two A, Two B"), "{reason}"),
        other => panic!("{other:?}"),
    }
    match with("NEW").plan(&Plant::default()) {
        Plan::Hold(hold) => assert_eq!(hold.subject.as_deref(), Some("item:1:NEW")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_happens_to_an_order_follows_from_completion_and_booking() {
    use millrace_shared::message::Completion::*;
    let of = |completion, booking, total: i64| Way::of(completion, booking, total.into(), 10.into());
    assert_eq!(of(Auto, Booking::Accumulate, 9), Way::Register);
    assert_eq!(of(Auto, Booking::Post, 9), Way::Split);
    assert_eq!(of(Auto, Booking::Post, 10), Way::Close);
    assert_eq!(of(Partial, Booking::Post, 10), Way::Register);
    assert_eq!(of(Partial, Booking::Accumulate, 12), Way::Register);
    assert_eq!(of(Final, Booking::Accumulate, 1), Way::Close);
}

#[test]
fn traced_components_need_their_lots_before_odoo_is_called() {
    let mut line = component(2, 70, "Raw", Tracking::Lot, KG, 20);
    line.lots = vec![(15, 20.into())];
    let order = Order {
        components: vec![line],
        ..plain_order()
    };
    let plant = Plant {
        order: Some(order),
        ..Plant::default()
    };
    let mut close = paper(
        1,
        "production.confirm",
        json!({ "order": "MO/1", "quantity": { "value": "10" } }),
    );
    assert_eq!(close.word(&plant), "lot-missing");
    close.policies.base.reserved_lots = true;
    close.posting(&plant);
    let over = paper(
        1,
        "production.confirm",
        json!({ "order": "MO/1", "quantity": { "value": "11" } }),
    );
    assert_eq!(
        Paper {
            policies: close.policies.clone(),
            ..over
        }
        .word(&plant),
        "lot-missing"
    );
}

#[test]
fn goods_do_not_lie_at_a_suppliers() {
    let body = json!({ "item": "BOLT", "from": "Vendors", "to": "WH/Stock", "quantity": { "value": "1" } });
    assert_eq!(
        paper(1, "inventory.move", body).word(&Plant::default()),
        "no-place-for-goods"
    );
}
