//! Single facts about the spool, by name.

use rusqlite::{Connection, OptionalExtension, params};

use crate::store::StoreError;

/// The bytes noted under this name.
pub(super) fn get(connection: &Connection, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT value FROM note WHERE name = ?")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

/// Notes these bytes under this name.
pub(super) fn set(connection: &Connection, name: &str, value: &[u8]) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO note (name, value) VALUES (?, ?)";
    connection.prepare_cached(sql)?.execute(params![name, value])?;
    Ok(())
}

/// The number noted under this name.
pub(super) fn number(connection: &Connection, name: &str) -> Result<Option<u64>, StoreError> {
    let Some(bytes) = get(connection, name)? else {
        return Ok(None);
    };
    let bytes = <[u8; 8]>::try_from(bytes)
        .map_err(|_| StoreError::Damaged(format!("the note `{name}` is no number")))?;
    Ok(Some(u64::from_le_bytes(bytes)))
}

/// Notes a number.
pub(super) fn set_number(connection: &Connection, name: &str, number: u64) -> Result<(), StoreError> {
    set(connection, name, &number.to_le_bytes())
}
