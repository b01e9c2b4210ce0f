//! A faulty disk as SQLite sees it.

use std::io::{Error, ErrorKind};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use rand::RngExt;
use sqlite_vfs::wip::{WalIndex, WalIndexLock};
use sqlite_vfs::{DatabaseHandle, LockKind, OpenAccess, OpenOptions, Vfs};

use super::{Change, Content, Disk, disks, lock};

/// All faulty disks: which one is meant is in the path.
pub(super) struct FaultyVfs;

pub(super) struct Handle {
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
pub(super) struct Shared;

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
