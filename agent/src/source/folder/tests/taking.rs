//! Which files are taken, and what becomes of them.

use super::*;

#[tokio::test]
async fn a_good_file_is_kept_and_then_moved_to_done() {
    let world = World::new();
    world.put(
        "a.csv",
        format!("{HEADER}{}{}", row("E1", "A", "1"), row("", "B", "2")),
    );
    world.put("b.jsonl", form("E2", "C"));
    world.round().await;
    assert_eq!(world.files(), ["done/a.csv", "done/b.jsonl"]);
    assert_eq!(world.items(), ["A", "B", "C"]);
    let kept = world.store.look();
    let capture = &kept.drafts[0].capture;
    assert_eq!(
        (capture.source.as_str(), capture.station.as_deref()),
        ("drop", Some("STORE"))
    );
    assert_eq!(capture.raw, row("E1", "A", "1").as_bytes());
    assert!(
        kept.drafts[1]
            .capture
            .source_id
            .as_ref()
            .unwrap()
            .starts_with("file:a.csv:")
    );
}

#[tokio::test]
async fn bad_lines_are_put_aside_alone_with_their_reasons_and_good_ones_are_kept() {
    let world = World::new();
    let rows = [
        row("E1", "A", "1"),
        row("E2", "B", "-1"),
        row("E3", "C", "3"),
        "x\n".into(),
    ];
    world.put("a.csv", format!("{HEADER}{}", rows.concat()));
    world.round().await;
    assert_eq!(
        world.files(),
        ["done/a.csv", "rejected/a.csv", "rejected/a.csv.reason"]
    );
    assert_eq!(world.items(), ["A", "C"]);
    assert_eq!(
        world.read("rejected/a.csv"),
        format!("{HEADER}{}x\n", row("E2", "B", "-1"))
    );
    let reason = world.read("rejected/a.csv.reason");
    assert!(reason.contains("1. line 3: quantity: -1 is negative"), "{reason}");
    assert!(
        reason.contains("2. line 5: it has 1 cells, the header has 5"),
        "{reason}"
    );
    let mended = world.read("rejected/a.csv").replace("-1", "1").replace("x\n", "");
    world.put("a.csv", mended);
    world.round().await;
    assert_eq!(world.items(), ["A", "C", "B"]);
    assert!(
        world.files().contains(&"done/a.2.csv".to_owned()),
        "never overwritten"
    );
}

#[tokio::test]
async fn the_rejected_items_of_an_array_stand_in_an_array() {
    let world = World::new();
    let (good, bad) = (form("E1", "A"), form("E2", "").replace("\n", ""));
    world.put("a.json", format!("[{good},{bad}]"));
    world.round().await;
    let rejected = world.read("rejected/a.json");
    assert_eq!(rejected, format!("[{bad}]\n"));
    assert!(
        world
            .read("rejected/a.json.reason")
            .contains("line 2 (E2): body.item: ")
    );
}

#[tokio::test]
async fn a_file_of_which_nothing_can_be_taken_goes_to_rejected_as_it_is() {
    let world = World::new();
    for (name, content, why) in [
        (
            "colour.csv",
            format!("kind,colour\n{}", row("", "A", "1")),
            "the column `colour` is not known",
        ),
        ("empty.csv", HEADER.to_owned(), "there is no message in it"),
        ("what.xml", "<a/>".into(), "must end in .csv"),
        (
            "half.jsonl",
            form("E", "A")[..40].to_owned(),
            "none of its 1 lines",
        ),
        (
            "cut.csv",
            format!("{HEADER}{}", row("E", "A", "12").trim_end()),
            "may have been cut off",
        ),
        (
            "station.jsonl",
            form("E", "A").replacen('{', r#"{"station":"NOWHERE","#, 1),
            "`NOWHERE` is no station",
        ),
    ] {
        world.put(name, &content);
        world.round().await;
        assert_eq!(world.read(&format!("rejected/{name}")), content);
        let reason = world.read(&format!("rejected/{name}.reason"));
        assert!(reason.contains(why) && reason.starts_with(name), "{reason}");
    }
    assert!(world.items().is_empty());
    assert_eq!(world.tally.get(Count::FileRejected), 6);
}

#[tokio::test]
async fn a_line_that_is_not_utf8_is_rejected_and_its_neighbours_are_kept() {
    let world = World::new();
    let bytes = [
        form("E1", "A").as_bytes(),
        b"\xff\xfe\n",
        form("E2", "B").as_bytes(),
    ]
    .concat();
    world.put("a.jsonl", bytes);
    world.round().await;
    assert_eq!(world.items(), ["A", "B"]);
    assert!(
        world
            .read("rejected/a.jsonl.reason")
            .contains("line 2: it is not UTF-8")
    );
}

#[tokio::test]
async fn the_same_export_under_another_name_adds_nothing() {
    let world = World::new();
    let content = format!("{HEADER}{}{}", row("E1", "A", "1"), row("E2", "B", "2"));
    world.put("a.csv", &content);
    world.round().await;
    world.put("b.csv", &content);
    world.round().await;
    assert_eq!(world.items(), ["A", "B"]);
    assert_eq!(world.files(), ["done/a.csv", "done/b.csv"]);
    assert_eq!(world.tally.get(Count::Already), 2);
    world.put("c.csv", content.replace(",2\n", ",3\n"));
    world.round().await;
    assert!(
        world
            .read("rejected/c.csv.reason")
            .contains("(E2): external_id: it was used before for other content")
    );
}

#[tokio::test]
async fn a_file_taken_from_done_and_dropped_again_is_refused_and_a_new_one_of_equal_content_is_not() {
    let world = World::new();
    let content = format!("{HEADER}{}", row("", "A", "1"));
    world.put("a.csv", &content);
    world.round().await;
    let done = world.folder.path().join("done/a.csv");
    std::fs::rename(&done, world.folder.path().join("a.csv")).unwrap();
    world.round().await;
    assert_eq!(world.items(), ["A"]);
    assert!(
        world
            .read("rejected/a.csv.reason")
            .contains("was taken in before")
    );
    world.put("a.csv", &content);
    let later = SystemTime::now() + Duration::from_secs(60);
    let file = std::fs::File::options()
        .write(true)
        .open(world.folder.path().join("a.csv"))
        .unwrap();
    file.set_modified(later).unwrap();
    world.round().await;
    assert_eq!(
        world.items(),
        ["A", "A"],
        "the next day's export may well be equal"
    );
}

#[tokio::test]
async fn a_running_source_notices_files_by_itself_and_stops_when_told() {
    let world = World::new();
    let mut settings = world.settings();
    settings.complete = Complete::Marker(".ok".into());
    settings.poll = Duration::from_secs(3600);
    let source = world.source(settings).await;
    let stop = CancellationToken::new();
    let task = tokio::spawn(source.run(stop.clone()));
    world.put("a.csv", format!("{HEADER}{}", row("", "A", "1")));
    world.put("a.csv.ok", "");
    while world.tally.get(Count::FileDone) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.cancel();
    task.await.unwrap();
    assert_eq!(world.files(), ["done/a.csv"], "the marker is gone too");
}
