//! The thin layer between the nouns and the engines.
//!
//! A noun says a [`Statement`] and what to bind; a [`Row`] is read cell by cell. A
//! change is one function over [`Tx`] that awaits nothing but `Tx`, so that SQLite
//! can run it in one go on its writer thread.
//!
//! The SQL is one text for both engines, in what both understand: `BIGINT`, `TEXT`,
//! `BYTEA`, `BOOLEAN`, `$1`, `ON CONFLICT`, `RETURNING`. Where PostgreSQL must be told
//! to hold a row, because it has many writers, a statement is marked as its own.

mod row;
mod statement;
mod tx;
mod value;

pub(crate) use row::{Cell, Column, Row};
pub(crate) use statement::{Statement, statements};
pub(crate) use tx::Tx;
pub(crate) use value::{Bind, Value, binds, kept};

use crate::Error;
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;
use crate::watch::Watch;

/// An open database.
pub(crate) enum Db {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Db {
    /// Who is handed the effects of changes.
    pub(crate) fn watch(&self) -> &Watch {
        match self {
            Db::Sqlite(db) => db.watch(),
            Db::Postgres(db) => db.watch(),
        }
    }

    /// One atomic change. It is kept, and on stable storage, once this answers `Ok`;
    /// nothing of it is kept if `change` fails. It may be run more than once.
    ///
    /// Whoever watches has its effects by then, and says that nobody admits any more what it
    /// narrowed.
    pub(crate) async fn change<A, F>(&self, change: F) -> Result<A, Error>
    where
        A: Send + 'static,
        F: AsyncFn(&mut Tx<'_>) -> Result<A, Error> + Send + Sync + 'static,
    {
        let (answer, narrowed) = match self {
            Db::Sqlite(db) => db.change(change).await?,
            Db::Postgres(db) => db.change(&change).await?,
        };
        if let Some(epoch) = narrowed {
            self.watch().settled(epoch).await;
        }
        Ok(answer)
    }

    /// The first row, if there is one.
    pub(crate) async fn first<T>(
        &self,
        statement: &'static Statement,
        binds: &[Value<'_>],
        read: fn(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        match self {
            Db::Sqlite(db) => db.first(statement, binds, read),
            Db::Postgres(db) => db.first(statement, binds, read).await,
        }
    }

    /// All rows.
    pub(crate) async fn all<T>(
        &self,
        statement: &'static Statement,
        binds: &[Value<'_>],
        read: fn(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        match self {
            Db::Sqlite(db) => db.all(statement, binds, read),
            Db::Postgres(db) => db.all(statement, binds, read).await,
        }
    }

    /// The one number that a statement answers with.
    pub(crate) async fn number(
        &self,
        statement: &'static Statement,
        binds: &[Value<'_>],
    ) -> Result<i64, Error> {
        Ok(self.first(statement, binds, |row| row.next()).await?.unwrap_or(0))
    }
}
