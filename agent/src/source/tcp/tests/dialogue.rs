//! Scanners in their dialogues.

use super::*;

#[tokio::test]
async fn a_scanner_hears_booked_after_the_message_is_kept() {
    let store = Store::default();
    let world = World::of(&store, |_| {}).await;
    let mut device = world.device().await;
    assert!(device.scan("O:MO1").await.starts_with("OK order MO1"));
    assert!(device.scan("Q:5").await.starts_with("OK "));
    assert_eq!(
        device.scan("CMD:CONFIRM").await,
        "BOOKED order MO1, quantity 5\r\n"
    );
    assert!(
        device
            .scan("CMD:CONFIRM")
            .await
            .starts_with("ALREADY already booked")
    );
    world.end().await;
    let kept = store.look();
    assert_eq!((kept.drafts.len(), kept.scans.len()), (1, 4));
    let capture = &kept.drafts[0].capture;
    assert_eq!(capture.station.as_deref(), Some("PRESS-1"));
    assert_eq!(capture.source, "scanners");
}

#[tokio::test]
async fn scans_sent_in_one_piece_are_answered_one_by_one_in_order() {
    let world = World::new().await;
    let mut device = world.device().await;
    device.send(b"O:1\r\nQ:5\r\nQ:x\r\nCMD:CONFIRM\r\n").await;
    let mut words = Vec::new();
    for _ in 0..4 {
        words.push(device.answer().await.split(' ').next().unwrap().to_owned());
    }
    assert_eq!(words, ["OK", "OK", "REFUSED", "BOOKED"]);
}

#[tokio::test]
async fn two_interleaved_scanners_on_one_station_do_not_mix() {
    let world = World::new().await;
    let mut left = world.device_at("127.0.0.1").await;
    let mut right = world.device_at("127.0.0.2").await;
    for (a, b) in [("O:1", "O:2"), ("Q:5", "Q:7"), ("CMD:CONFIRM", "CMD:CONFIRM")] {
        left.scan(a).await;
        right.scan(b).await;
    }
    let bodies = world.store.bodies();
    assert!(
        bodies[0].contains(r#""order":"1""#) && bodies[0].contains(r#""5""#),
        "{bodies:?}"
    );
    assert!(
        bodies[1].contains(r#""order":"2""#) && bodies[1].contains(r#""7""#),
        "{bodies:?}"
    );
}

#[tokio::test]
async fn devices_behind_one_address_do_not_mix_where_each_connection_has_its_dialogue() {
    let world = World::of(&Store::default(), |settings| {
        settings.dialogue_per = DialoguePer::Connection;
    })
    .await;
    let (mut left, mut right) = (world.device().await, world.device().await);
    left.scan("O:1").await;
    assert!(
        right
            .scan("Q:7")
            .await
            .starts_with("REFUSED scan the order first")
    );
    left.scan("Q:5").await;
    assert!(left.scan("CMD:CONFIRM").await.starts_with("BOOKED"));
    let kept = world
        .store
        .dialogue("PRESS-1", "scanners/127.0.0.1")
        .await
        .unwrap();
    assert_eq!(kept, None);
}

#[tokio::test]
async fn a_device_that_connects_again_goes_on_where_it_was_and_its_older_connection_ends() {
    let world = World::new().await;
    let mut first = world.device().await;
    first.scan("O:1").await;
    let mut second = world.device().await;
    assert!(second.scan("Q:5").await.starts_with("OK order 1, quantity 5"));
    assert!(first.is_closed().await);
    assert_eq!(world.tally.get(Count::ConnectionReplaced), 1);
}

#[tokio::test]
async fn a_dialogue_survives_a_restart_and_its_last_message_can_be_undone() {
    let store = Store::default();
    let world = World::of(&store, |_| {}).await;
    world.device().await.scan("O:1").await;
    world.end().await;
    let world = World::of(&store, |_| {}).await;
    let mut device = world.device().await;
    device.scan("Q:5").await;
    assert!(device.scan("CMD:CONFIRM").await.starts_with("BOOKED"));
    world.end().await;
    let world = World::of(&store, |_| {}).await;
    let mut device = world.device().await;
    assert!(device.scan("CMD:CONFIRM").await.starts_with("ALREADY"));
    assert!(
        device
            .scan("CMD:UNDO")
            .await
            .starts_with("BOOKED undone: order 1")
    );
    let kept = store.look();
    let reverses = kept.drafts[1].reverses.as_ref().unwrap();
    assert_eq!(reverses.position.sequence, 1);
    assert_eq!(kept.drafts[1].message, kept.drafts[0].message);
}

#[tokio::test]
async fn a_reading_without_code_is_counted_and_never_a_code() {
    let world = World::of(&Store::default(), |settings| {
        settings.replies.no_read = "NOREAD\\r\\n".parse().unwrap();
        settings.heartbeats = vec!["PING".into()];
    })
    .await;
    let mut device = world.device().await;
    assert_eq!(device.scan("NoRead").await, "NOREAD\r\n");
    device.send(b"PING\rPING\r").await;
    assert!(device.scan("O:1").await.starts_with("OK"));
    assert_eq!(world.tally.get(Count::NoRead), 1);
    assert_eq!(world.tally.get(Count::Heartbeat), 2);
    assert_eq!(world.store.look().scans.len(), 1);
}
