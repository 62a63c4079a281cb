//! PostgreSQL's errors in our words.

use tokio_postgres::error::SqlState;

use crate::Error;

/// What `error` means. The detail of a server's error names values, so it stays here.
pub(crate) fn from_postgres(error: &tokio_postgres::Error) -> Error {
    let Some(db) = error.as_db_error() else {
        return Error::Unavailable { cause: in_full(error) };
    };
    let code = db.code();
    if *code == SqlState::DISK_FULL {
        return Error::StorageFull;
    }
    if *code == SqlState::DATA_CORRUPTED || *code == SqlState::INDEX_CORRUPTED {
        return Error::Corrupt { what: db.message().to_owned() };
    }
    if *code == SqlState::UNIQUE_VIOLATION {
        return Error::Conflict("an id");
    }
    if *code == SqlState::FOREIGN_KEY_VIOLATION {
        return Error::Missing("an id");
    }
    let busy = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::QUERY_CANCELED,
    ];
    if busy.contains(code) {
        return Error::Busy;
    }
    Error::Unavailable { cause: format!("{} (SQLSTATE {})", db.message(), code.code()) }
}

/// Whether another change was in the way, nothing was kept, and another attempt may
/// succeed.
pub(crate) fn is_conflict(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED
    })
}

/// Whether the server has no room for one more connection, or is not up yet.
pub(crate) fn is_transient(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        *code == SqlState::TOO_MANY_CONNECTIONS || *code == SqlState::CANNOT_CONNECT_NOW
    })
}

/// The error and its causes: the outermost alone says little ("error connecting to
/// server"). None of them holds the URL or the password.
pub(crate) fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
