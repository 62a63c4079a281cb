//! Connections that read. A read holds one for microseconds and never across an
//! `await`, so there are never more than there are threads that read.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::{error, open};
use crate::Error;

/// Where reads are made.
pub(crate) enum Readers {
    /// Connections of their own: readers and the writer do not wait for each other.
    Pool {
        /// The database file.
        file: PathBuf,
        /// Connections that nobody uses; `None` once closed.
        idle: Mutex<Option<Vec<Connection>>>,
    },
    /// In memory there is one connection, which reads between batches of changes.
    Shared(Arc<Mutex<Option<Connection>>>),
}

impl Readers {
    pub(crate) fn pool(file: PathBuf) -> Self {
        Self::Pool { file, idle: Mutex::new(Some(Vec::new())) }
    }

    /// Runs `read` on a connection.
    pub(crate) fn with<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match self {
            Self::Shared(shared) => read(lock(shared).as_ref().ok_or_else(error::closed)?),
            Self::Pool { file, idle } => {
                let reused = lock(idle).as_mut().ok_or_else(error::closed)?.pop();
                let conn = reused.map_or_else(|| open::reader(file), Ok)?;
                let answer = read(&conn);
                if let Some(idle) = lock(idle).as_mut() {
                    idle.push(conn);
                }
                answer
            }
        }
    }

    /// Closes the idle connections, and lets no more be opened.
    pub(crate) fn close(&self) {
        if let Self::Pool { idle, .. } = self {
            lock(idle).take();
        }
    }
}

/// A panic while reading leaves nothing half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
