//! What a drop folder promises, with real files. The store is the real one, on SQLite.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::SystemTime;

use super::*;
use crate::source::testing::{Mood, Store, clock};

const HEADER: &str = "kind,external_id,item,location,quantity\n";

struct World {
    store: Store,
    tally: Arc<Tally>,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self {
            store: Store::default(),
            tally: Arc::default(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn settings(&self) -> FolderSettings {
        let mut settings = FolderSettings::new("drop", self.folder.path());
        settings.complete = Complete::Quiet(Duration::ZERO);
        settings.stations.insert("STORE".into());
        settings.station = Some("STORE".into());
        settings.poll = Duration::from_millis(20);
        settings
    }

    async fn source(&self, settings: FolderSettings) -> FolderSource<Store> {
        FolderSource::open(settings, self.store.clone(), clock(), self.tally.clone())
            .await
            .unwrap()
    }

    /// Looks once, as the running source does.
    async fn round(&self) {
        self.source(self.settings())
            .await
            .round(&CancellationToken::new())
            .await;
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.folder.path().join(name), content).unwrap();
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// All files below the folder.
    fn files(&self) -> Vec<String> {
        let list = |sub: &str| -> Vec<String> {
            let read = std::fs::read_dir(self.folder.path().join(sub))
                .into_iter()
                .flatten();
            let files = read.flatten().filter(|entry| entry.path().is_file());
            files
                .map(|entry| format!("{sub}{}", entry.file_name().to_string_lossy()))
                .collect()
        };
        let mut files: Vec<String> = ["", "done/", "rejected/"].into_iter().flat_map(list).collect();
        files.sort();
        files
    }

    fn items(&self) -> Vec<String> {
        items(&self.store.bodies())
    }
}

fn items(bodies: &[String]) -> Vec<String> {
    let item = |body: &String| body.split('"').nth(3).unwrap().to_owned();
    bodies.iter().map(item).collect()
}

fn row(id: &str, item: &str, quantity: &str) -> String {
    format!("inventory.count,{id},{item},SHELF,{quantity}\n")
}

fn form(id: &str, item: &str) -> String {
    format!(
        r#"{{"kind":"inventory.count","external_id":"{id}","body":{{"item":"{item}","location":"S","quantity":{{"value":"1"}}}}}}"#
    ) + "\n"
}

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
async fn a_file_over_the_limits_is_rejected_unread() {
    let world = World::new();
    let mut settings = world.settings();
    settings.file_bytes_max = 1000;
    settings.lines_max = 3;
    world.put("long.jsonl", form("E", "A").repeat(20));
    world.put("many.csv", format!("{HEADER}{}", "x\n".repeat(4)));
    world
        .source(settings)
        .await
        .round(&CancellationToken::new())
        .await;
    assert!(
        world
            .read("rejected/long.jsonl.reason")
            .contains("more than 1000")
    );
    assert!(world.read("rejected/many.csv.reason").contains("more than 3"));
}

#[tokio::test]
async fn while_the_store_takes_nothing_files_stay_and_are_taken_later_in_their_order() {
    let world = World::new();
    let mut source = world.source(world.settings()).await;
    world.put("a.csv", format!("{HEADER}{}", row("", "A", "1")));
    for mood in [Mood::Full, Mood::Broken] {
        world.store.mood(mood);
        source.held = None;
        let stop = CancellationToken::new();
        source.round(&stop).await;
        assert!(source.held.is_some());
        assert_eq!(world.files(), ["a.csv"]);
    }
    world.store.mood(Mood::Well);
    source.held = None;
    source.round(&CancellationToken::new()).await;
    assert_eq!(
        (world.items(), world.files()),
        (vec!["A".to_owned()], vec!["done/a.csv".to_owned()])
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_read_waits_and_its_neighbours_do_not() {
    let world = World::new();
    world.put("a.csv", format!("{HEADER}{}", row("", "A", "1")));
    world.put("b.csv", format!("{HEADER}{}", row("", "B", "1")));
    let mut source = world.source(world.settings()).await;
    let seen = list(world.folder.path()).await.unwrap();
    let a = seen.iter().find(|file| file.name == "a.csv").unwrap();
    world.put(
        "a.csv",
        format!("{HEADER}{}{}", row("", "A", "1"), row("", "A2", "1")),
    );
    source.take(a, &CancellationToken::new()).await;
    assert!(
        source.waiting.contains_key(&a.name),
        "it was written to since it was looked at"
    );
    source.round(&CancellationToken::new()).await;
    assert_eq!(world.items(), ["B"]);
    source.waiting.clear();
    source.round(&CancellationToken::new()).await;
    assert_eq!(world.items(), ["B", "A", "A2"]);
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

/// A future that is dropped after so many polls, as if the process had been killed there.
struct DiesAfter<F>(F, usize);

impl<F: Future + Unpin> Future for DiesAfter<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.1 == 0 {
            return Poll::Ready(None);
        }
        self.1 -= 1;
        Pin::new(&mut self.0).poll(context).map(Some)
    }
}

/// Runs a life of the source that is killed at its `polls`th wait. Whether it lived to the end of the round.
fn live(world: &World, polls: usize) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let round = async {
        let life = pin!(world.round());
        DiesAfter(life, polls).await.is_some()
    };
    // Dropping the runtime waits for what the system was already asked to do, as a kill does.
    runtime.block_on(round)
}

#[test]
fn killed_at_any_step_nothing_is_lost_and_nothing_doubled() {
    let mut survived = false;
    for polls in 1..400 {
        let world = World::new();
        let many: String = (0..300).map(|n| row("", &format!("M{n}"), "1")).collect();
        world.put("a.csv", format!("{HEADER}{many}{}", row("", "BAD", "-1")));
        world.put("b.jsonl", form("E1", "X") + &form("E2", "Y"));
        world.put("c.csv", "colour\n1\n");
        survived = live(&world, polls);
        // The next lives begin with what the first one left behind.
        assert!(live(&world, usize::MAX));
        let mut counts = BTreeMap::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for item in items(&runtime.block_on(world.store.stored())) {
            *counts.entry(item).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 302, "killed at wait {polls}");
        assert!(
            counts.values().all(|count| *count == 1),
            "killed at wait {polls}: {counts:?}"
        );
        let files = [
            "done/a.csv",
            "done/b.jsonl",
            "rejected/a.csv",
            "rejected/a.csv.reason",
            "rejected/c.csv",
            "rejected/c.csv.reason",
        ];
        assert_eq!(world.files(), files, "killed at wait {polls}");
        if survived {
            break;
        }
    }
    assert!(survived, "the test must reach the end of a life");
}
