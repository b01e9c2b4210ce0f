//! What only the spool on SQLite promises, for it has a disk.

mod damage;
mod disk;
mod held;
mod opening;
mod property;
mod query;
mod quota;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Opening, Options, SqliteSpool, SqliteSpoolReader};
use crate::ident::Epoch;
use crate::store::StoreError;
use crate::store::conformance::sample::{FIRST, agent};

const MIB: u64 = 1024 * 1024;

/// A folder with a spool in it.
struct Home {
    folder: TempDir,
    path: PathBuf,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool.db");
        Self { folder, path }
    }

    fn options(&self, epoch: Epoch) -> Options {
        Options {
            agent: agent(),
            quota_bytes: 64 * MIB,
            reserve_bytes: 4 * MIB,
            epoch,
            new_epoch: false,
        }
    }

    fn try_open(&self, epoch: Epoch) -> Result<(SqliteSpool, Opening), StoreError> {
        SqliteSpool::open(&self.path, self.options(epoch))
    }

    fn open(&self, epoch: Epoch) -> (SqliteSpool, Opening) {
        self.try_open(epoch).unwrap()
    }

    fn spool(&self) -> SqliteSpool {
        self.open(FIRST).0
    }

    fn reader(&self) -> SqliteSpoolReader {
        SqliteSpoolReader::open(&self.path).unwrap()
    }

    /// A person with a SQLite shell, or a disk with a mind of its own.
    fn meddle(&self, sql: &str) {
        let connection = rusqlite::Connection::open(&self.path).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    /// Puts all files of the spool but the lock and `spared` into another folder, as a backup does.
    fn back_up(&self, spared: &str) -> TempDir {
        let backup = tempfile::tempdir().unwrap();
        copy_files(self.folder.path(), backup.path(), spared);
        backup
    }

    /// Puts them back, over what is there.
    fn restore(&self, backup: &TempDir) {
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.to_string_lossy().contains("spool.db-") {
                std::fs::remove_file(path).unwrap();
            }
        }
        copy_files(backup.path(), self.folder.path(), ".lock");
    }
}

fn copy_files(from: &Path, to: &Path, spared: &str) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if !name.to_string_lossy().ends_with(spared) {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}
