//! What goes wrong with the database. What can happen in the domain is never here.

use std::path::PathBuf;

/// A change or a read that could not be made. Nothing of the change was kept,
/// except where the connection broke while it was being committed
/// ([`Error::Unavailable`]): then it was kept wholly or not at all.
///
/// No text in it holds a secret or a bound value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database cannot be reached, or gave up. Trying again may help.
    #[error("the database is unavailable: {cause}")]
    Unavailable {
        /// What the engine said.
        cause: String,
    },
    /// The disk or the quota is full, or the disk takes no writes. Reads still work;
    /// nothing was kept.
    #[error(
        "the disk that holds the database is full; nothing was changed, and hallpass goes on by itself once there is space"
    )]
    StorageFull,
    /// The database is damaged, or holds what no version of hallpass wrote.
    #[error("the database is damaged: {what}; stop hallpass and restore a backup")]
    Corrupt {
        /// What was found.
        what: String,
    },
    /// Somebody else holds the rows or the file for too long.
    #[error("the database is busy; nothing was changed, try again")]
    Busy,
    /// Something with this name exists already.
    #[error("{0} is taken")]
    Conflict(&'static str),
    /// Something that the change refers to does not exist.
    #[error("the change refers to something that does not exist: {0}")]
    Missing(&'static str),
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process holds the directory.
    #[error(
        "{} belongs to a running hallpass; stop it first, or choose another directory with --data-dir",
        dir.display()
    )]
    InUse {
        /// The data directory.
        dir: PathBuf,
    },
    /// The directory or a file in it cannot be made, read or written.
    #[error(
        "cannot use {}: {cause}; make it writable for this user, or choose another directory with --data-dir",
        path.display()
    )]
    Path {
        /// What was tried.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The schema was written by a newer hallpass that this one must not touch.
    #[error(
        "the database was upgraded by a newer hallpass (schema {found}; this one knows {known}, and schema {needed} is the oldest that may still use it); run that newer version"
    )]
    Newer {
        /// The schema's version.
        found: i64,
        /// The newest version that this binary knows.
        known: i64,
        /// The oldest version that may still be used with it.
        needed: i64,
    },
    /// The database is older than what was acknowledged from it: a stale copy, or
    /// one whose write-ahead log was lost.
    #[error(
        "{} is older than what hallpass has acknowledged ({cause}), so revoked credentials could come back; put back the newest hallpass.db together with its hallpass.db-wal",
        path.display()
    )]
    Stale {
        /// The database file.
        path: PathBuf,
        /// What is missing.
        cause: String,
    },
    /// The linked SQLite has a bug that loses commits.
    #[error("SQLite {found} loses commits; hallpass needs 3.51.3 or newer")]
    OldSqlite {
        /// The version that is linked.
        found: &'static str,
    },
    /// The `postgres://` URL cannot be read. It is not shown: it holds a password.
    #[error(
        "the database URL cannot be used: {cause}; it should look like postgres://user:password@host/name"
    )]
    Url {
        /// What is wrong with it.
        cause: String,
    },
    /// The database answered, but not well.
    #[error(transparent)]
    Store(#[from] Error),
}
