//! What the spool's thread promises.

use std::sync::{Arc, Mutex};

use super::*;
use crate::envelope::Row;
use crate::ident::{Digest, Lane, MessageId};
use crate::store::conformance::sample::{FIRST, SECOND, agent, at, claimed, confirm, intake};
use crate::store::memory::MemorySpool;
use crate::store::spool::{Fate, Gap, Head, SpoolReader, Tally};

/// A model that waits at each commit until it is let go, notes the sizes of commits, and fails when told.
struct Slow {
    model: MemorySpool,
    let_go: std::sync::mpsc::Receiver<Result<(), StoreError>>,
    sizes: Arc<Mutex<Vec<usize>>>,
}

impl Spool for Slow {
    fn commit(&mut self, batch: &[Intake], now: Moment) -> Result<Vec<Verdict>, StoreError> {
        self.sizes.lock().unwrap().push(batch.len());
        self.let_go.recv().unwrap()?;
        self.model.commit(batch, now)
    }
    fn learn(&mut self, news: &[News], now: Moment) -> Result<(), StoreError> {
        self.model.learn(news, now)
    }
    fn cut(&mut self, new: Epoch, moved: &[Stamp], now: Moment) -> Result<(), StoreError> {
        self.model.cut(new, moved, now)
    }
    fn give_up(&mut self, position: Position) -> Result<(), StoreError> {
        self.model.give_up(position)
    }
    fn prune(&mut self, keep: &Retention, now: Moment) -> Result<Pruned, StoreError> {
        self.model.prune(keep, now)
    }
}

impl SpoolReader for Slow {
    fn heads(&self) -> Result<Vec<Head>, StoreError> {
        self.model.heads()
    }
    fn rows(
        &self,
        e: Epoch,
        lane: Lane,
        from: u64,
        count: usize,
        bytes: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.model.rows(e, lane, from, count, bytes)
    }
    fn gaps(&self, e: Epoch, lane: Lane, from: u64, to: u64, count: usize) -> Result<Vec<Gap>, StoreError> {
        self.model.gaps(e, lane, from, to, count)
    }
    fn running(&self, epoch: Epoch, lane: Lane, sequence: u64) -> Result<Option<Digest>, StoreError> {
        self.model.running(epoch, lane, sequence)
    }
    fn fate(&self, position: Position) -> Result<Option<Fate>, StoreError> {
        self.model.fate(position)
    }
    fn tally(&self, lane: Lane) -> Result<Tally, StoreError> {
        self.model.tally(lane)
    }
    fn dialogue(&self, station: &str, connection: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.model.dialogue(station, connection)
    }
    fn claimed(&self, source: &str, id: &str) -> Result<Option<Vec<MessageId>>, StoreError> {
        self.model.claimed(source, id)
    }
}

struct Bench {
    writer: Writer<Slow>,
    end: WriterEnd<Slow>,
    let_go: std::sync::mpsc::Sender<Result<(), StoreError>>,
    sizes: Arc<Mutex<Vec<usize>>>,
}

fn bench() -> Bench {
    let (let_go, wait) = std::sync::mpsc::channel();
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let slow = Slow {
        model: MemorySpool::new(agent(), FIRST),
        let_go: wait,
        sizes: sizes.clone(),
    };
    let (writer, end) = Writer::start(slow, || at(0)).unwrap();
    Bench {
        writer,
        end,
        let_go,
        sizes,
    }
}

/// Starts a commit, and returns when the order is in the queue.
async fn begin(writer: &Writer<Slow>, order: &str) -> oneshot::Receiver<Result<Verdict, StoreError>> {
    let (answer, answered) = oneshot::channel();
    let piece = Box::new(intake(vec![confirm(order)]));
    writer.order(Order::Commit(piece, answer)).await.unwrap();
    answered
}

/// Returns when the thread is inside a commit.
fn wait_for_commits(bench: &Bench, count: usize) {
    while bench.sizes.lock().unwrap().len() < count {
        std::thread::yield_now();
    }
}

