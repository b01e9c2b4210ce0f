//! What the running service tells about itself to the commands beside it: its pulse, a small file in the store's folder.
//!
//! A hint for people, never read by the service. It is written over and over without a sync; where it is missing or old,
//! the service is taken not to run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use millrace_shared::clock::Clock;
use millrace_shared::envelope::Moment;
use millrace_shared::ident::Lane;
use millrace_shared::rate::{Mark, Window};
use millrace_shared::store::StoreError;
use millrace_shared::store::spool::SpoolReader as _;
use millrace_shared::store::sqlite::spool::SqliteSpoolReader;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::daemon::spool_path;
use crate::sources::Closed;

/// The pulse is written this often.
pub const BEAT: Duration = Duration::from_secs(2);

/// A pulse older than this is that of a service that no longer runs.
pub const ALIVE: Duration = Duration::from_secs(30);

/// So many readings of the counts are in a pulse: what rates are made of, so that nobody who asks has to wait for them.
const READINGS: usize = 20;

/// Largest pulse that is read.
const PULSE_BYTES: u64 = 64 * 1024;

/// A sign of life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulse {
    /// The program's version.
    pub version: String,
    /// The process.
    pub process: u32,
    /// When the service started.
    pub started: Moment,
    /// When this was written.
    pub written: Moment,
    /// Whether this is the last one, written at an orderly end.
    pub stopped: bool,
    /// How the link stands.
    pub link: LinkState,
    /// The sources that cannot be opened, by name, and why.
    #[serde(default)]
    pub closed: Closed,
    /// The counts at the latest beats, oldest first, by lane in the order of [`Lane::ALL`].
    #[serde(default)]
    pub marks: Vec<[Mark; 3]>,
}

/// What the service has to tell of itself.
#[derive(Debug, Clone)]
pub struct Signs {
    /// How the link stands.
    pub link: watch::Receiver<LinkState>,
    /// The sources that cannot be opened.
    pub closed: watch::Receiver<Closed>,
}

/// How the link stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkState {
    /// Whether there is a connection to the broker.
    pub up: bool,
    /// Since when that is so; none before the first attempt ended.
    pub since: Option<Moment>,
    /// Why the last connection ended or the last attempt failed: a stable word, and a sentence with what to do.
    pub fault: Option<(String, String)>,
    /// When the relay was heard last.
    pub heard: Option<Moment>,
    /// By how many milliseconds the relay's clock is ahead of ours, by its last answer to a hello.
    pub relay_ahead_ms: Option<i64>,
    /// Messages under way, by lane in the order of [`Lane::ALL`].
    pub in_flight: [u64; 3],
}

impl LinkState {
    /// A session is up.
    pub fn connected(&mut self, now: Moment) {
        (self.up, self.since, self.fault) = (true, Some(now), None);
    }

    /// A session ended, or an attempt failed. What failed again has been down since the first time.
    pub fn failed(&mut self, fault: (String, String), now: Moment) {
        if self.up || self.since.is_none() {
            self.since = Some(now);
        }
        (self.up, self.fault) = (false, Some(fault));
    }

    /// Messages of this lane that are under way.
    pub fn in_flight(&self, lane: Lane) -> u64 {
        self.in_flight[usize::from(lane.number())]
    }
}

impl Pulse {
    /// Whether the service lives that wrote this.
    pub fn is_alive(&self, now: Moment) -> bool {
        let age_ms = now.monotonic_ms.saturating_sub(self.written.monotonic_ms);
        !self.stopped && now.boot == self.written.boot && u128::from(age_ms) <= ALIVE.as_millis()
    }

    /// Adds how the lanes stand now. Without a reading the next pulse has one fewer; whoever asks reads for himself.
    fn count(&mut self, data: &Path) {
        if let Ok(marks) = read_marks(data, self.written.monotonic_ms) {
            self.marks.push(marks);
            let old = self.marks.len().saturating_sub(READINGS);
            self.marks.drain(..old);
        }
    }

    /// Tells these windows, one a lane and one for all of them, what was read at the latest beats.
    pub fn recall(&self, windows: &mut [Window; 4]) {
        for marks in &self.marks {
            let all = Mark {
                at_ms: marks[0].at_ms,
                accepted: marks.iter().map(|mark| mark.accepted).sum(),
                settled: marks.iter().map(|mark| mark.settled).sum(),
            };
            for (window, mark) in windows.iter_mut().zip(marks.iter().chain([&all])) {
                window.add(*mark);
            }
        }
    }

    /// Writes it, whole or not at all.
    pub fn write(&self, data: &Path) -> io::Result<()> {
        let path = path(data);
        let new = path.with_extension("new");
        fs::write(&new, serde_json::to_vec(self)?)?;
        fs::rename(new, path)
    }

    /// The last one that was written; none where there is none that can be read.
    pub fn read(data: &Path) -> Option<Self> {
        let path = path(data);
        let size = fs::metadata(&path).ok()?.len();
        let text = (size <= PULSE_BYTES).then(|| fs::read(&path).ok()).flatten()?;
        serde_json::from_slice(&text).ok()
    }
}

/// Writes the pulse until the service ends. A pulse that cannot be written is said once; the service goes on.
pub async fn beat(data: PathBuf, clock: Clock, signs: Signs, stop: CancellationToken) {
    let started = clock.moment();
    let (mut tick, mut said, mut marks) = (interval(BEAT), false, Vec::new());
    loop {
        let stopped = tokio::select! {
            () = stop.cancelled() => true,
            _ = tick.tick() => false,
        };
        let mut pulse = Pulse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
            started,
            written: clock.moment(),
            stopped,
            link: signs.link.borrow().clone(),
            closed: signs.closed.borrow().clone(),
            marks: std::mem::take(&mut marks),
        };
        let folder = data.clone();
        // Never on a thread that carries tasks: the disk may hang.
        let written = spawn_blocking(move || {
            pulse.count(&folder);
            let written = pulse.write(&folder);
            (written, pulse.marks)
        });
        let error = match written.await {
            Ok((written, counted)) => {
                marks = counted;
                written.err().map(|error| error.to_string())
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(error) = error.as_ref().filter(|_| !said) {
            tracing::warn!(
                error,
                "the pulse cannot be written; commands will take the service for dead"
            );
        }
        said = error.is_some();
        if stopped {
            return;
        }
    }
}

fn read_marks(data: &Path, at_ms: u64) -> Result<[Mark; 3], StoreError> {
    let reader = SqliteSpoolReader::open(&spool_path(data))?;
    let mark = |lane| -> Result<Mark, StoreError> {
        let tally = reader.tally(lane)?;
        Ok(Mark {
            at_ms,
            accepted: tally.accepted,
            settled: tally.settled,
        })
    };
    let [critical, normal, bulk] = Lane::ALL.map(mark);
    Ok([critical?, normal?, bulk?])
}

fn path(data: &Path) -> PathBuf {
    data.join("pulse.json")
}

/// How long ago a moment was, in seconds: the greater of wall and running time, so that a clock that was set back hides
/// nothing.
pub fn age_seconds(then: Moment, now: Moment) -> u64 {
    let wall_ms = u64::try_from(now.wall_ms.saturating_sub(then.wall_ms)).unwrap_or(0);
    let running_ms = match then.boot == now.boot {
        true => now.monotonic_ms.saturating_sub(then.monotonic_ms),
        false => 0,
    };
    wall_ms.max(running_ms) / 1000
}

#[cfg(test)]
mod tests;
