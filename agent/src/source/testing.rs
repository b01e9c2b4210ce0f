//! For tests of the sources: the real spool on SQLite in a folder of its own, with a list of what it kept, and a switch
//! for the faults that a test wants to see at the door.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use millrace_shared::envelope::{Draft, Envelope, Moment};
use millrace_shared::ident::{Epoch, Lane, MessageId};
use millrace_shared::store::StoreError;
use millrace_shared::store::spool::{Intake, Scan, SpoolReader, Verdict};
use millrace_shared::store::sqlite::spool::{Options, SqliteSpool};
use millrace_shared::store::writer::Writer;
use tokio::sync::watch;

use super::keep::{Keep, KeepError, Now};

/// How the store behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    /// As it is.
    #[default]
    Well,
    /// Every intake is answered `Full`.
    Full,
    /// The disk refuses; nothing is kept.
    Broken,
    /// Everything is kept, and then the answer is lost.
    Mute,
}

#[derive(Debug, Default)]
pub struct Kept {
    pub scans: Vec<Scan>,
    pub drafts: Vec<Draft>,
    pub mood: Mood,
}

#[derive(Clone)]
pub struct Store {
    writer: Writer<SqliteSpool>,
    door: crate::spool::Kept,
    kept: Arc<Mutex<Kept>>,
    /// While false, commits wait.
    pub moving: Arc<watch::Sender<bool>>,
    _folder: Arc<tempfile::TempDir>,
}

impl Default for Store {
    fn default() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            agent: "test".parse().unwrap(),
            quota_bytes: 64 * 1024 * 1024,
            reserve_bytes: 4 * 1024 * 1024,
            epoch: Epoch(1),
            new_epoch: false,
        };
        let (spool, _) = SqliteSpool::open(&folder.path().join("spool.db"), options).unwrap();
        let now = clock();
        let (writer, _) = Writer::start(spool, move || now()).unwrap();
        let (bell, _) = watch::channel(());
        Self {
            door: crate::spool::Kept::new(writer.clone(), bell),
            writer,
            kept: Arc::default(),
            moving: Arc::new(watch::Sender::new(true)),
            _folder: Arc::new(folder),
        }
    }
}

impl Store {
    pub fn look(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    pub fn mood(&self, mood: Mood) {
        self.look().mood = mood;
    }

    pub fn bodies(&self) -> Vec<String> {
        let kept = self.look();
        kept.drafts
            .iter()
            .map(|draft| draft.message.body().unwrap())
            .collect()
    }

    /// The bodies that are on disk, in their order.
    pub async fn stored(&self) -> Vec<String> {
        let read = |spool: &mut SqliteSpool, _| {
            let head = spool
                .heads()
                .unwrap()
                .into_iter()
                .find(|head| head.lane == Lane::Normal)
                .unwrap();
            let rows = spool
                .rows(head.epoch, head.lane, head.first, 10_000, usize::MAX)
                .unwrap();
            rows.iter()
                .map(|row| Envelope::open(&row.bytes).unwrap().body)
                .collect()
        };
        self.writer.ask(read).await.unwrap()
    }
}

impl Keep for Store {
    async fn keep(&self, batch: Vec<Intake>) -> Result<Vec<Verdict>, KeepError> {
        let mut moving = self.moving.subscribe();
        moving.wait_for(|moving| *moving).await.unwrap();
        let mood = self.look().mood;
        match mood {
            Mood::Broken => return Err(StoreError::Disk("as the test wants".into()).into()),
            Mood::Full => {
                let full = |_| Verdict::Full("the quota is used up".into());
                return Ok(batch.into_iter().map(full).collect());
            }
            _ => {}
        }
        let verdicts = self.door.keep(batch.clone()).await?;
        let mut kept = self.look();
        for (intake, verdict) in batch.into_iter().zip(&verdicts) {
            if matches!(verdict, Verdict::Kept(_)) {
                kept.drafts.extend(intake.drafts);
                kept.scans.extend(intake.scan);
            }
        }
        match mood {
            Mood::Mute => Err(KeepError::Gone),
            _ => Ok(verdicts),
        }
    }

    async fn dialogue(&self, station: &str, connection: &str) -> Result<Option<Vec<u8>>, KeepError> {
        self.door.dialogue(station, connection).await
    }

    async fn claimed(&self, source: &str, id: &str) -> Result<Option<Vec<MessageId>>, KeepError> {
        self.door.claimed(source, id).await
    }
}

/// A clock that stands still, apart from a millisecond at each reading.
pub fn clock() -> Now {
    let ticks = AtomicU64::new(0);
    Arc::new(move || {
        let ms = ticks.fetch_add(1, Ordering::Relaxed);
        Moment {
            wall_ms: 1_790_000_000_000 + ms as i64,
            offset_minutes: 120,
            boot: 1,
            monotonic_ms: ms,
        }
    })
}
