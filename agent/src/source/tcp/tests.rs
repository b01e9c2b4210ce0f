//! What a scanner hears, over real sockets. The store is the real one, on SQLite.

use millrace_shared::message::Completion;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;

use super::*;
use crate::source::testing::{Mood, Store, clock};
use crate::station::{Makes, Profile};

struct World {
    store: Store,
    tally: Arc<Tally>,
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl World {
    async fn of(store: &Store, change: impl FnOnce(&mut TcpSettings)) -> Self {
        let mut settings = TcpSettings::new("scanners", "127.0.0.1:0".parse().unwrap());
        settings.answer_within = Duration::from_millis(300);
        change(&mut settings);
        assert_eq!(settings.replies.problems(), Vec::<String>::new());
        let station = Arc::new(Station {
            name: "PRESS-1".into(),
            profile: Profile::new(Makes::Production(Completion::Auto)),
        });
        let tally = Arc::new(Tally::default());
        let source = TcpSource::bind(settings, station, store.clone(), clock(), tally.clone())
            .await
            .unwrap();
        let stop = CancellationToken::new();
        Self {
            store: store.clone(),
            tally,
            address: source.local_addr().unwrap(),
            stop: stop.clone(),
            task: tokio::spawn(source.run(stop)),
        }
    }

    async fn new() -> Self {
        Self::of(&Store::default(), |_| {}).await
    }

    async fn device(&self) -> Device {
        self.device_at("127.0.0.1").await
    }

    async fn device_at(&self, ip: &str) -> Device {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{ip}:0").parse().unwrap()).unwrap();
        Device(BufReader::new(socket.connect(self.address).await.unwrap()))
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

struct Device(BufReader<TcpStream>);

impl Device {
    async fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.unwrap();
    }

    async fn answer(&mut self) -> String {
        let mut line = String::new();
        let read = tokio::time::timeout(Duration::from_secs(10), self.0.read_line(&mut line));
        read.await.expect("an answer in time").unwrap();
        line
    }

    async fn scan(&mut self, scan: &str) -> String {
        self.send(format!("{scan}\r").as_bytes()).await;
        self.answer().await
    }

    /// Whether the other end closes without sending anything more.
    async fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), self.0.read_to_end(&mut rest));
        !matches!(read.await, Ok(Ok(1..))) && rest.is_empty()
    }
}

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
