//! Undoing what took effect.

use serde_json::json;

use crate::clerk::{Clerk, Fate, Paper};

/// The message that takes another back, as a station makes it.
fn undo(clerk: &mut Clerk, original: &Paper) -> Paper {
    let body = serde_json::from_str(&original.message.body().unwrap()).unwrap();
    let mut paper = clerk.paper(original.stamp.kind.name(), body);
    paper.reverses = Some(original.stamp.id.clone());
    paper
}

#[tokio::test]
async fn a_move_is_carried_back_once() {
    let mut clerk = Clerk::new().await;
    let body =
        json!({ "item": "FG-BRACKET", "from": "LINE-A", "to": "LINE-B", "quantity": { "value": "5" } });
    let moved = clerk.paper("inventory.move", body);
    let too_early = undo(&mut clerk, &moved);
    clerk.post(&too_early).await.held("undo-by-hand");
    clerk.post(&moved).await.record();
    let back = undo(&mut clerk, &moved);
    clerk.post(&back).await.record();
    assert_eq!(
        clerk.on_hand("FG-BRACKET", clerk.location("one_step", "LINE-A")),
        95.0
    );
    assert_eq!(
        clerk.on_hand("FG-BRACKET", clerk.location("one_step", "LINE-B")),
        0.0
    );
    let again = undo(&mut clerk, &moved);
    let text = clerk.post(&again).await.held("undo-by-hand");
    assert!(text.contains("taken back already"), "{text}");
}

#[tokio::test]
async fn scrap_is_taken_back_to_where_it_lay() {
    let mut clerk = Clerk::new().await;
    let stock = clerk.location("one_step", "STOCK");
    let before = clerk.on_hand("RAW-RESIN", stock);
    let body = json!({
        "item": "RAW-RESIN", "lot": "RESIN-2601", "location": "STOCK", "quantity": { "value": "2.5" },
        "reason": "wrong drum"
    });
    let scrapped = clerk.paper("scrap.report", body);
    clerk.post(&scrapped).await.record();
    assert_eq!(clerk.on_hand("RAW-RESIN", stock), before - 2.5);
    let back = undo(&mut clerk, &scrapped);
    clerk.post(&back).await.record();
    assert_eq!(clerk.on_hand("RAW-RESIN", stock), before);
}

#[tokio::test]
async fn a_production_that_took_effect_waits_for_a_person() {
    let mut clerk = Clerk::new().await;
    let (_, name) = clerk.order("untracked", 0);
    let made = clerk.paper(
        "production.confirm",
        json!({ "order": name, "quantity": { "value": "10" } }),
    );
    clerk.post(&made).await.record();
    let back = undo(&mut clerk, &made);
    assert!(matches!(clerk.post(&back).await, Fate::Held(word, _) if word == "undo-by-hand"));
}
