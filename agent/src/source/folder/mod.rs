//! A folder into which systems drop files: JSON, or CSV whose header names the fields.
//!
//! A complete file is read, its good lines are kept, and then it is moved: to `done/`, or to `rejected/` where nothing
//! of it could be taken. Lines that could not be taken stand in `rejected/` in a file of their own, to be mended and
//! dropped again; a `.reason` beside it tells why, line by line.
//!
//! Until it is moved a file stays where it is, and everything about it may be done again: each line is claimed under
//! its `external_id`, or under the file's name, time and content with its number. So a crash anywhere neither loses nor
//! doubles. The same export under another name is recognised by its `external_id`s, and only by them.

mod lines;
mod settle;
mod shelf;
mod take;

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use millrace_shared::message::Kind;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub use self::settle::Complete;
use self::settle::{Seen, Settle};
use self::shelf::Shelf;
use self::take::{Taken, Taker, Wait};
use super::keep::{Keep, Now};
use super::tally::{Count, Tally};
use crate::convert::table::Dialect;

/// Most files that are looked at; what is more waits until these are gone.
const FILES: usize = 10_000;
/// After a failure the same is tried again after these times, growing from the first to the second.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Settings of a drop folder.
#[derive(Debug, Clone)]
pub struct FolderSettings {
    /// The source's name.
    pub name: String,
    /// The folder. `done/` and `rejected/` are made in it.
    pub folder: PathBuf,
    /// How a file shows that it is complete. Default: quiet for 2 s.
    pub complete: Complete,
    /// Endings of names that are never looked at. Default: `.tmp`, `.part`, `.partial`, `.filepart`.
    pub ignored: Vec<String>,
    /// How often to look even where the system reports no change, as on network drives. Default: 5 s.
    pub poll: Duration,
    /// Largest file. Default: 16 MiB; it is held in memory while it is read.
    pub file_bytes_max: u64,
    /// Most lines of a file. Default: 100,000.
    pub lines_max: usize,
    /// How CSV files are written.
    pub dialect: Dialect,
    /// The kind of CSV rows that name none. Default: none.
    pub kind: Option<Kind>,
    /// The station of messages that name none. Default: none.
    pub station: Option<String>,
    /// The stations that messages may name.
    pub stations: BTreeSet<String>,
}

impl FolderSettings {
    /// All defaults.
    pub fn new(name: &str, folder: &Path) -> Self {
        Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            complete: Complete::Quiet(Duration::from_secs(2)),
            ignored: [".tmp", ".part", ".partial", ".filepart"]
                .map(str::to_owned)
                .into(),
            poll: Duration::from_secs(5),
            file_bytes_max: 16 * 1024 * 1024,
            lines_max: 100_000,
            dialect: Dialect::default(),
            kind: None,
            station: None,
            stations: BTreeSet::new(),
        }
    }

    /// What contradicts itself, for the person who wrote the configuration.
    pub fn problems(&self) -> Vec<String> {
        let unknown = self
            .station
            .as_ref()
            .filter(|station| !self.stations.contains(*station));
        let unknown = unknown.map(|station| format!("the station `{station}` is not known"));
        unknown.into_iter().collect()
    }
}

