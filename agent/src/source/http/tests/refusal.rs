//! What is refused, limited or cut off.

use super::*;

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
