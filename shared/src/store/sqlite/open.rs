//! Opening a store's file: the same pragmas, checks and migrations for every store.
//!
//! A file that belongs to something else, or was written by a newer program, is refused and left as it is.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::lock::WriterLock;
use crate::store::StoreError;

/// How long a call waits for a lock that a person's SQLite shell or a reader at recovery may hold for a moment.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// The log is copied back into the file whenever it has this many pages (4 MiB).
const CHECKPOINT_PAGES: u32 = 1024;
/// A log that grew beyond this, behind a slow reader, is cut back to it.
const WAL_KEPT_BYTES: i64 = 16 * 1024 * 1024;
/// Page cache of a writer, in KiB. With the readers' it bounds the memory of a store whatever its size.
const WRITER_CACHE_KIB: i64 = 8 * 1024;
/// Page cache of a reader, in KiB.
const READER_CACHE_KIB: i64 = 2 * 1024;
/// Prepared statements kept by a connection.
const STATEMENTS: usize = 128;

/// What a kind of store is on disk.
#[derive(Debug)]
pub(crate) struct Schema {
    /// What it is called in messages.
    pub name: &'static str,
    /// SQLite's `application_id`: tells our files from others and from each other.
    pub application_id: i32,
    /// SQL that leads from each schema version to the next, from nothing to the newest. Append-only.
    pub migrations: &'static [&'static str],
}

impl Schema {
    fn version(&self) -> u32 {
        self.migrations.len() as u32
    }
}

/// A store's file, open for writing. No other process writes to it meanwhile.
#[derive(Debug)]
pub(crate) struct Database {
    /// The only connection that writes.
    pub connection: Connection,
    /// Where the file is.
    pub path: PathBuf,
    _lock: WriterLock,
}

impl Database {
    /// Opens or makes the file, and migrates it to the newest schema.
    pub fn open(path: &Path, schema: &Schema) -> Result<Self, StoreError> {
        let lock = WriterLock::take(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = connect(path, flags)?;
        let is_new = is_blank(&connection).map_err(|error| at(path, error))?;
        if !is_new {
            identify(&connection, path, schema)?;
        }
        prepare_writer(&connection).map_err(|error| at(path, error))?;
        settle_log(&connection).map_err(|error| at(path, error))?;
        migrate(&mut connection, schema).map_err(|error| at(path, error))?;
        if is_new {
            sync_folder(path)?;
        }
        Ok(Self {
            connection,
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Begins a transaction that may write at once, so that it cannot fail half-way for want of the lock.
    pub fn begin(&mut self) -> Result<Transaction<'_>, StoreError> {
        Ok(self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?)
    }

    /// What the store takes from the disk now.
    pub fn footprint(&self) -> Result<Footprint, StoreError> {
        footprint(&self.connection, &self.path)
    }

    /// Gives at most this many free pages back to the file system.
    pub fn vacuum(&self, pages: u32) -> Result<(), StoreError> {
        let mut statement = self
            .connection
            .prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
        Ok(())
    }
}

/// Bytes on disk. The log's are counted too: it is never smaller than what a reader still holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Footprint {
    /// The file, its free pages included.
    pub file_bytes: u64,
    /// Free pages inside the file, used again before it grows.
    pub free_bytes: u64,
    /// The write-ahead log.
    pub wal_bytes: u64,
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    #[cfg(test)]
    if let Some(vfs) = super::faulty::vfs_of(path) {
        return Connection::open_with_flags_and_vfs(path, flags, vfs).map_err(|error| at(path, error.into()));
    }
    Connection::open_with_flags(path, flags).map_err(|error| at(path, error.into()))
}

/// What the store at this path takes from the disk now.
pub(crate) fn footprint(connection: &Connection, path: &Path) -> Result<Footprint, StoreError> {
    let number = |name| -> Result<u64, StoreError> {
        let value: i64 = connection.pragma_query_value(None, name, |row| row.get(0))?;
        Ok(value.unsigned_abs())
    };
    let page = number("page_size")?;
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    Ok(Footprint {
        file_bytes: number("page_count")? * page,
        free_bytes: number("freelist_count")? * page,
        wal_bytes: std::fs::metadata(wal).map_or(0, |found| found.len()),
    })
}

/// Opens an existing store for reading only, beside a writer or without one.
pub(crate) fn open_reader(path: &Path, schema: &Schema) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = connect(path, flags)?;
    let found = identify(&connection, path, schema)?;
    if found < schema.version() {
        return Err(StoreError::Older {
            found,
            known: schema.version(),
        });
    }
    prepare(&connection, READER_CACHE_KIB).map_err(|error| at(path, error))?;
    Ok(connection)
}

fn is_blank(connection: &Connection) -> Result<bool, StoreError> {
    let version: i64 = connection.pragma_query_value(None, "schema_version", |row| row.get(0))?;
    Ok(version == 0)
}

/// The schema version of a file that is ours and not newer than this program.
fn identify(connection: &Connection, path: &Path, schema: &Schema) -> Result<u32, StoreError> {
    let read = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application = read("application_id").map_err(|error| at(path, error.into()))?;
    if application != i64::from(schema.application_id) {
        let (path, name) = (path.display(), schema.name);
        return Err(StoreError::Foreign(format!(
            "{path} is no {name} of this program"
        )));
    }
    let found = read("user_version").map_err(|error| at(path, error.into()))?;
    let (found, known) = (u32::try_from(found).unwrap_or(u32::MAX), schema.version());
    if found > known {
        Err(StoreError::Newer { found, known })
    } else {
        Ok(found)
    }
}

fn prepare_writer(connection: &Connection) -> Result<(), StoreError> {
    prepare(connection, WRITER_CACHE_KIB)?;
    // Only heeded while the file is empty; both are said again at every opening because a default is no promise.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        let text = format!("this file system carries no write-ahead log (journal mode stays {mode})");
        return Err(StoreError::Disk(text));
    }
    // In WAL mode NORMAL would sync at checkpoints only, so a power cut would take back what was answered OK.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update_and_check(None, "journal_size_limit", WAL_KEPT_BYTES, |_| Ok(()))?;
    Ok(())
}