fn sequence(verdict: &Verdict) -> u64 {
    match verdict {
        Verdict::Kept(ids) => ids[0].position.sequence,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_gathers_while_a_commit_is_under_way_is_committed_together_and_in_order() {
    let bench = bench();
    let first = begin(&bench.writer, "A").await;
    wait_for_commits(&bench, 1);
    let mut others = Vec::new();
    for order in ["B", "C", "D"] {
        others.push(begin(&bench.writer, order).await);
    }
    bench.let_go.send(Ok(())).unwrap();
    assert_eq!(sequence(&first.await.unwrap().unwrap()), 1);
    bench.let_go.send(Ok(())).unwrap();
    for (answer, expected) in others.into_iter().zip(2..) {
        assert_eq!(sequence(&answer.await.unwrap().unwrap()), expected);
    }
    assert_eq!(*bench.sizes.lock().unwrap(), [1, 3]);
}

#[tokio::test]
async fn nobody_is_answered_before_the_commit_is_done() {
    let bench = bench();
    let mut answer = begin(&bench.writer, "A").await;
    wait_for_commits(&bench, 1);
    assert!(answer.try_recv().is_err());
    bench.let_go.send(Ok(())).unwrap();
    answer.await.unwrap().unwrap();
}

#[tokio::test]
async fn when_the_disk_refuses_everybody_in_the_commit_is_told() {
    let bench = bench();
    let first = begin(&bench.writer, "A").await;
    wait_for_commits(&bench, 1);
    let others = [begin(&bench.writer, "B").await, begin(&bench.writer, "C").await];
    bench.let_go.send(Ok(())).unwrap();
    first.await.unwrap().unwrap();
    bench
        .let_go
        .send(Err(StoreError::Disk("gone".to_owned())))
        .unwrap();
    for answer in others {
        assert!(matches!(answer.await.unwrap(), Err(StoreError::Disk(_))));
    }
    bench.let_go.send(Ok(())).unwrap();
    assert_eq!(
        sequence(&begin(&bench.writer, "D").await.await.unwrap().unwrap()),
        2
    );
}

#[tokio::test]
async fn an_intake_that_breaks_the_commit_does_not_break_its_neighbours() {
    let bench = bench();
    let first = begin(&bench.writer, "A").await;
    wait_for_commits(&bench, 1);
    let good = begin(&bench.writer, "B").await;
    let bad = begin(&bench.writer, "C").await;
    let broken = || Err(StoreError::Misuse("it cannot be".to_owned()));
    for answer in [Ok(()), broken(), Ok(()), broken()] {
        bench.let_go.send(answer).unwrap();
    }
    first.await.unwrap().unwrap();
    assert_eq!(sequence(&good.await.unwrap().unwrap()), 2);
    assert!(bad.await.unwrap().is_err());
}

#[tokio::test]
async fn other_orders_keep_their_turn_between_commits() {
    let bench = bench();
    let first = begin(&bench.writer, "A").await;
    wait_for_commits(&bench, 1);
    let second = begin(&bench.writer, "B").await;
    let writer = bench.writer.clone();
    let cut = tokio::spawn(async move { writer.cut(SECOND, Vec::new()).await });
    // The cut is in the queue once one place less is free.
    while bench.writer.orders.capacity() > QUEUE - 2 {
        tokio::task::yield_now().await;
    }
    let third = begin(&bench.writer, "C").await;
    for _ in 0..3 {
        bench.let_go.send(Ok(())).unwrap();
    }
    assert_eq!(sequence(&first.await.unwrap().unwrap()), 1);
    assert_eq!(sequence(&second.await.unwrap().unwrap()), 2);
    cut.await.unwrap().unwrap();
    let Verdict::Kept(ids) = third.await.unwrap().unwrap() else {
        panic!("not kept");
    };
    assert_eq!((ids[0].position.epoch, ids[0].position.sequence), (SECOND, 1));
}

#[tokio::test]
async fn shutting_down_carries_out_what_waits_and_hands_the_spool_back() {
    let bench = bench();
    let answer = begin(&bench.writer, "A").await;
    drop(bench.writer);
    bench.let_go.send(Ok(())).unwrap();
    let spool = bench.end.wait(Duration::from_secs(60)).await.unwrap();
    assert_eq!(spool.tally(Lane::Normal).unwrap().accepted, 1);
    answer.await.unwrap().unwrap();
}

#[tokio::test]
async fn shutting_down_is_bounded_when_the_disk_hangs() {
    let bench = bench();
    let _answer = begin(&bench.writer, "A").await;
    drop(bench.writer);
    assert!(bench.end.wait(Duration::from_millis(1)).await.is_none());
}

#[tokio::test]
async fn a_claim_that_comes_twice_at_once_is_kept_once() {
    let bench = bench();
    for _ in 0..2 {
        bench.let_go.send(Ok(())).unwrap();
    }
    let piece = || claimed("1", "body", vec![confirm("A")]);
    let (a, b) = tokio::join!(bench.writer.commit(piece()), bench.writer.commit(piece()));
    assert!(matches!(
        (a.unwrap(), b.unwrap()),
        (Verdict::Kept(_), Verdict::Known(_))
    ));
}
