//! One writer a store: an exclusive lock on a file beside it, freed by the system when the process ends in any way.
//!
//! SQLite's own locks keep a file whole but would let a second process append between our commits.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// Held for as long as the store is open for writing.
#[derive(Debug)]
pub(crate) struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes the lock of the store at `path`. `InUse` names the process that has it.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let beside = beside(path, "lock");
        let disk =
            |error: std::io::Error| StoreError::Disk(format!("the lock file {}: {error}", beside.display()));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&beside)
            .map_err(disk)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(path, &mut file)),
            Err(TryLockError::Error(error)) => return Err(disk(error)),
        }
        // The number is for people only; a full disk must not keep the store shut.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

fn in_use(path: &Path, file: &mut File) -> StoreError {
    let mut holder = String::new();
    let known = file.take(20).read_to_string(&mut holder).is_ok() && !holder.is_empty();
    let who = if known {
        format!("process {holder}")
    } else {
        "another process".to_owned()
    };
    StoreError::InUse(format!("{} is held by {who}", path.display()))
}

/// The path of a file that belongs to the store at `path`: `spool.db` → `spool.db.lock`.
pub(crate) fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    PathBuf::from(name)
}
