//! A disk that loses what was not synced, and fails when told: SQLite's own pager and log run on it, in memory.
//!
//! Writes are kept apart until their file is synced. When the power is cut, each 512-byte sector of each write since
//! then is on the disk or not, by the seed, in any order. A sync that failed leaves its writes in doubt, as Linux does:
//! no later sync makes them safe, unless they were written again. Stands in for a disk in tests only.

mod vfs;

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use vfs::FaultyVfs;

const NAME: &str = "faulty";
const SECTOR: usize = 512;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The disk reports an error (EIO).
    Broken,
    /// There is no room (ENOSPC). Only writes can meet it.
    Full,
}

/// A disk, shared by everybody who has a file on it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Content>,
    /// Counts power cuts: files that were opened before the last one are of no use any more.
    power: u64,
    calls: u64,
    /// From this call on, for this many calls, this happens.
    fault: Option<(Range<u64>, Fault)>,
}

#[derive(Debug, Clone, Default)]
struct Content {
    /// What everybody sees.
    now: Vec<u8>,
    /// What is surely on the disk.
    safe: Vec<u8>,
    /// What was done since the last good sync.
    pending: Vec<Change>,
    /// What a failed sync left in doubt.
    doubtful: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Disk {
    /// A new disk on which every file in this folder lies from now on, for SQLite.
    pub fn mount(folder: &Path) -> Self {
        let disk = Self::default();
        lock(disks()).insert(folder.to_string_lossy().into_owned(), disk.clone());
        disk
    }

    /// How many calls it has had.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Has `count` calls from the `after`th from now on fail.
    pub fn fail(&self, after: u64, count: u64, fault: Fault) {
        let mut state = self.state();
        let first = state.calls + after;
        state.fault = Some((first..first.saturating_add(count), fault));
    }

    /// Works again.
    pub fn mend(&self) {
        self.state().fault = None;
    }

    /// Cuts the power, and puts it back on: what was not synced is there or not, by the seed.
    pub fn cut_power(&self, seed: u64) {
        let mut random = StdRng::seed_from_u64(seed);
        let mut state = self.state();
        state.power += 1;
        state.fault = None;
        for content in state.files.values_mut() {
            content.cut_power(&mut random);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

/// The name of the file system that SQLite must use for this file; none for its own.
pub(crate) fn vfs_of(path: &Path) -> Option<&'static str> {
    let folder = path.parent()?.to_string_lossy().into_owned();
    lock(disks()).contains_key(&folder).then_some(NAME)
}

fn disks() -> &'static Mutex<BTreeMap<String, Disk>> {
    static DISKS: OnceLock<Mutex<BTreeMap<String, Disk>>> = OnceLock::new();
    DISKS.get_or_init(|| {
        sqlite_vfs::register(NAME, FaultyVfs, false).expect("SQLite takes another file system");
        Mutex::default()
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Counts a call, and fails it when its turn has come.
    fn call(&mut self, writes: bool) -> Result<(), Error> {
        let number = self.calls;
        self.calls += 1;
        match &self.fault {
            Some((calls, Fault::Broken)) if calls.contains(&number) => Err(Error::other("EIO")),
            // The kind that the file system's crate tells SQLite as "full".
            Some((calls, Fault::Full)) if writes && calls.contains(&number) => {
                Err(ErrorKind::WriteZero.into())
            }
            _ => Ok(()),
        }
    }
}

impl Content {
    fn apply(&mut self, change: Change) {
        change.apply(&mut self.now);
        self.pending.push(change);
    }

    fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.safe);
            self.doubtful.retain(|doubtful| !doubtful.touches(&change));
        }
    }

    fn cut_power(&mut self, random: &mut StdRng) {
        let keep = random.random_range(0.0..=1.0);
        let mut changes: Vec<Change> = self.doubtful.drain(..).chain(self.pending.drain(..)).collect();
        // Nobody orders writes between two syncs.
        for index in (1..changes.len()).rev() {
            changes.swap(index, random.random_range(0..=index));
        }
        for change in changes {
            for sector in change.sectors() {
                if random.random_bool(keep) {
                    sector.apply(&mut self.safe);
                }
            }
        }
        self.now = self.safe.clone();
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::Length(length) => bytes.resize(*length, 0),
            Change::Write(at, data) => {
                bytes.resize(bytes.len().max(at + data.len()), 0);
                bytes[*at..at + data.len()].copy_from_slice(data);
            }
        }
    }

    fn touches(&self, other: &Change) -> bool {
        match (self, other) {
            (Change::Write(a, one), Change::Write(b, two)) => *a < b + two.len() && *b < a + one.len(),
            _ => true,
        }
    }

    fn sectors(self) -> Vec<Change> {
        match self {
            Change::Length(length) => vec![Change::Length(length)],
            Change::Write(at, data) => {
                let mut sectors = Vec::new();
                let mut from = 0;
                while from < data.len() {
                    let to = data.len().min(from + SECTOR - (at + from) % SECTOR);
                    sectors.push(Change::Write(at + from, data[from..to].to_vec()));
                    from = to;
                }
                sectors
            }
        }
    }
}