/// Why a drop folder cannot be used. Permanent until a person mends it.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It, or a folder in it, is missing or may not be used.
    #[error("source `{name}`: the folder {} cannot be used: {error}", folder.display())]
    Open {
        /// The source.
        name: String,
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// A drop folder, ready to be watched.
pub struct FolderSource<K> {
    settings: Arc<FolderSettings>,
    taker: Taker<K>,
    settle: Settle,
    /// Files that could not be taken, and when each is tried again.
    waiting: HashMap<OsString, (Instant, Duration)>,
    /// Until when no file is tried, because the store takes nothing.
    held: Option<(Instant, Duration)>,
    begin: Instant,
    changed: Arc<Notify>,
    _watcher: Option<RecommendedWatcher>,
}

impl<K: Keep> FolderSource<K> {
    /// Makes sure that the folder can be used, and begins to watch it.
    pub async fn open(
        settings: FolderSettings,
        keep: K,
        now: Now,
        tally: Arc<Tally>,
    ) -> Result<Self, FolderError> {
        let settings = Arc::new(settings);
        let unusable = |error| FolderError::Open {
            name: settings.name.clone(),
            folder: settings.folder.clone(),
            error,
        };
        list(&settings.folder).await.map_err(unusable)?;
        let shelf = Shelf::open(&settings.folder).await.map_err(unusable)?;
        let changed = Arc::new(Notify::new());
        Ok(Self {
            taker: Taker {
                settings: settings.clone(),
                shelf,
                keep,
                now,
                tally,
            },
            settle: Settle::new(settings.complete.clone(), settings.ignored.clone()),
            waiting: HashMap::new(),
            held: None,
            begin: Instant::now(),
            _watcher: watch(&settings, changed.clone()),
            changed,
            settings,
        })
    }

    /// Takes files in until told to stop, or until the folder cannot be read; a file that was begun is gone on with after
    /// the next start.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let next = match self.round(&stop).await {
                Ok(next) => next,
                Err(error) => {
                    let folder = self.settings.folder.display();
                    warn!(source = self.settings.name, %folder, %error, "the folder cannot be read any more");
                    break;
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = self.changed.notified() => {}
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }

    /// Looks once and takes what is complete. Says when to look again.
    async fn round(&mut self, stop: &CancellationToken) -> io::Result<Instant> {
        let poll = Instant::now() + self.settings.poll;
        let files = list(&self.settings.folder).await?;
        let now_ms = u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        let look = self.settle.look(files, now_ms);
        let settled = look.again_ms.map(|ms| self.begin + Duration::from_millis(ms));
        self.waiting
            .retain(|name, _| look.complete.iter().any(|file| file.name == *name));
        for file in &look.complete {
            if stop.is_cancelled() || self.held.is_some_and(|(until, _)| until > Instant::now()) {
                break;
            }
            if self
                .waiting
                .get(&file.name)
                .is_none_or(|(until, _)| *until <= Instant::now())
            {
                self.take(file, stop).await;
            }
        }
        let waits = self.waiting.values().chain(&self.held).map(|(until, _)| *until);
        let waits = waits.filter(|until| *until > Instant::now());
        Ok(waits.chain(settled).fold(poll, Instant::min))
    }

    async fn take(&mut self, file: &Seen, stop: &CancellationToken) {
        let name = file.name.to_string_lossy();
        let source = &self.settings.name;
        let wait = match self.taker.take(file, stop).await {
            Ok(taken) => {
                self.waiting.remove(&file.name);
                self.held = None;
                match taken {
                    Taken::Done { lines } => info!(source, file = %name, lines, "a file was taken in"),
                    Taken::Partly { lines, rejected } => {
                        warn!(source, file = %name, lines, rejected, "some lines of a file were rejected: see rejected/");
                    }
                    Taken::Rejected { why } => {
                        warn!(source, file = %name, why, "a file was rejected: see rejected/")
                    }
                }
                return;
            }
            Err(wait) => wait,
        };
        let again = |before: Option<&(Instant, Duration)>| {
            let pause = before.map_or(AGAIN.0, |(_, pause)| (*pause * 2).min(AGAIN.1));
            (Instant::now() + pause, pause)
        };
        match wait {
            Wait::Stopped => {}
            Wait::Store(why) => {
                self.taker.tally.add(Count::FileWaits);
                warn!(source, file = %name, why, "a file waits because the store takes nothing");
                self.held = Some(again(self.held.as_ref()));
            }
            Wait::File(why) => {
                self.taker.tally.add(Count::FileWaits);
                warn!(source, file = %name, why, "a file cannot be taken now");
                let next = again(self.waiting.get(&file.name));
                self.waiting.insert(file.name.clone(), next);
            }
        }
    }
}

/// The regular files in the folder.
async fn list(folder: &Path) -> io::Result<Vec<Seen>> {
    let mut entries = tokio::fs::read_dir(folder).await?;
    let mut files = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        // A file may be gone again; links are not followed.
        let Ok(metadata) = entry.metadata().await else {
            continue;
        };
        if metadata.is_file() && files.len() < FILES {
            files.push(Seen {
                name: entry.file_name(),
                bytes: metadata.len(),
                modified_ms: modified_ms(&metadata),
            });
        }
    }
    Ok(files)
}

fn modified_ms(metadata: &std::fs::Metadata) -> i64 {
    let modified = metadata.modified().ok();
    let since = modified.and_then(|modified| modified.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Has changes of the folder reported, where the system can.
fn watch(settings: &FolderSettings, changed: Arc<Notify>) -> Option<RecommendedWatcher> {
    let report = move |_| changed.notify_one();
    let watching = notify::recommended_watcher(report).and_then(|mut watcher| {
        watcher.watch(&settings.folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    watching
        .map_err(|error| {
            warn!(source = settings.name, %error, "changes of the folder are not reported: it is looked at regularly only");
        })
        .ok()
}

#[cfg(test)]
mod tests;
