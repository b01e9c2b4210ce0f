//! The spool on a thread of its own: everything that waits for the disk is committed together.
//!
//! There is no timer: while one commit is under way the next ones gather, and go as soon as it is done. So a lone
//! message waits for its own commit only, and a thousand at once share one. Whoever commits is answered after the disk
//! has it, never before. Orders are carried out in the order in which they came; a commit is never done in two halves.

use std::io;
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::StoreError;
use super::spool::{BATCH_INTAKES, Intake, News, Pruned, Retention, Spool, Verdict};
use crate::envelope::Moment;
use crate::ident::{Epoch, Position, Stamp};

/// Most orders that wait for the thread. Whoever comes then waits for a place: a source reads no further meanwhile.
pub const QUEUE: usize = 1024;

/// Most bytes, roughly, that are committed together. One intake is always taken, however large.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;
type Job<S> = Box<dyn FnOnce(&mut S, Moment) + Send>;

/// What the thread is asked to do.
enum Order<S> {
    Commit(Box<Intake>, Answer<Verdict>),
    Other(Job<S>),
}

/// A handle on the spool's thread. The thread ends when the last handle is dropped and the last order carried out.
#[derive(Debug)]
pub struct Writer<S> {
    orders: mpsc::Sender<Order<S>>,
}

/// The end of the thread, for whoever shuts down.
#[derive(Debug)]
pub struct WriterEnd<S>(oneshot::Receiver<S>);

impl<S> Clone for Writer<S> {
    fn clone(&self) -> Self {
        Self {
            orders: self.orders.clone(),
        }
    }
}

impl<S: Spool + Send + 'static> Writer<S> {
    /// Gives the spool its thread. `clock` is read once for each commit.
    pub fn start(spool: S, clock: impl Fn() -> Moment + Send + 'static) -> io::Result<(Self, WriterEnd<S>)> {
        let (orders, inbox) = mpsc::channel(QUEUE);
        let (end, ended) = oneshot::channel();
        thread::Builder::new().name("spool".to_owned()).spawn(move || {
            // Nobody may be waiting for the end.
            let _ = end.send(run(spool, inbox, &clock));
        })?;
        Ok((Self { orders }, WriterEnd(ended)))
    }

    /// Keeps an intake. Answered when it is on disk, or is not going to be. An error means that nothing of it was kept.
    pub async fn commit(&self, intake: Intake) -> Result<Verdict, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Commit(Box::new(intake), answer)).await?;
        answered.await.map_err(|_| gone())?
    }

    /// Notes what the other end told.
    pub async fn learn(&self, news: Vec<News>) -> Result<(), StoreError> {
        self.ask(move |spool, now| spool.learn(&news, now)).await?
    }

    /// Begins an epoch and moves rows into it.
    pub async fn cut(&self, new: Epoch, moved: Vec<Stamp>) -> Result<(), StoreError> {
        self.ask(move |spool, now| spool.cut(new, &moved, now)).await?
    }

    /// Notes that the content at this position is gone for ever.
    pub async fn give_up(&self, position: Position) -> Result<(), StoreError> {
        self.ask(move |spool, _| spool.give_up(position)).await?
    }

    /// Takes away what is no longer kept.
    pub async fn prune(&self, keep: Retention) -> Result<Pruned, StoreError> {
        self.ask(move |spool, now| spool.prune(&keep, now)).await?
    }

    /// Anything else that the spool can answer, in its turn. Done whether or not anybody still waits for the answer.
    pub async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut S, Moment) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job = move |spool: &mut S, now| {
            let _ = answer.send(job(spool, now));
        };
        self.order(Order::Other(Box::new(job))).await?;
        answered.await.map_err(|_| gone())
    }

    async fn order(&self, order: Order<S>) -> Result<(), StoreError> {
        self.orders.send(order).await.map_err(|_| gone())
    }
}

impl<S> WriterEnd<S> {
    /// Waits until the last handle is dropped and every order is carried out, at most this long, and hands the spool
    /// back to be closed; none where the time was too short, and the thread then ends with the process.
    pub async fn wait(self, at_most: Duration) -> Option<S> {
        let ended = tokio::time::timeout(at_most, self.0).await;
        ended.ok().and_then(Result::ok)
    }
}

fn gone() -> StoreError {
    StoreError::Disk("the spool is shut down".to_owned())
}

fn run<S: Spool>(mut spool: S, mut inbox: mpsc::Receiver<Order<S>>, clock: &impl Fn() -> Moment) -> S {
    let mut next = None;
    while let Some(order) = next.take().or_else(|| inbox.blocking_recv()) {
        match order {
            Order::Other(job) => job(&mut spool, clock()),
            Order::Commit(intake, answer) => {
                let (batch, behind) = gather(*intake, answer, &mut inbox);
                next = behind;
                batch.commit(&mut spool, clock());
            }
        }
    }
    spool
}

/// Intakes that are committed together, and who waits for each.
#[derive(Default)]
struct Batch {
    intakes: Vec<Intake>,
    answers: Vec<Answer<Verdict>>,
    bytes: usize,
}

/// The commits that wait already, up to the first order of another sort, which is handed back.
fn gather<S>(
    first: Intake,
    answer: Answer<Verdict>,
    inbox: &mut mpsc::Receiver<Order<S>>,
) -> (Batch, Option<Order<S>>) {
    let mut batch = Batch::default();
    batch.add(first, answer);
    while batch.intakes.len() < BATCH_INTAKES && batch.bytes < BATCH_BYTES {
        match inbox.try_recv() {
            Ok(Order::Commit(intake, answer)) => batch.add(*intake, answer),
            Ok(other) => return (batch, Some(other)),
            Err(_) => break,
        }
    }
    (batch, None)
}

impl Batch {
    fn add(&mut self, intake: Intake, answer: Answer<Verdict>) {
        self.bytes += weight(&intake);
        self.intakes.push(intake);
        self.answers.push(answer);
    }

    fn commit<S: Spool>(self, spool: &mut S, now: Moment) {
        let many = self.intakes.len() > 1;
        match spool.commit(&self.intakes, now) {
            Ok(verdicts) => {
                for (answer, verdict) in self.answers.into_iter().zip(verdicts) {
                    let _ = answer.send(Ok(verdict));
                }
            }
            // One of them may be what the store cannot take; its neighbours must not suffer for it.
            Err(error) if many && !error.is_transient() => {
                for (answer, intake) in self.answers.into_iter().zip(self.intakes) {
                    let verdicts = spool.commit(std::slice::from_ref(&intake), now);
                    let _ = answer.send(verdicts.and_then(only));
                }
            }
            Err(error) => {
                for answer in self.answers {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }
}

fn only(verdicts: Vec<Verdict>) -> Result<Verdict, StoreError> {
    let verdict = verdicts.into_iter().next();
    verdict.ok_or_else(|| StoreError::Misuse("one intake, no verdict".to_owned()))
}

/// What an intake will roughly take: the parts whose size a source chooses.
fn weight(intake: &Intake) -> usize {
    let drafts = intake.drafts.iter().map(|draft| draft.capture.raw.len() + 512);
    let scan = intake.scan.iter().map(|scan| scan.raw.len());
    drafts.chain(scan).sum()
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
