//! What opening a store promises.

use super::*;

const SCHEMA: Schema = Schema {
    name: "test store",
    application_id: 0x4d4c_5454,
    migrations: &["CREATE TABLE one (a INTEGER PRIMARY KEY)"],
};
const NEXT: Schema = Schema {
    name: "test store",
    application_id: 0x4d4c_5454,
    migrations: &[
        "CREATE TABLE one (a INTEGER PRIMARY KEY)",
        "CREATE TABLE two (a INTEGER PRIMARY KEY)",
    ],
};

fn setting(database: &Database, name: &str) -> String {
    let read = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
    let value = database.connection.pragma_query_value(None, name, read).unwrap();
    match value {
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_and_a_reopened_store_sync_every_commit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    for _ in 0..2 {
        let database = Database::open(&path, &SCHEMA).unwrap();
        assert_eq!(setting(&database, "journal_mode"), "wal");
        assert_eq!(setting(&database, "synchronous"), "2", "FULL");
        assert_eq!(setting(&database, "auto_vacuum"), "2", "incremental");
        assert_eq!(setting(&database, "user_version"), "1");
    }
}

#[test]
fn a_second_writer_is_refused_and_told_which_process_has_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let first = Database::open(&path, &SCHEMA).unwrap();
    let error = Database::open(&path, &SCHEMA).unwrap_err();
    assert!(matches!(error, StoreError::InUse(_)));
    assert!(
        error.to_string().contains(&std::process::id().to_string()),
        "{error}"
    );
    drop(first);
    Database::open(&path, &SCHEMA).unwrap();
}

#[test]
fn a_reader_works_beside_a_writer_and_without_one_and_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let writer = Database::open(&path, &SCHEMA).unwrap();
    writer
        .connection
        .execute("INSERT INTO one VALUES (7)", [])
        .unwrap();
    let read = |connection: Connection| -> i64 {
        connection
            .query_row("SELECT a FROM one", [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(read(open_reader(&path, &SCHEMA).unwrap()), 7);
    drop(writer);
    let reader = open_reader(&path, &SCHEMA).unwrap();
    assert!(reader.execute("DELETE FROM one", []).is_err());
    assert_eq!(read(reader), 7);
}

#[test]
fn an_older_store_is_migrated_by_a_writer_and_a_newer_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(Database::open(&path, &SCHEMA).unwrap());
    assert!(matches!(
        open_reader(&path, &NEXT),
        Err(StoreError::Older { found: 1, known: 2 })
    ));
    drop(Database::open(&path, &NEXT).unwrap());
    let newer = StoreError::Newer { found: 2, known: 1 }.to_string();
    assert_eq!(Database::open(&path, &SCHEMA).unwrap_err().to_string(), newer);
    assert_eq!(open_reader(&path, &SCHEMA).unwrap_err().to_string(), newer);
}

#[test]
fn a_file_of_something_else_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    std::fs::write(&path, "this is no database, but somebody may need it").unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(
        Database::open(&path, &SCHEMA),
        Err(StoreError::Damaged(_))
    ));
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let path = folder.path().join("b.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE mine (a)")
        .unwrap();
    assert!(matches!(
        Database::open(&path, &SCHEMA),
        Err(StoreError::Foreign(_))
    ));
}

#[test]
fn a_store_in_a_folder_that_does_not_exist_says_where_it_looked() {
    let error = open_reader(Path::new("/nonexistent/a.db"), &SCHEMA).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/a.db"), "{error}");
    assert!(error.is_transient());
}
