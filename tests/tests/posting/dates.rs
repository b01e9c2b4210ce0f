//! Movements that are dated when they happened, and locked books.

use jiff::{SignedDuration, Timestamp, Zoned};
use millrace_relay::post::Dating;
use serde_json::{Value, json};

use crate::clerk::{Clerk, Paper};

/// A message captured three days ago.
fn old(clerk: &mut Clerk, kind: &str, body: Value) -> Paper {
    let mut paper = clerk.paper(kind, body);
    paper.captured = Timestamp::now() - SignedDuration::from_hours(72);
    paper
}

fn bodies(clerk: &Clerk) -> Vec<(&'static str, Value)> {
    let order = clerk.order("untracked", 0).1;
    let open = clerk.order("untracked", 1).1;
    let purchase = clerk.plant["purchases"]["one_step"][0]["name"].clone();
    let some = json!({ "value": "2" });
    vec![
        (
            "inventory.move",
            json!({ "item": "RAW-STEEL", "from": "STOCK", "to": "LINE-B", "quantity": some }),
        ),
        (
            "scrap.report",
            json!({ "item": "RAW-STEEL", "location": "STOCK", "quantity": some }),
        ),
        (
            "material.consume",
            json!({ "order": open, "item": "RAW-STEEL", "quantity": some }),
        ),
        (
            "receipt.arrive",
            json!({ "purchase": purchase, "item": "PART-BOLT", "quantity": some }),
        ),
        (
            "inventory.count",
            json!({ "item": "PART-BOLT", "location": "LINE-A", "quantity": some }),
        ),
        (
            "production.confirm",
            json!({ "order": order, "quantity": some, "completion": "final" }),
        ),
    ]
}

#[tokio::test]
async fn every_kind_is_dated_when_it_happened_where_the_plant_wants_it() {
    let mut clerk = Clerk::new().await;
    clerk.policies.base.dating = Dating::Occurred;
    let begun = clerk.db.one("SELECT now() AT TIME ZONE 'UTC'");
    for (kind, body) in bodies(&clerk) {
        let paper = old(&mut clerk, kind, body);
        clerk.post(&paper).await.record();
        let late = format!(
            "SELECT count(*) FROM stock_move_line l JOIN stock_move m ON m.id = l.move_id WHERE l.write_date >= '{begun}' \
             AND l.state = 'done' AND (l.date > now() - interval '2 days' OR m.date > now() - interval '2 days')"
        );
        assert_eq!(clerk.db.one(&late), "0", "{kind}");
    }
    let done =
        format!("SELECT count(*) FROM stock_move_line WHERE write_date >= '{begun}' AND state = 'done'");
    assert_eq!(clerk.db.one(&done), "8");
}

#[tokio::test]
async fn a_locked_period_holds_what_happened_in_it_and_an_open_one_does_not() {
    let mut clerk = Clerk::new().await;
    clerk.policies.base.dating = Dating::Occurred;
    let lock = |clerk: &Clerk, day: Option<String>| {
        let vals = json!({ "fiscalyear_lock_date": day.map_or(json!(false), Value::from) });
        clerk.db.admin(
            clerk.company,
            "res.company",
            "write",
            json!({ "ids": [clerk.company], "vals": vals }),
        );
    };
    let yesterday = Zoned::now().date().yesterday().unwrap().to_string();
    lock(&clerk, Some(yesterday.clone()));
    let mut papers = Vec::new();
    for (kind, body) in bodies(&clerk) {
        let paper = old(&mut clerk, kind, body);
        let text = clerk.post(&paper).await.held("period");
        assert!(text.contains(&yesterday), "{kind}: {text}");
        papers.push(paper);
    }
    // Today's go on, and so does all of it once the books are open again.
    clerk
        .say(
            "inventory.count",
            json!({ "item": "PART-BOLT", "location": "SHELF-1", "quantity": { "value": "1" } }),
        )
        .await
        .record();
    lock(&clerk, None);
    for paper in &papers {
        clerk.post(paper).await.record();
    }
}
