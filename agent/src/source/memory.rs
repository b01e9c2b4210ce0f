//! A keeper in memory for tests of the sources alone: it stands in for the spool's writer, keeps nothing on disk, and
//! can be told to fail. The tests beside the real store are in the workspace's `tests` crate.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use millrace_shared::envelope::{Draft, Moment};
use millrace_shared::ident::{Digest, Epoch, Lane, MessageId, Position};
use millrace_shared::store::StoreError;
use millrace_shared::store::spool::{Intake, Scan, Verdict};
use tokio::sync::watch;

use super::keep::{Keep, KeepError, Now};

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    /// As it should.
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
    pub claims: HashMap<(String, String), (Digest, Vec<MessageId>)>,
    pub dialogues: HashMap<(String, String), Vec<u8>>,
    pub scans: Vec<Scan>,
    pub drafts: Vec<Draft>,
    pub mood: Mood,
    pub commits: usize,
}

#[derive(Clone)]
pub struct Memory {
    kept: Arc<Mutex<Kept>>,
    /// While false, commits wait.
    pub moving: Arc<watch::Sender<bool>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            kept: Arc::default(),
            moving: Arc::new(watch::Sender::new(true)),
        }
    }
}

impl Memory {
    pub fn look(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    pub fn mood(&self, mood: Mood) {
        self.look().mood = mood;
    }

    pub fn bodies(&self) -> Vec<String> {
        self.look()
            .drafts
            .iter()
            .map(|draft| draft.message.body().unwrap())
            .collect()
    }
}

fn take(kept: &mut Kept, intake: Intake) -> Verdict {
    if let Some(claim) = &intake.claim
        && let Some((content, ids)) = kept.claims.get(&(claim.source.clone(), claim.id.clone()))
    {
        return if *content == claim.content {
            Verdict::Known(ids.clone())
        } else {
            Verdict::Conflict(ids.clone())
        };
    }
    let mut ids = Vec::new();
    for draft in intake.drafts {
        let position = Position {
            epoch: Epoch(1),
            lane: Lane::Normal,
            sequence: kept.drafts.len() as u64 + 1,
        };
        let digest = Digest::of(draft.message.body().unwrap().as_bytes());
        ids.push(MessageId::new("test".parse().unwrap(), position, &digest));
        kept.drafts.push(draft);
    }
    if let Some(claim) = intake.claim {
        kept.claims
            .insert((claim.source, claim.id), (claim.content, ids.clone()));
    }
    kept.scans.extend(intake.scan);
    if let Some(change) = intake.dialogue {
        let place = (change.station, change.connection);
        match change.state {
            Some(state) => kept.dialogues.insert(place, state),
            None => kept.dialogues.remove(&place),
        };
    }
    Verdict::Kept(ids)
}

impl Keep for Memory {
    async fn keep(&self, batch: Vec<Intake>) -> Result<Vec<Verdict>, KeepError> {
        let mut moving = self.moving.subscribe();
        moving.wait_for(|moving| *moving).await.unwrap();
        let mut kept = self.look();
        let mood = kept.mood;
        if mood == Mood::Broken {
            return Err(StoreError::Disk("as the test wants".into()).into());
        }
        kept.commits += 1;
        let verdicts = batch
            .into_iter()
            .map(|intake| match mood {
                Mood::Full => Verdict::Full("the quota is used up".into()),
                _ => take(&mut kept, intake),
            })
            .collect();
        match mood {
            Mood::Mute => Err(KeepError::Gone),
            _ => Ok(verdicts),
        }
    }

    async fn dialogue(&self, station: &str, connection: &str) -> Result<Option<Vec<u8>>, KeepError> {
        let place = (station.to_owned(), connection.to_owned());
        Ok(self.look().dialogues.get(&place).cloned())
    }

    async fn claimed(&self, source: &str, id: &str) -> Result<Option<Vec<MessageId>>, KeepError> {
        let claim = (source.to_owned(), id.to_owned());
        Ok(self.look().claims.get(&claim).map(|(_, ids)| ids.clone()))
    }
}

/// A clock that stands still, apart from a millisecond at each reading.
pub fn clock() -> Now {
    let ticks = std::sync::atomic::AtomicU64::new(0);
    Arc::new(move || {
        let ms = ticks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Moment {
            wall_ms: 1_790_000_000_000 + ms as i64,
            offset_minutes: 120,
            boot: 1,
            monotonic_ms: ms,
        }
    })
}
