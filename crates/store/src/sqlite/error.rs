//! SQLite's errors in our words.

use rusqlite::{ErrorCode, ffi};

use crate::Error;

/// What `error` means. SQLite's messages name tables and columns, never values.
pub(crate) fn from_sqlite(error: rusqlite::Error) -> Error {
    let rusqlite::Error::SqliteFailure(failure, _) = &error else {
        return Error::Unavailable { cause: error.to_string() };
    };
    match failure.code {
        ErrorCode::DiskFull => Error::StorageFull,
        // A quota or a limit that is used up arrives as a write that failed.
        ErrorCode::SystemIoFailure if failure.extended_code == ffi::SQLITE_IOERR_WRITE => {
            Error::StorageFull
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            Error::Corrupt { what: error.to_string() }
        }
        ErrorCode::ConstraintViolation => match failure.extended_code {
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => {
                Error::Conflict("an id")
            }
            ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Error::Missing("an id"),
            _ => Error::Unavailable { cause: error.to_string() },
        },
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::Busy,
        _ => Error::Unavailable { cause: error.to_string() },
    }
}

/// The store was closed, or its writer is gone.
pub(crate) fn closed() -> Error {
    Error::Unavailable { cause: "the store is closed".to_owned() }
}
