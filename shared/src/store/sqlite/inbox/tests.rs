//! The inbox on disk: every promise, and what only a disk can be asked.

use tempfile::TempDir;

use super::{Limits, SqliteInbox};

fn open() -> (SqliteInbox, TempDir) {
    let home = tempfile::tempdir().unwrap();
    let inbox = SqliteInbox::open(&home.path().join("inbox.db"), Limits::default(), 1, 1).unwrap();
    (inbox, home)
}

crate::store::conformance::inbox::all_promises!(super::open);
