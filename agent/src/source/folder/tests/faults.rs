//! Files and stores that fail, and kills at any step.

use super::*;

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
        .await
        .unwrap();
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
        source.round(&stop).await.unwrap();
        assert!(source.held.is_some());
        assert_eq!(world.files(), ["a.csv"]);
    }
    world.store.mood(Mood::Well);
    source.held = None;
    source.round(&CancellationToken::new()).await.unwrap();
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
    source.round(&CancellationToken::new()).await.unwrap();
    assert_eq!(world.items(), ["B"]);
    source.waiting.clear();
    source.round(&CancellationToken::new()).await.unwrap();
    assert_eq!(world.items(), ["B", "A", "A2"]);
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
