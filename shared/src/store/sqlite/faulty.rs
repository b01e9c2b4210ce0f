//! A disk that loses what was not synced, and fails when told: SQLite's own pager and log run on it, in memory.
//!
//! Writes are kept apart until their file is synced. When the power is cut, each 512-byte sector of each write since
//! then is on the disk or not, by the seed, in any order. A sync that failed leaves its writes in doubt, as Linux does:
//! no later sync makes them safe, unless they were written again. Stands in for a disk in tests only.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sqlite_vfs::wip::{WalIndex, WalIndexLock};
use sqlite_vfs::{DatabaseHandle, LockKind, OpenAccess, OpenOptions, Vfs};

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

struct FaultyVfs;

struct Handle {
    disk: Disk,
    name: String,
    power: u64,
    lock: LockKind,
}

impl Handle {
    fn with<T>(&self, writes: bool, work: impl FnOnce(&mut Content) -> Result<T, Error>) -> Result<T, Error> {
        let mut state = self.disk.state();
        if state.power != self.power {
            return Err(Error::other("the power was cut"));
        }
        state.call(writes)?;
        work(state.files.entry(self.name.clone()).or_default())
    }
}

impl Vfs for FaultyVfs {
    type Handle = Handle;

    fn open(&self, name: &str, options: OpenOptions) -> Result<Handle, Error> {
        let disk = disk_of(name)?;
        let mut state = disk.state();
        state.call(false)?;
        let creates = matches!(options.access, OpenAccess::Create | OpenAccess::CreateNew);
        if !creates && !state.files.contains_key(name) {
            return Err(ErrorKind::NotFound.into());
        }
        state.files.entry(name.to_owned()).or_default();
        let power = state.power;
        drop(state);
        Ok(Handle {
            disk,
            name: name.to_owned(),
            power,
            lock: LockKind::None,
        })
    }

    fn delete(&self, name: &str) -> Result<(), Error> {
        let disk = disk_of(name)?;
        let mut state = disk.state();
        state.call(false)?;
        // Only the log of a spool that was closed is ever deleted, after all of it was synced into the file.
        state.files.remove(name);
        Ok(())
    }

    fn exists(&self, name: &str) -> Result<bool, Error> {
        let disk = disk_of(name)?;
        let mut state = disk.state();
        state.call(false)?;
        Ok(state.files.contains_key(name))
    }

    fn temporary_name(&self) -> String {
        "temporary".to_owned()
    }

    fn random(&self, buffer: &mut [i8]) {
        rand::rng().fill(buffer);
    }

    fn sleep(&self, _: Duration) -> Duration {
        Duration::ZERO
    }
}

fn disk_of(name: &str) -> Result<Disk, Error> {
    let folder = Path::new(name)
        .parent()
        .map(|folder| folder.to_string_lossy().into_owned());
    let disks = lock(disks());
    folder
        .and_then(|folder| disks.get(&folder).cloned())
        .ok_or_else(|| ErrorKind::NotFound.into())
}

impl DatabaseHandle for Handle {
    type WalIndex = Shared;

    fn size(&self) -> Result<u64, Error> {
        self.with(false, |content| Ok(content.now.len() as u64))
    }

    fn read_exact_at(&mut self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        self.with(false, |content| {
            let from = (offset as usize).min(content.now.len());
            let there = &content.now[from..content.now.len().min(from + buffer.len())];
            buffer[..there.len()].copy_from_slice(there);
            if there.len() < buffer.len() {
                Err(ErrorKind::UnexpectedEof.into())
            } else {
                Ok(())
            }
        })
    }

    fn write_all_at(&mut self, buffer: &[u8], offset: u64) -> Result<(), Error> {
        let write = |bytes: &[u8]| Change::Write(offset as usize, bytes.to_vec());
        let done = self.with(true, |content| {
            content.apply(write(buffer));
            Ok(())
        });
        if done.is_err() && self.disk.state().power == self.power {
            // A write that fails may have been done in part.
            let mut state = self.disk.state();
            let content = state.files.entry(self.name.clone()).or_default();
            content.apply(write(&buffer[..buffer.len() / 2]));
        }
        done
    }

    fn sync(&mut self, _: bool) -> Result<(), Error> {
        let done = self.with(false, |content| {
            content.sync();
            Ok(())
        });
        if done.is_err() && self.disk.state().power == self.power {
            let mut state = self.disk.state();
            let content = state.files.entry(self.name.clone()).or_default();
            let pending = std::mem::take(&mut content.pending);
            content
                .doubtful
                .extend(pending.into_iter().flat_map(Change::sectors));
        }
        done
    }

    fn set_len(&mut self, size: u64) -> Result<(), Error> {
        self.with(true, |content| {
            content.apply(Change::Length(size as usize));
            Ok(())
        })
    }

    // One connection at a time has a file open here; the lock of the writer keeps others away.
    fn lock(&mut self, lock: LockKind) -> Result<bool, Error> {
        self.lock = lock;
        Ok(true)
    }

    fn reserved(&mut self) -> Result<bool, Error> {
        Ok(self.lock >= LockKind::Reserved)
    }

    fn current_lock(&self) -> Result<LockKind, Error> {
        Ok(self.lock)
    }

    fn wal_index(&self, _: bool) -> Result<Shared, Error> {
        Ok(Shared)
    }
}

/// The index of the log, which lies in memory only and is made anew after each opening.
struct Shared;

impl WalIndex for Shared {
    fn map(&mut self, _: u32) -> Result<[u8; 32768], Error> {
        Ok([0; 32768])
    }

    fn lock(&mut self, _: Range<u8>, _: WalIndexLock) -> Result<bool, Error> {
        Ok(true)
    }

    fn delete(self) -> Result<(), Error> {
        Ok(())
    }
}
