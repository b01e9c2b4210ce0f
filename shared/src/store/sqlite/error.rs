//! What SQLite says, in the words of [`StoreError`]; the only place where the two meet.

use rusqlite::{Error, ErrorCode};

use crate::store::StoreError;

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full(format!("{text}: free some space on this disk")),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged(text),
            Some(code) if is_the_disk(code) => StoreError::Disk(text),
            Some(_) => StoreError::Misuse(text),
            None => of_a_value(error, text),
        }
    }
}

/// What may pass without a change of this program: the disk, its rights, memory, and a foreign lock.
fn is_the_disk(code: ErrorCode) -> bool {
    use ErrorCode as Code;
    matches!(
        code,
        Code::SystemIoFailure
            | Code::CannotOpen
            | Code::ReadOnly
            | Code::PermissionDenied
            | Code::DatabaseBusy
            | Code::DatabaseLocked
            | Code::OutOfMemory
            | Code::FileLockingProtocolFailed
            | Code::NoLargeFileSupport
            | Code::OperationAborted
            | Code::OperationInterrupted
    )
}

/// A value of another type or range than the schema allows was not written by this program.
fn of_a_value(error: Error, text: String) -> StoreError {
    match error {
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::Utf8Error(..)
        | Error::InvalidColumnType(..) => StoreError::Damaged(text),
        _ => StoreError::Misuse(text),
    }
}
