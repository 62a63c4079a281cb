//! A transaction that is open, on either engine.

use crate::Error;
use crate::db::{Row, Statement, Value};
use crate::watch::{Effect, News};
use crate::{postgres, sqlite};

/// An open transaction. It ends with the change that it was handed to: kept if the
/// change answers `Ok`, undone if not.
///
/// On PostgreSQL it is READ COMMITTED: every statement sees what is committed when it
/// begins, a conditional `UPDATE` decides on the row as it then is, and where a change
/// depends on a row that it does not write, its statement holds that row (`FOR SHARE`).
/// Rows are taken in one order, principal, then secret, then grant, then epoch; should two
/// changes still wait for each other, one of them is run again.
pub(crate) struct Tx<'c> {
    link: Link<'c>,
    news: News,
}

enum Link<'c> {
    Sqlite(&'c mut rusqlite::Connection),
    Postgres(postgres::Open<'c>),
}

impl<'c> Tx<'c> {
    pub(crate) fn sqlite(conn: &'c mut rusqlite::Connection) -> Self {
        Self { link: Link::Sqlite(conn), news: News::default() }
    }

    pub(crate) fn postgres(open: postgres::Open<'c>) -> Self {
        Self { link: Link::Postgres(open), news: News::default() }
    }

    /// What the change means to whoever watches, once it is committed.
    pub(crate) fn tell(&mut self, effect: Effect) {
        self.news.effects.push(effect);
    }

    /// The change narrowed the rights of `subjects`: it is answered once nobody admits them.
    pub(crate) fn narrowed(&mut self, epoch: i64, subjects: &[String]) {
        self.tell(Effect::Epoch { epoch, subjects: subjects.to_vec() });
        self.wait_for(epoch);
    }

    /// The change is answered once nobody admits what was narrowed up to `epoch`.
    pub(crate) fn wait_for(&mut self, epoch: i64) {
        self.news.epoch = self.news.epoch.max(Some(epoch));
    }

    /// What it has told.
    pub(crate) fn into_news(self) -> News {
        self.news
    }

    /// Runs a statement and says how many rows it changed.
    pub(crate) async fn execute(
        &mut self,
        statement: &'static Statement,
        binds: &[Value<'_>],
    ) -> Result<u64, Error> {
        match &mut self.link {
            Link::Sqlite(conn) => sqlite::execute(conn, statement, binds),
            Link::Postgres(open) => open.execute(statement, binds).await,
        }
    }

    /// The first row, if there is one.
    pub(crate) async fn first<T>(
        &mut self,
        statement: &'static Statement,
        binds: &[Value<'_>],
        read: fn(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        match &mut self.link {
            Link::Sqlite(conn) => sqlite::first(conn, statement, binds, read),
            Link::Postgres(open) => open.first(statement, binds, read).await,
        }
    }

    /// All rows.
    pub(crate) async fn all<T>(
        &mut self,
        statement: &'static Statement,
        binds: &[Value<'_>],
        read: fn(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        match &mut self.link {
            Link::Sqlite(conn) => sqlite::all(conn, statement, binds, read),
            Link::Postgres(open) => open.all(statement, binds, read).await,
        }
    }
}