/// Copies the write-ahead log into the file, and syncs that.
///
/// A sync that failed in an earlier process may have left parts of the log in the system's memory only, where they read
/// well and are never written any more: what is committed behind them would be lost with them in a power cut. After
/// this nothing lies behind them.
fn settle_log(connection: &Connection) -> Result<(), StoreError> {
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    let (log, copied) =
        connection.query_row(sql, [], |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))?;
    if log == copied {
        Ok(())
    } else {
        let text = "a reader holds an old state of this store; it can be opened when that has ended";
        Err(StoreError::Disk(text.to_owned()))
    }
}

fn prepare(connection: &Connection, cache_kib: i64) -> Result<(), StoreError> {
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Otherwise a statement that compares with a parameter is planned again for every value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    // A memory-mapped file turns a bad disk into a signal that ends the process.
    connection
        .pragma_update_and_check(None, "mmap_size", 0, |_| Ok(()))
        .or_else(no_answer)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(())
}

/// Some builds of SQLite answer a pragma with no row.
fn no_answer(error: rusqlite::Error) -> Result<(), rusqlite::Error> {
    match error {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        other => Err(other),
    }
}

/// Each step is one transaction with its version, so a crash leaves a whole version behind.
fn migrate(connection: &mut Connection, schema: &Schema) -> Result<(), StoreError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(found).unwrap_or(0);
    for (sql, version) in schema.migrations.iter().zip(1..).skip(done) {
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        step.execute_batch(sql)?;
        step.pragma_update(None, "application_id", schema.application_id)?;
        step.pragma_update(None, "user_version", version)?;
        step.commit()?;
    }
    Ok(())
}

/// A new file's name must survive a power cut too.
fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| StoreError::Disk(format!("the folder {}: {error}", folder.display())))
}

/// The same error with the file's name in it.
fn at(path: &Path, error: StoreError) -> StoreError {
    let name = |text: String| format!("{}: {text}", path.display());
    match error {
        StoreError::Full(text) => StoreError::Full(name(text)),
        StoreError::Disk(text) => StoreError::Disk(name(text)),
        StoreError::Damaged(text) => StoreError::Damaged(name(text)),
        StoreError::Misuse(text) => StoreError::Misuse(name(text)),
        other => other,
    }
}

#[cfg(test)]
#[path = "open_tests.rs"]
mod tests;
