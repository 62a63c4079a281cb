//! SQLite: one writer thread, and reads in place.
//!
//! | module | |
//! |---|---|
//! | [`open`] | the directory, its lock, the version, the file's health, the tables |
//! | [`writer`] | waiting changes, one after the other, one sync for all |
//! | [`readers`] | connections that read |
//! | [`mark`] | how far the database had come: an older one is not served |
//! | [`error`] | SQLite's errors in our words |
//!
//! A read takes microseconds, so it happens on the task that asks.

mod error;
mod mark;
mod open;
mod readers;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;
use std::sync::OnceLock;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::db::{Cell, Row, Statement, Tx, Value};
use crate::watch::Watch;
use crate::{Engine, Error};

pub(crate) use error::from_sqlite;
pub(crate) use open::open;
use readers::Readers;
use writer::Writer;

/// An open SQLite database.
pub(crate) struct Sqlite {
    // Dropped in this order: the last connection to close tidies the log away.
    readers: Readers,
    writer: Writer,
    damage: Arc<Damage>,
    watch: Watch,
}

/// What was found to be damaged. Once anything was, nothing is served.
#[derive(Default)]
pub(crate) struct Damage(OnceLock<String>);

impl Damage {
    fn check(&self) -> Result<(), Error> {
        match self.0.get() {
            None => Ok(()),
            Some(what) => Err(Error::Corrupt { what: what.clone() }),
        }
    }

    /// Remembers `error` if it tells of damage to the file.
    fn note<T>(&self, answer: Result<T, Error>) -> Result<T, Error> {
        if let Err(Error::Corrupt { what }) = &answer {
            tracing::error!(%what, "the database is damaged, nothing is served any more");
            self.0.get_or_init(|| what.clone());
        }
        answer
    }
}

impl Sqlite {
    /// Who is handed the effects of changes.
    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// See [`crate::db::Db::change`]; with the epoch that the answer has to wait for.
    pub(crate) async fn change<A, F>(&self, change: F) -> Result<(A, Option<i64>), Error>
    where
        A: Send + 'static,
        F: AsyncFn(&mut Tx<'_>) -> Result<A, Error> + Send + Sync + 'static,
    {
        self.damage.check()?;
        let answer = self.writer.change(change).await;
        self.damage.note(answer)
    }

    /// See [`crate::db::Db::first`].
    pub(crate) fn first<T>(
        &self,
        statement: &'static Statement,
        binds: &[Value<'_>],
        read: fn(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        self.damage.check()?;
        self.damage.note(self.readers.with(|conn| first(conn, statement, binds, read)))
    }

    /// See [`crate::db::Db::all`].
    pub(crate) fn all<T>(
        &self,
        statement: &'static Statement,
        binds: &[Value<'_>],
        read: fn(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        self.damage.check()?;
        self.damage.note(self.readers.with(|conn| all(conn, statement, binds, read)))
    }

    /// How many changes wait for the writer.
    pub(crate) fn waiting(&self) -> usize {
        self.writer.waiting()
    }

    /// Whether the file can be read and the writer runs.
    pub(crate) async fn ping(&self) -> Result<(), Error> {
        self.damage.check()?;
        self.damage.note(self.readers.with(|conn| {
            conn.query_row("SELECT version FROM schema LIMIT 1", [], |_| Ok(()))
                .map_err(from_sqlite)
        }))?;
        self.change(async |_| Ok(())).await.map(drop)
    }

    /// Finishes what waits and closes the file.
    pub(crate) async fn close(&self) {
        self.readers.close();
        self.writer.close().await;
    }

    /// Prepares a statement and says what is wrong with it.
    pub(crate) fn prepare(&self, statement: &'static Statement) -> Result<(), Error> {
        self.readers
            .with(|conn| conn.prepare(statement.sql(Engine::Sqlite)).map(drop).map_err(from_sqlite))
    }
}

/// Runs a statement and says how many rows it changed.
pub(crate) fn execute(
    conn: &Connection,
    statement: &'static Statement,
    binds: &[Value<'_>],
) -> Result<u64, Error> {
    let mut prepared = prepare(conn, statement, binds)?;
    let count = prepared.raw_execute().map_err(from_sqlite)?;
    Ok(count as u64)
}

/// The first row, if there is one.
pub(crate) fn first<T>(
    conn: &Connection,
    statement: &'static Statement,
    binds: &[Value<'_>],
    read: fn(&mut Row<'_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let mut prepared = prepare(conn, statement, binds)?;
    let mut rows = prepared.raw_query();
    let row = rows.next().map_err(from_sqlite)?;
    row.map(|row| read(&mut Row::sqlite(row))).transpose()
}

/// All rows.
pub(crate) fn all<T>(
    conn: &Connection,
    statement: &'static Statement,
    binds: &[Value<'_>],
    read: fn(&mut Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut prepared = prepare(conn, statement, binds)?;
    let mut rows = prepared.raw_query();
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(from_sqlite)? {
        all.push(read(&mut Row::sqlite(row))?);
    }
    Ok(all)
}

/// A cell of a row; `None` if it is none that hallpass writes.
pub(crate) fn cell<'r>(row: &'r rusqlite::Row<'r>, at: usize) -> Option<Cell<'r>> {
    Some(match row.get_ref(at).ok()? {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Int(number),
        ValueRef::Text(text) => Cell::Text(std::str::from_utf8(text).ok()?),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes),
        ValueRef::Real(_) => return None,
    })
}

fn prepare<'c>(
    conn: &'c Connection,
    statement: &'static Statement,
    binds: &[Value<'_>],
) -> Result<rusqlite::CachedStatement<'c>, Error> {
    let mut prepared = conn.prepare_cached(statement.sql(Engine::Sqlite)).map_err(from_sqlite)?;
    // To SQLite `$2` is a name, and it numbers names by first appearance: bind by name.
    let mut last = 0;
    for slot in 1..=prepared.parameter_count() {
        let number = prepared.parameter_name(slot).and_then(|name| name[1..].parse::<usize>().ok());
        last = last.max(number.unwrap_or(0));
        let value =
            number.and_then(|number| binds.get(number.wrapping_sub(1))).ok_or_else(|| {
                Error::Unavailable { cause: format!("parameter {slot} is not bound") }
            })?;
        prepared.raw_bind_parameter(slot, value).map_err(from_sqlite)?;
    }
    if last < binds.len() {
        // PostgreSQL would refuse it.
        let cause = format!("{} values are bound to {last} parameters", binds.len());
        return Err(Error::Unavailable { cause });
    }
    Ok(prepared)
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(rusqlite::types::ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Bool(truth) => ValueRef::Integer(i64::from(*truth)),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
