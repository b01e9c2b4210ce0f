//! The ceilings: what the disk and SQLite do by themselves.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

/// How long each ceiling is measured.
const SPAN: Duration = Duration::from_secs(2);

/// How often a second 4 KiB more of a file are on disk.
pub fn syncs_per_second(folder: &Path) -> f64 {
    let path = folder.join("syncs");
    let mut file = File::create(&path).expect("a file");
    let page = [7; 4096];
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < SPAN {
        file.write_all(&page).expect("a page");
        file.sync_data().expect("a sync");
        count += 1;
    }
    let rate = f64::from(count) / start.elapsed().as_secs_f64();
    fs::remove_file(path).expect("it was there");
    rate
}

/// Rows of so many bytes a second into one table of SQLite with the stores' pragmas, so many in each commit.
pub fn raw_rows_per_second(folder: &Path, bytes: usize, commit: usize) -> f64 {
    let path = folder.join("raw.sqlite");
    let mut connection = Connection::open(&path).expect("a database");
    let pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -8192;
         CREATE TABLE raw (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;";
    connection.execute_batch(pragmas).expect("a table");
    let row = vec![7_u8; bytes.max(1)];
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < SPAN {
        let transaction = connection.transaction().expect("a transaction");
        {
            let mut insert = transaction
                .prepare_cached("INSERT INTO raw (bytes) VALUES (?)")
                .expect("a statement");
            for _ in 0..commit.max(1) {
                insert.execute([&row]).expect("a row");
            }
        }
        transaction.commit().expect("a commit");
        count += commit.max(1);
    }
    let rate = count as f64 / start.elapsed().as_secs_f64();
    drop(connection);
    for end in ["", "-wal", "-shm"] {
        // The log goes away with its last connection.
        let _ = fs::remove_file(folder.join(format!("raw.sqlite{end}")));
    }
    rate
}

/// What an agent's spool kept, as its tables tell.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// What was handed over in one piece: scans, or messages with an id of their own.
    pub intakes: usize,
    /// How many of them were in a commit, on average. Commits of the same millisecond look like one, so on a quick disk
    /// this is too much rather than too little, and the ceiling too high rather than too low.
    pub commit: usize,
    /// Bytes of what the device said and of the envelopes made of it, for each intake.
    pub bytes: usize,
}

impl Kept {
    /// What was kept of scans.
    pub fn scans(spool: &Path) -> Self {
        Self::of(
            spool,
            "scan",
            "(select sum(length(scan)) from scan) + (select sum(length(bytes)) from message_normal)",
        )
    }

    /// What was kept of messages with ids.
    pub fn messages(spool: &Path) -> Self {
        Self::of(spool, "claim", "(select sum(length(bytes)) from message_normal)")
    }

    fn of(spool: &Path, table: &str, bytes: &str) -> Self {
        let connection = Connection::open(spool).expect("the agent's spool");
        let query = format!("select count(*), count(distinct at), {bytes} from {table}");
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let (intakes, commits, bytes): (i64, i64, i64) =
            connection.query_row(&query, [], row).expect("the spool's tables");
        let each = |total: i64, of: i64| usize::try_from(total / of.max(1)).expect("no negative count");
        Self {
            intakes: each(intakes, 1),
            commit: each(intakes + commits / 2, commits).max(1),
            bytes: each(bytes, intakes),
        }
    }
}
