//! Failing stores, lost answers, bad scans and too many of them.

use super::*;

#[tokio::test]
async fn a_full_or_failing_store_is_told_to_the_device_and_nothing_is_taken() {
    let world = World::new().await;
    let mut device = world.device().await;
    device.scan("O:1").await;
    for mood in [Mood::Full, Mood::Broken] {
        world.store.mood(mood);
        assert!(
            device
                .scan("Q:5")
                .await
                .starts_with("FAILED not kept, scan again later")
        );
    }
    world.store.mood(Mood::Well);
    assert!(
        device.scan("CMD:CONFIRM").await.starts_with("REFUSED"),
        "the quantity was not taken"
    );
    device.scan("Q:5").await;
    assert!(device.scan("CMD:CONFIRM").await.starts_with("BOOKED"));
    assert_eq!(world.tally.get(Count::Unavailable), 2);
}

#[tokio::test]
async fn a_closing_scan_whose_answer_was_lost_books_once_when_it_is_scanned_again() {
    let world = World::new().await;
    let mut device = world.device().await;
    device.scan("O:1").await;
    device.scan("Q:5").await;
    world.store.mood(Mood::Mute);
    assert!(device.scan("CMD:CONFIRM").await.starts_with("FAILED"));
    world.store.mood(Mood::Well);
    assert!(
        device
            .scan("CMD:CONFIRM")
            .await
            .starts_with("ALREADY already booked: order 1")
    );
    assert_eq!(world.store.look().drafts.len(), 1);
    assert!(
        device.scan("CMD:UNDO").await.starts_with("BOOKED"),
        "its name was found by its claim"
    );
}

#[tokio::test]
async fn killed_between_commit_and_tone_the_repeated_scan_finds_one_message() {
    let store = Store::default();
    let world = World::of(&store, |_| {}).await;
    let mut device = world.device().await;
    device.scan("O:1").await;
    device.scan("Q:5").await;
    store.mood(Mood::Mute);
    device.send(b"CMD:CONFIRM\r").await;
    while store.look().drafts.is_empty() {
        tokio::task::yield_now().await;
    }
    // The service is gone without a word to the device; everything in memory is gone with it.
    world.task.abort();
    store.mood(Mood::Well);
    let world = World::of(&store, |_| {}).await;
    let mut device = world.device().await;
    assert!(
        device
            .scan("CMD:CONFIRM")
            .await
            .starts_with("ALREADY already booked: order 1, quantity 5")
    );
    assert_eq!(store.stored().await.len(), 1);
}

#[tokio::test]
async fn while_the_disk_is_slow_the_device_is_answered_and_the_scan_counts_once() {
    let world = World::new().await;
    let mut device = world.device().await;
    device.scan("O:1").await;
    world.store.moving.send_replace(false);
    assert!(device.scan("ITEM").await.starts_with("FAILED"));
    assert!(device.scan("ITEM").await.starts_with("FAILED"), "still slow");
    world.store.moving.send_replace(true);
    assert!(
        device.scan("ITEM").await.starts_with("ALREADY"),
        "the first one was kept after all"
    );
    assert!(
        device
            .scan("ITEM")
            .await
            .starts_with("OK order 1, item ITEM, quantity 2")
    );
}

#[tokio::test]
async fn what_is_too_long_or_not_utf8_or_half_is_refused_counted_and_kept_for_inspection() {
    let world = World::of(&Store::default(), |settings| {
        settings.scan_bytes_max = 64;
        settings.unfinished = Duration::from_millis(50);
    })
    .await;
    let mut device = world.device().await;
    assert!(
        device
            .scan(&"x".repeat(1000))
            .await
            .contains("1000 bytes, more than 64")
    );
    device.send(b"O:\xff\xfe\r").await;
    assert!(device.answer().await.starts_with("REFUSED the code is not UTF-8"));
    device.send(b"O:12").await;
    assert!(
        device
            .answer()
            .await
            .starts_with("REFUSED the code was not complete")
    );
    assert!(device.scan("O:1").await.starts_with("OK order 1;"));
    let kept = world.store.look();
    let raws: Vec<&[u8]> = kept.scans.iter().map(|scan| scan.raw.as_slice()).collect();
    assert_eq!(raws, [&[b'x'; 64][..], b"O:\xff\xfe", b"O:12", b"O:1"]);
    for count in [Count::TooLong, Count::NotUtf8, Count::Unfinished] {
        assert_eq!(world.tally.get(count), 1, "{count:?}");
    }
}

#[tokio::test]
async fn a_device_that_sends_too_fast_waits_and_loses_nothing() {
    let world = World::of(&Store::default(), |settings| {
        settings.scans_per_second = 5;
        settings.burst = 1;
    })
    .await;
    let mut device = world.device().await;
    device.send(b"O:1\rA\rA\rCMD:CONFIRM\r").await;
    let mut last = String::new();
    for _ in 0..4 {
        last = device.answer().await;
    }
    assert!(last.starts_with("BOOKED order 1, item A, quantity 2"), "{last}");
    assert!(world.tally.get(Count::Slowed) >= 1);
}

#[tokio::test]
async fn connections_beyond_the_limit_or_without_a_name_are_refused_and_silent_ones_end() {
    let world = World::of(&Store::default(), |settings| {
        settings.connections_max = 1;
        settings.idle = Duration::from_millis(300);
        settings.only_named = true;
        settings.names.insert("127.0.0.1".parse().unwrap(), "left".into());
        settings
            .names
            .insert("127.0.0.4".parse().unwrap(), "right".into());
    })
    .await;
    assert!(world.device_at("127.0.0.3").await.is_closed().await);
    let mut first = world.device().await;
    first.scan("O:1").await;
    let mut again = world.device().await;
    assert!(
        again.scan("Q:5").await.starts_with("OK"),
        "its own place is free for it"
    );
    assert!(first.is_closed().await);
    assert!(
        world.device_at("127.0.0.4").await.is_closed().await,
        "there is one place only"
    );
    assert!(again.is_closed().await, "silent for too long");
    assert_eq!(world.tally.get(Count::ConnectionRefused), 2);
    assert_eq!(world.store.look().scans[0].connection, "scanners/left");
}

#[tokio::test]
async fn told_to_stop_the_source_finishes_the_scan_it_has_begun() {
    let world = World::of(&Store::default(), |settings| {
        settings.answer_within = Duration::from_secs(10)
    })
    .await;
    let mut device = world.device().await;
    device.scan("O:1").await;
    world.store.moving.send_replace(false);
    device.send(b"Q:5\r").await;
    while world.tally.get(Count::Arrived) < 2 {
        tokio::task::yield_now().await;
    }
    world.stop.cancel();
    world.store.moving.send_replace(true);
    assert!(device.answer().await.starts_with("OK order 1, quantity 5"));
    world.task.await.unwrap();
}

#[tokio::test]
async fn an_address_in_use_is_told_with_its_source() {
    let world = World::new().await;
    let settings = TcpSettings::new("twin", world.address);
    let station = Arc::new(Station {
        name: "X".into(),
        profile: Profile::new(Makes::Count),
    });
    let bound = TcpSource::bind(settings, station, Store::default(), clock(), Arc::default()).await;
    let text = bound.err().unwrap().to_string();
    assert!(
        text.contains("twin") && text.contains(&world.address.to_string()),
        "{text}"
    );
}
