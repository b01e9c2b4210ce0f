//! Groups: many messages in one posting, and what happens when one of them is known or guilty.

use jiff::{SignedDuration, Timestamp};
use millrace_relay::post::{MESSAGES, Posting, group};
use millrace_relay::target::{Answer, End};
use serde_json::json;

use crate::clerk::{Clerk, Fate, Paper, fate};
use crate::production::{finally, made, orders};

async fn postings(clerk: &Clerk, papers: &[Paper]) -> Vec<Posting> {
    let mut postings = Vec::new();
    for paper in papers {
        postings.push(clerk.posting(paper).await);
    }
    postings
}

fn ends(answers: &[Answer]) -> Vec<&'static str> {
    let word = |answer: &Answer| match answer.end {
        End::Done(..) => "done",
        End::Rejected(_) => "rejected",
        End::Split => "split",
        _ => "other",
    };
    answers.iter().map(word).collect()
}

#[tokio::test]
async fn a_group_of_orders_takes_effect_at_once() {
    let mut clerk = Clerk::new().await;
    let stock = clerk.location("one_step", "STOCK");
    let before = clerk.on_hand("RAW-STEEL", stock);
    let mut papers = Vec::new();
    for k in 0..10 {
        let (_, name) = clerk.order("untracked", k);
        let value = ["10", "12", "4"][k % 3];
        let body = if k % 3 == 2 {
            finally(&name, value)
        } else {
            made(&name, value)
        };
        papers.push(clerk.paper("production.confirm", body));
    }
    let grouped = group(postings(&clerk, &papers).await, MESSAGES);
    assert_eq!(grouped.len(), 1);
    let answers = clerk.send(&grouped).await;
    assert_eq!(ends(&answers), ["done"; 10]);
    for (k, answer) in answers.iter().enumerate() {
        assert_eq!(answer.id, papers[k].stamp.id);
        assert_eq!(fate(answer).record().id, clerk.order("untracked", k).0);
    }
    // 4 of 10, 3 of 12 and 3 of 4, each of two.
    assert_eq!(
        clerk.on_hand("RAW-STEEL", stock),
        before - 2.0 * (40.0 + 36.0 + 12.0)
    );
    let answers = clerk.send(&grouped).await;
    assert!(answers.iter().all(|answer| answer.repeat));
    assert_eq!(
        clerk.on_hand("RAW-STEEL", stock),
        before - 2.0 * (40.0 + 36.0 + 12.0)
    );
}

#[tokio::test]
async fn one_guilty_message_is_rejected_and_the_rest_of_its_group_is_done() {
    let mut clerk = Clerk::new().await;
    let mut papers = Vec::new();
    for k in 0..3 {
        let (_, name) = clerk.order("untracked", k);
        papers.push(clerk.paper("production.confirm", made(&name, "10")));
    }
    let grouped = group(postings(&clerk, &papers).await, MESSAGES);
    let (id, _) = clerk.order("untracked", 1);
    clerk.office("mrp.production", "action_cancel", json!({ "ids": [id] }));
    let answers = clerk.send(&grouped).await;
    assert_eq!(ends(&answers), ["done", "rejected", "done"]);
    assert!(matches!(fate(&answers[1]), Fate::Again(_)));
}

#[tokio::test]
async fn a_group_with_a_known_message_answers_it_and_runs_nothing() {
    let mut clerk = Clerk::new().await;
    let count =
        |location: &str| json!({ "item": "PART-BOLT", "location": location, "quantity": { "value": "5" } });
    let first = clerk.paper("inventory.count", count("LINE-A"));
    let second = clerk.paper("inventory.count", count("LINE-B"));
    let grouped = group(postings(&clerk, &[first.clone(), second]).await, MESSAGES);
    clerk.post(&first).await.record();
    let answers = clerk.send(&grouped).await;
    assert_eq!(ends(&answers), ["done", "split"]);
    assert_eq!(
        clerk.on_hand("PART-BOLT", clerk.location("one_step", "LINE-B")),
        0.0
    );
}

#[tokio::test]
async fn a_hundred_scans_and_a_final_one_make_one_done_order() {
    let mut clerk = Clerk::new().await;
    let (id, name) = clerk.order("large", 0);
    let mut settled = 0;
    for batch in 0..2 {
        let mut papers: Vec<Paper> = (0..50)
            .map(|_| clerk.paper("production.confirm", made(&name, "1")))
            .collect();
        if batch == 1 {
            papers.push(clerk.paper("production.confirm", finally(&name, "1")));
        }
        let grouped = group(postings(&clerk, &papers).await, 60);
        assert_eq!(grouped.len(), 1);
        settled += ends(&clerk.send(&grouped).await)
            .iter()
            .filter(|end| **end == "done")
            .count();
    }
    assert_eq!(settled, 101);
    assert_eq!(orders(&clerk, id), [format!("{name} done 500 101")]);
}

#[tokio::test]
async fn a_group_of_counts_sets_each_place() {
    let mut clerk = Clerk::new().await;
    let places = ["LINE-A", "LINE-B", "SHELF-1", "SHELF-2", "QC-HOLD"];
    let items = ["FG-BRACKET", "PART-BOLT", "RAW-STEEL"];
    let mut papers = Vec::new();
    for (k, (item, place)) in items
        .iter()
        .flat_map(|item| places.map(|place| (*item, place)))
        .enumerate()
    {
        let body = json!({ "item": item, "location": place, "quantity": { "value": (k + 1).to_string() } });
        papers.push(clerk.paper("inventory.count", body));
    }
    let grouped = group(postings(&clerk, &papers).await, MESSAGES);
    assert_eq!(grouped.len(), 1);
    assert_eq!(ends(&clerk.send(&grouped).await), ["done"; 15]);
    assert_eq!(
        clerk.on_hand("FG-BRACKET", clerk.location("one_step", "LINE-A")),
        1.0
    );
    assert_eq!(
        clerk.on_hand("RAW-STEEL", clerk.location("one_step", "QC-HOLD")),
        15.0
    );
}

#[tokio::test]
async fn counts_of_an_outage_in_which_each_place_was_counted_twice_still_go_together() {
    let mut clerk = Clerk::new().await;
    let items = ["FG-BRACKET", "PART-BOLT", "RAW-STEEL"];
    let mut rounds = Vec::new();
    for (ago, quantity) in [(3, "40"), (2, "30")] {
        let mut papers = items.map(|item| {
            let body = json!({ "item": item, "location": "LINE-A", "quantity": { "value": quantity } });
            clerk.paper("inventory.count", body)
        });
        for paper in &mut papers {
            paper.captured = Timestamp::now() - SignedDuration::from_secs(ago);
        }
        rounds.push(papers);
    }
    for papers in &rounds {
        let grouped = group(postings(&clerk, papers).await, MESSAGES);
        assert_eq!(grouped.len(), 1);
        assert_eq!(ends(&clerk.send(&grouped).await), ["done"; 3]);
    }
    for item in items {
        assert_eq!(clerk.on_hand(item, clerk.location("one_step", "LINE-A")), 30.0);
    }
}
