//! A store on a thread of its own, so that waiting for the disk holds up nobody else.
//!
//! Jobs run one after the other, in the order in which they came. At most [`JOBS`] wait; whoever comes then waits for
//! a place. A job that was begun is finished, whether or not anybody still waits for its answer.

use std::thread;

use tokio::sync::{mpsc, oneshot};

/// Most jobs that wait for the thread.
pub const JOBS: usize = 64;

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// The thread is gone: it was told to end, or a job brought it down. Fatal for whoever needs the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the store's thread has ended")]
pub struct Gone;

/// A handle on the thread. The thread ends when the last handle is dropped and the last job is done.
#[derive(Debug)]
pub struct Desk<S> {
    jobs: mpsc::Sender<Job<S>>,
}

impl<S> Clone for Desk<S> {
    fn clone(&self) -> Self {
        Self {
            jobs: self.jobs.clone(),
        }
    }
}

impl<S: Send + 'static> Desk<S> {
    /// Gives the store a thread of this name.
    pub fn new(name: &str, mut store: S) -> std::io::Result<Self> {
        let (jobs, mut inbox) = mpsc::channel::<Job<S>>(JOBS);
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            while let Some(job) = inbox.blocking_recv() {
                job(&mut store);
            }
        })?;
        Ok(Self { jobs })
    }

    /// Runs the job on the thread and waits for its answer.
    pub async fn ask<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut S) -> R + Send + 'static,
    ) -> Result<R, Gone> {
        let (answer, answered) = oneshot::channel();
        let job: Job<S> = Box::new(move |store| {
            // Nobody may be waiting any more; what was done is done.
            let _ = answer.send(job(store));
        });
        self.jobs.send(job).await.map_err(|_| Gone)?;
        answered.await.map_err(|_| Gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_run_in_order_and_a_panic_is_told_to_who_waits() {
        let desk = Desk::new("test", Vec::new()).unwrap();
        desk.ask(|store| store.push(1)).await.unwrap();
        desk.ask(|store| store.push(2)).await.unwrap();
        assert_eq!(
            desk.ask(|store: &mut Vec<i32>| store.clone()).await,
            Ok(vec![1, 2])
        );
        assert_eq!(desk.ask(|_| panic!("as meant")).await, Err::<(), _>(Gone));
        assert_eq!(desk.ask(|_| ()).await, Err(Gone));
    }
}
