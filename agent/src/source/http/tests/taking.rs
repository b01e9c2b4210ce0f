//! What is kept, and what its sender is told.

use super::*;

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
