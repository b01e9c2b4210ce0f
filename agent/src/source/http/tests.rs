//! What a system is told, over real sockets. The store is the real one, on SQLite.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;

use super::*;
use crate::source::testing::{Mood, Store, clock};

const TOKEN: &str = "a-token-of-enough-characters";

struct World {
    store: Store,
    tally: Arc<Tally>,
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

struct Answer {
    status: u16,
    head: String,
    body: serde_json::Value,
}

impl World {
    async fn new() -> Self {
        Self::of(|_| {}).await
    }

    async fn of(change: impl FnOnce(&mut HttpSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("mes.token");
        std::fs::write(&token_file, format!("{TOKEN}\n")).unwrap();
        let mut settings = HttpSettings::new("http", "127.0.0.1:0".parse().unwrap());
        settings.stations.insert("STORE".into());
        settings.clients.push(ClientSettings {
            name: "mes".into(),
            token_file,
            station: Some("STORE".into()),
        });
        settings.answer_within = Duration::from_millis(500);
        change(&mut settings);
        assert_eq!(settings.problems(), Vec::<String>::new());
        let (store, tally) = (Store::default(), Arc::new(Tally::default()));
        let source = HttpSource::bind(settings, store.clone(), clock(), tally.clone())
            .await
            .unwrap();
        let stop = CancellationToken::new();
        Self {
            store,
            tally,
            address: source.local_addr().unwrap(),
            stop: stop.clone(),
            task: tokio::spawn(source.run(stop)),
            _folder: folder,
        }
    }

    async fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut bytes = Vec::new();
        // A server that refuses a request may reset the connection once it has answered.
        let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes))
            .await
            .unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        Answer {
            status: head
                .split(' ')
                .nth(1)
                .and_then(|code| code.parse().ok())
                .unwrap_or(0),
            head: head.to_ascii_lowercase(),
            body: serde_json::from_str(body).unwrap_or_default(),
        }
    }

    async fn post_as(&self, headers: &str, body: &str) -> Answer {
        let request = format!(
            "POST /v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        self.raw(request.as_bytes()).await
    }

    async fn post(&self, body: &str) -> Answer {
        self.with_key("", body).await
    }

    async fn with_key(&self, key: &str, body: &str) -> Answer {
        let key = if key.is_empty() {
            String::new()
        } else {
            format!("Idempotency-Key: {key}\r\n")
        };
        let headers = format!("Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n{key}");
        self.post_as(&headers, body).await
    }

    fn kept(&self) -> usize {
        self.store.look().drafts.len()
    }
}

