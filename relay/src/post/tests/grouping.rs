//! Many postings into few.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn confirm(number: u64, order: u64, value: u64, completion: &str) -> Posting {
    let body = json!({
        "order": format!("MO/{order}"), "quantity": { "value": value.to_string() }, "completion": completion
    });
    paper(number, "production.confirm", body).posting(&Plant::default())
}

fn count(number: u64, item: &str, location: &str) -> Posting {
    let body = json!({ "item": item, "location": location, "quantity": { "value": "1" } });
    paper(number, "inventory.count", body).posting(&Plant::default())
}

fn numbers(posting: &Posting) -> Vec<u64> {
    posting
        .stamps()
        .iter()
        .map(|stamp| stamp.id.position.sequence)
        .collect()
}

#[test]
fn partial_confirmations_of_one_order_are_added_up_and_the_final_one_closes_it() {
    let postings = vec![
        confirm(1, 33, 2, "partial"),
        confirm(2, 33, 3, "auto"),
        confirm(3, 33, 1, "final"),
        confirm(4, 33, 1, "partial"),
    ];
    let grouped = group(postings, MESSAGES);
    assert_eq!(
        grouped.iter().map(numbers).collect::<Vec<_>>(),
        [vec![1, 2, 3], vec![4]]
    );
    let json = grouped[0].to_json();
    assert_eq!(json["steps"][1]["kwargs"]["vals"]["qty_producing"], json!(6));
    assert_eq!(json["outcomes"].as_object().unwrap().len(), 3);
    // Each single stands on what those before it registered.
    let base = |k: usize| json["singles"][k]["steps"][0]["expect"][0]["values"]["qty_producing"][0].clone();
    assert_eq!((base(0), base(1), base(2)), (json!(0), json!(2), json!(5)));
}

#[test]
fn a_place_stands_once_in_a_group_of_counts() {
    let grouped = group(
        vec![
            count(1, "BOLT", "WH/Stock"),
            count(2, "BOLT", "WH/Line"),
            count(3, "BOLT", "WH/Stock"),
        ],
        MESSAGES,
    );
    assert_eq!(
        grouped.iter().map(numbers).collect::<Vec<_>>(),
        [vec![1, 2], vec![3]]
    );
}

#[test]
fn nothing_overtakes_what_it_shares_a_shard_with() {
    // The order takes bolts from the place that is counted in between.
    let postings = vec![
        confirm(1, 33, 10, "final"),
        count(2, "BOLT", "WH/Stock"),
        confirm(3, 34, 10, "final"),
    ];
    let grouped = group(postings, MESSAGES);
    assert_eq!(
        grouped.iter().map(numbers).collect::<Vec<_>>(),
        [vec![1], vec![2], vec![3]]
    );
    // A count elsewhere is no obstacle.
    let postings = vec![
        confirm(1, 33, 10, "final"),
        count(2, "OTHER", "WH/Line"),
        confirm(3, 34, 10, "final"),
    ];
    let grouped = group(postings, MESSAGES);
    assert_eq!(
        grouped.iter().map(numbers).collect::<Vec<_>>(),
        [vec![1, 3], vec![2]]
    );
}

#[test]
fn what_rests_on_facts_that_an_earlier_one_changes_is_left_for_the_next_turn() {
    let consume = |number| {
        let body = json!({ "order": "MO/33", "item": "BOLT", "quantity": { "value": "1" } });
        paper(number, "material.consume", body).posting(&Plant::default())
    };
    let kept = timely(
        vec![
            consume(1),
            consume(2),
            confirm(3, 34, 10, "final"),
            confirm(4, 33, 10, "final"),
        ],
        MESSAGES,
    );
    assert_eq!(kept.iter().flat_map(numbers).collect::<Vec<_>>(), [1, 3]);
    let kept = timely(
        (1..=4).map(|number| confirm(number, 33, 1, "auto")).collect(),
        MESSAGES,
    );
    assert_eq!(kept.len(), 4, "what is added up needs no second turn");
}

#[derive(Debug, Clone)]
enum Said {
    Made {
        order: u64,
        completion: &'static str,
    },
    Counted {
        item: &'static str,
        location: &'static str,
    },
    Used {
        order: u64,
    },
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        (
            1_u64..6,
            prop_oneof![Just("partial"), Just("final"), Just("auto")]
        )
            .prop_map(|(order, completion)| Said::Made { order, completion }),
        (
            prop_oneof![Just("BOLT"), Just("OTHER")],
            prop_oneof![Just("WH/Stock"), Just("WH/Line")]
        )
            .prop_map(|(item, location)| Said::Counted { item, location }),
        (1_u64..6).prop_map(|order| Said::Used { order }),
    ]
}

fn postings(all: &[Said]) -> Vec<Posting> {
    let post = |(k, said): (usize, &Said)| {
        let number = k as u64 + 1;
        match said {
            Said::Made { order, completion } => confirm(number, *order, 1, completion),
            Said::Counted { item, location } => count(number, item, location),
            Said::Used { order } => {
                let body =
                    json!({ "order": format!("MO/{order}"), "item": "BOLT", "quantity": { "value": "1" } });
                paper(number, "material.consume", body).posting(&Plant::default())
            }
        }
    };
    all.iter().enumerate().map(post).collect()
}

/// The records that each creating or writing step of a posting names.
fn targets(json: &Value) -> Vec<String> {
    let steps = json["steps"].as_array().unwrap();
    let created = steps
        .iter()
        .filter(|step| step["method"] == "create")
        .flat_map(|step| {
            let rows = step["kwargs"]["vals_list"].as_array().unwrap();
            rows.iter()
                .map(|row| format!("{} {} {}", row["product_id"], row["location_id"], row["lot_id"]))
        });
    let done = steps.iter().filter(|step| step["method"] == "button_mark_done");
    let done = done.flat_map(|step| step["ids"].as_array().unwrap().iter().map(Value::to_string));
    created.chain(done).collect()
}

proptest! {
    #[test]
    fn grouping_keeps_every_message_once_and_in_order_and_every_target_once(
        all in prop::collection::vec(said(), 0..24), most in 1_usize..8
    ) {
        let postings = postings(&all);
        let grouped = group(postings.clone(), most);
        let place = |number: u64| grouped.iter().position(|g| numbers(g).contains(&number)).unwrap();
        let mut seen: Vec<u64> = grouped.iter().flat_map(numbers).collect();
        seen.sort_unstable();
        prop_assert_eq!(seen, (1..=all.len() as u64).collect::<Vec<_>>());
        for posting in &grouped {
            prop_assert!(posting.stamps().len() <= most);
            let targets = targets(&posting.to_json());
            prop_assert_eq!(targets.iter().collect::<BTreeSet<_>>().len(), targets.len());
        }
        for (k, first) in postings.iter().enumerate() {
            for (l, second) in postings.iter().enumerate().skip(k + 1) {
                if !first.shards().is_disjoint(second.shards()) {
                    prop_assert!(place(k as u64 + 1) <= place(l as u64 + 1), "{k} and {l}");
                }
            }
        }
    }

    #[test]
    fn what_is_timely_never_counts_on_what_an_earlier_one_changed(
        all in prop::collection::vec(said(), 0..24), most in 1_usize..8
    ) {
        let all = postings(&all);
        let kept = timely(all.clone(), most);
        prop_assert_eq!(kept.is_empty(), all.is_empty());
        let grouped = group(kept, most);
        for (k, first) in grouped.iter().enumerate() {
            for second in &grouped[k + 1..] {
                prop_assert!(first.shards().is_disjoint(second.assumes()));
            }
        }
    }
}
