//! Movements that are dated when they happened, and locked books.

use jiff::civil::Date;
use jiff::tz::TimeZone;
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

/// The first of this month, when it begins in UTC.
fn month() -> (Date, Timestamp) {
    let first = Zoned::now().date().first_of_month();
    let begins = first.to_zoned(TimeZone::UTC).unwrap().timestamp();
    (first, begins)
}

#[tokio::test]
async fn an_outage_over_the_month_end_posts_into_the_month_it_happened_in_while_that_is_open() {
    let mut clerk = Clerk::new().await;
    let (_, begins) = month();
    let body = |from: &str| json!({ "item": "RAW-STEEL", "from": from, "to": "LINE-B", "quantity": { "value": "2" } });
    let dated = |clerk: &Clerk, record: i64| {
        let query = format!(
            "SELECT DISTINCT date_trunc('second', l.date) FROM stock_move_line l WHERE l.picking_id = {record}"
        );
        clerk.db.one(&query)
    };
    clerk.policies.base.dating = Dating::Occurred;
    let mut paper = clerk.paper("inventory.move", body("STOCK"));
    paper.captured = begins - SignedDuration::from_mins(10);
    let record = clerk.post(&paper).await.record();
    let last_day = paper.captured.strftime("%Y-%m-%d %H:%M:%S").to_string();
    assert_eq!(dated(&clerk, record.id), last_day);
    // The default: it counts when it was posted, and the closed month is not touched.
    clerk.policies.base.dating = Dating::Posted;
    let mut paper = clerk.paper("inventory.move", body("STOCK"));
    paper.captured = begins - SignedDuration::from_mins(10);
    let record = clerk.post(&paper).await.record();
    assert!(dated(&clerk, record.id) > begins.strftime("%Y-%m-%d").to_string());
}

#[tokio::test]
async fn an_outage_over_the_month_end_is_held_where_that_month_is_locked_and_what_came_after_goes_on() {
    let mut clerk = Clerk::new().await;
    clerk.policies.base.dating = Dating::Occurred;
    let (first, begins) = month();
    let last = first.yesterday().unwrap().to_string();
    let lock = json!({ "ids": [clerk.company], "vals": { "hard_lock_date": last } });
    clerk.db.admin(clerk.company, "res.company", "write", lock);
    let count =
        |value: &str| json!({ "item": "PART-BOLT", "location": "SHELF-1", "quantity": { "value": value } });
    let mut before = clerk.paper("inventory.count", count("1"));
    before.captured = begins - SignedDuration::from_mins(10);
    let told = clerk.post(&before).await.held("period");
    assert!(told.contains(&last), "{told}");
    // The same minute is already the next month where the plant lies to the east.
    let mut east = before.clone();
    east.offset_minutes = 120;
    clerk.post(&east).await.record();
    let mut after = clerk.paper("inventory.count", count("3"));
    after.captured = begins + SignedDuration::from_mins(10);
    clerk.post(&after).await.record();
    // Without dates of its own nothing waits: it counts when it was posted.
    clerk.policies.base.dating = Dating::Posted;
    let body = json!({ "item": "RAW-STEEL", "from": "STOCK", "to": "LINE-B", "quantity": { "value": "2" } });
    let mut posted = clerk.paper("inventory.move", body);
    posted.captured = begins - SignedDuration::from_mins(10);
    clerk.post(&posted).await.record();
}