fn count(id: &str, quantity: &str) -> String {
    let id = if id.is_empty() {
        String::new()
    } else {
        format!(r#""external_id":"{id}","#)
    };
    format!(
        r#"{{{id}"kind":"inventory.count","body":{{"item":"A","location":"B","quantity":{{"value":"{quantity}"}}}}}}"#
    )
}

#[tokio::test]
async fn a_message_is_answered_with_its_name_once_it_is_kept() {
    let world = World::new().await;
    let answer = world.post(&count("E1", "3")).await;
    assert_eq!(answer.status, 200);
    let kept = world.store.look();
    let capture = &kept.drafts[0].capture;
    assert_eq!(capture.station.as_deref(), Some("STORE"));
    assert_eq!(capture.source, "http/mes");
    assert_eq!(capture.source_id.as_deref(), Some("E1"));
    assert_eq!(capture.raw, count("E1", "3").as_bytes());
    assert!(answer.body["id"].as_str().unwrap().starts_with("test:"));
}

#[tokio::test]
async fn equal_content_gets_the_first_answer_and_other_content_is_a_conflict() {
    let world = World::new().await;
    for (key, id) in [("", "E1"), ("K1", ""), ("K2", "E2")] {
        let before = world.kept();
        let first = world.with_key(key, &count(id, "3")).await;
        let again = world.with_key(key, &count(id, "3").replace(',', " , ")).await;
        assert_eq!((first.status, again.status), (200, 200), "{key} {id}");
        assert_eq!(first.body, again.body);
        assert!(
            !first.head.contains("idempotency-replayed") && again.head.contains("idempotency-replayed: true")
        );
        let other = world.with_key(key, &count(id, "4")).await;
        assert_eq!(other.status, 409, "{key} {id}");
        assert_eq!(other.body["type"], "urn:millrace:problem:conflict");
        assert_eq!(world.kept(), before + 1);
    }
    assert_eq!(
        world.with_key("K2", &count("E9", "3")).await.status,
        409,
        "the key was for E2"
    );
}

#[tokio::test]
async fn a_message_without_any_id_is_refused_because_a_repetition_could_not_be_told() {
    let world = World::new().await;
    let answer = world.post(&count("", "3")).await;
    assert_eq!(answer.status, 422);
    assert!(
        answer.body["detail"]
            .as_str()
            .unwrap()
            .contains("Idempotency-Key")
    );
    assert_eq!(world.kept(), 0);
}

#[tokio::test]
async fn several_messages_come_as_an_array_or_as_lines_and_keep_their_order() {
    let world = World::new().await;
    let array = format!("[{},{}]", count("A", "1"), count("B", "2"));
    let answer = world.post(&array).await;
    assert_eq!(answer.body["items"][1]["external_id"], "B");
    let lines = format!("{}\n\n{}\r\n", count("C", "3"), count("D", "4"));
    let headers =
        format!("Authorization: Bearer {TOKEN}\r\nContent-Type: application/x-ndjson; charset=utf-8\r\n");
    assert_eq!(world.post_as(&headers, &lines).await.status, 200);
    let bodies = world.store.bodies();
    let figures: Vec<bool> = (1..=4)
        .map(|n| bodies[n - 1].contains(&format!("\"{n}\"")))
        .collect();
    assert_eq!(figures, [true; 4], "{bodies:?}");
}

#[tokio::test]
async fn a_bad_message_among_good_ones_is_named_and_the_good_ones_are_kept() {
    let world = World::new().await;
    let three = format!("[{},{},{}]", count("A", "1"), count("B", "-2"), count("C", "3"));
    let answer = world.post(&three).await;
    assert_eq!(answer.status, 422);
    assert!(answer.head.contains("content-type: application/problem+json"));
    let error = &answer.body["errors"][0];
    assert_eq!((&error["index"], &error["external_id"]), (&1.into(), &"B".into()));
    assert_eq!(error["field"], "body.quantity");
    assert!(error["reason"].as_str().unwrap().contains("negative"));
    assert_eq!(answer.body["items"].as_array().unwrap().len(), 2);
    assert_eq!(world.kept(), 2);
    let mended = world.post(&three.replace("-2", "2")).await;
    assert_eq!(
        (mended.status, world.kept()),
        (200, 3),
        "sending all again does no harm"
    );
    assert_eq!(world.post(&three.replace("-2", "7")).await.status, 409);
}

#[tokio::test]
async fn under_a_key_alone_all_messages_are_kept_or_none() {
    let world = World::new().await;
    let answer = world
        .with_key("K", &format!("[{},{}]", count("", "1"), count("", "0.5x")))
        .await;
    assert_eq!((answer.status, world.kept()), (422, 0));
    assert_eq!(answer.body["errors"][0]["field"], "body.quantity.value");
    let good = format!("[{},{}]", count("", "1"), count("", "2"));
    assert_eq!(world.with_key("K", &good).await.status, 200);
    assert_eq!(world.with_key("K", &good).await.status, 200);
    assert_eq!(world.kept(), 2);
    assert_eq!(
        world.store.look().drafts[1].capture.source_id.as_deref(),
        Some("K#1")
    );
    let mixed = format!("[{},{}]", count("X", "1"), count("", "2"));
    assert_eq!(world.with_key("K3", &mixed).await.status, 422);
}

#[tokio::test]
async fn every_error_names_field_and_reason() {
    let world = World::new().await;
    let with = |more: &str| count("E", "1").replacen('{', &format!("{{{more},"), 1);
    for (more, field) in [
        (r#""colour":"red""#, "colour"),
        (r#""station":"NOWHERE""#, "station"),
        (r#""schema":9"#, "schema"),
        (r#""captured_at":"noon""#, "captured_at"),
    ] {
        let answer = world.post(&with(more)).await;
        assert_eq!(
            (answer.status, &answer.body["errors"][0]["field"]),
            (422, &field.into()),
            "{more}"
        );
    }
    let unknown = world
        .post(&count("E", "1").replace("inventory.count", "inventory.guess"))
        .await;
    assert_eq!(unknown.body["errors"][0]["field"], "kind");
    assert_eq!(world.post("{").await.status, 400);
    assert_eq!(world.post("").await.status, 400);
    assert_eq!(world.post("[]").await.status, 413);
    assert_eq!(world.kept(), 0);
}

#[tokio::test]
async fn only_a_client_with_its_token_is_heard() {
    let world = World::new().await;
    let json = "Content-Type: application/json\r\n";
    for header in [
        "",
        "Authorization: Bearer wrong-token-of-some-length\r\n",
        "Authorization: Basic eA==\r\n",
        &format!("Authorization: Bearer {TOKEN}x\r\n"),
    ] {
        let answer = world.post_as(&format!("{json}{header}"), &count("E", "1")).await;
        assert_eq!(answer.status, 401, "{header}");
        assert!(answer.head.contains("www-authenticate: bearer"));
    }
    assert_eq!((world.kept(), world.tally.get(Count::Unauthorized)), (0, 4));
}

#[tokio::test]
async fn ids_of_two_clients_are_their_own() {
    let other = "another-token-of-enough-characters";
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("wms.token");
    std::fs::write(&token_file, other).unwrap();
    let world = World::of(|settings| {
        settings.clients.push(ClientSettings {
            name: "wms".into(),
            token_file,
            station: Some("STORE".into()),
        });
    })
    .await;
    world.post(&count("E1", "1")).await;
    let headers = format!("Authorization: Bearer {other}\r\nContent-Type: application/json\r\n");
    assert_eq!(world.post_as(&headers, &count("E1", "2")).await.status, 200);
    assert_eq!(world.kept(), 2);
}

#[tokio::test]
async fn a_full_broken_or_slow_store_is_told_and_the_request_can_be_repeated() {
    let world = World::new().await;
    for mood in [Mood::Full, Mood::Broken, Mood::Mute] {
        world.store.mood(mood);
        let answer = world.post(&count("E1", "1")).await;
        assert_eq!(answer.status, 503, "{mood:?}");
        assert!(answer.head.contains("retry-after: 10"));
    }
    world.store.mood(Mood::Well);
    world.store.moving.send_replace(false);
    let answer = world.post(&count("E2", "1")).await;
    assert_eq!(answer.status, 503);
    assert!(answer.body["detail"].as_str().unwrap().contains("same ids"));
    world.store.moving.send_replace(true);
    for id in ["E1", "E2"] {
        assert_eq!(world.post(&count(id, "1")).await.status, 200);
    }
    assert_eq!(world.kept(), 2);
}

#[tokio::test]
async fn bodies_and_heads_over_the_limit_are_refused() {
    let world = World::of(|settings| {
        settings.body_bytes_max = 2000;
        settings.messages_max = 2;
    })
    .await;
    let long = world.post(&format!("\"{}\"", "x".repeat(4000))).await;
    assert_eq!(
        (long.status, &long.body["type"]),
        (413, &"urn:millrace:problem:too-large".into())
    );
    let many = format!("[{},{},{}]", count("A", "1"), count("B", "2"), count("C", "3"));
    assert_eq!(world.post(&many).await.status, 413);
    let head = world
        .post_as(&format!("X-Long: {}\r\n", "x".repeat(100_000)), "")
        .await;
    assert!(matches!(head.status, 0 | 400 | 431), "{}", head.status);
    let headers: String = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect();
    assert!(matches!(world.post_as(&headers, "").await.status, 0 | 400 | 431));
    assert_eq!(world.kept(), 0);
}

#[tokio::test]
async fn what_is_no_utf8_no_json_no_post_or_elsewhere_is_refused() {
    let world = World::new().await;
    let bytes = [
        format!(
            "POST /v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\nAuthorization: Bearer \
             {TOKEN}\r\nContent-Type: application/json\r\n\r\n"
        )
        .into_bytes(),
        b"\"\xff\xfe\"".to_vec(),
    ]
    .concat();
    assert_eq!(world.raw(&bytes).await.status, 400);
    let auth = format!("Authorization: Bearer {TOKEN}\r\n");
    let text = world
        .post_as(&format!("{auth}Content-Type: text/plain\r\n"), "x")
        .await;
    assert_eq!(text.status, 415);
    let get = world
        .raw(b"GET /v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(
        (get.status, &get.body["type"]),
        (405, &"urn:millrace:problem:method".into())
    );
    let elsewhere = world
        .raw(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(elsewhere.status, 404);
}

#[tokio::test]
async fn a_client_that_sends_half_a_request_does_not_hold_its_place_for_ever() {
    let world = World::of(|settings| {
        settings.connections_max = 1;
        settings.head_wait = Duration::from_millis(100);
        settings.body_wait = Duration::from_millis(100);
    })
    .await;
    let half_head = world.raw(b"POST /v1/messages HTTP/1.1\r\nHost:").await;
    assert!(matches!(half_head.status, 0 | 408), "{}", half_head.status);
    let half_body = format!(
        "POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nConnection: close\r\nAuthorization: Bearer \
         {TOKEN}\r\nContent-Type: application/json\r\n\r\n{{"
    );
    assert_eq!(world.raw(half_body.as_bytes()).await.status, 408);
    assert_eq!(world.post(&count("E", "1")).await.status, 200);
}

#[tokio::test]
async fn requests_beyond_the_limit_are_told_to_come_again() {
    let world = World::of(|settings| {
        settings.requests_max = 1;
        settings.answer_within = Duration::from_secs(10);
    })
    .await;
    world.store.moving.send_replace(false);
    let (first, second) = (count("E1", "1"), count("E2", "1"));
    let (one, other) = tokio::join!(world.post(&first), async {
        while world.tally.get(Count::Arrived) == 0 {
            tokio::task::yield_now().await;
        }
        let other = world.post(&second).await;
        world.store.moving.send_replace(true);
        other
    });
    assert_eq!((one.status, other.status), (200, 503));
    assert!(other.head.contains("retry-after: 1"));
}

#[tokio::test]
async fn told_to_stop_the_source_answers_the_request_it_has_begun() {
    let world = World::of(|settings| settings.answer_within = Duration::from_secs(10)).await;
    world.store.moving.send_replace(false);
    let message = count("E1", "1");
    let (answer, ()) = tokio::join!(world.post(&message), async {
        while world.tally.get(Count::Arrived) == 0 {
            tokio::task::yield_now().await;
        }
        world.stop.cancel();
        world.store.moving.send_replace(true);
    });
    assert_eq!(answer.status, 200);
    world.task.await.unwrap();
}

#[test]
fn a_bad_token_file_and_an_open_address_are_told_before_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let client = |name: &str, token: &str| {
        let token_file = folder.path().join(name);
        std::fs::write(&token_file, token).unwrap();
        ClientSettings {
            name: name.into(),
            token_file,
            station: None,
        }
    };
    let short = client("short", "x\n");
    assert!(matches!(Clients::read(&[short]), Err(TokenError::Form { .. })));
    let twins = [client("a", TOKEN), client("b", TOKEN)];
    assert!(matches!(Clients::read(&twins), Err(TokenError::Shared(..))));
    let mut gone = client("gone", TOKEN);
    gone.token_file = folder.path().join("nothing");
    assert!(matches!(Clients::read(&[gone]), Err(TokenError::Read { .. })));
    let mut settings = HttpSettings::new("http", "0.0.0.0:0".parse().unwrap());
    assert_eq!(settings.problems().len(), 2);
    settings.plain_beyond_loopback = true;
    settings.clients = vec![client("a", TOKEN)];
    assert!(settings.problems().is_empty());
}
