//! PostgreSQL: a pool of connections, and changes that are run again when two of
//! them were in each other's way.
//!
//! | module | |
//! |---|---|
//! | [`pool`] | the URL, how a connection is set up, how one is taken |
//! | [`tls`] | rustls with aws-lc-rs, and the certificates to trust |
//! | [`open`] | an open transaction |
//! | [`order`] | whoever watches is told of commits in their order |
//! | [`error`] | PostgreSQL's errors in our words |

mod error;
mod open;
mod order;
mod pool;
mod tls;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hallpass_core::Secret;

use crate::db::{Cell, Row, Statement, Tx, Value};
use crate::migrate::{self, Applied, Migration};
use crate::watch::{News, Watch};
use crate::{Engine, Error, OpenError};

pub(crate) use open::Open;
use open::{Trouble, query};
use order::Order;
use pool::{Exclusive, Pool};

/// How often a change is run at most, when others are in its way.
const ATTEMPTS: u32 = 10;

/// An open PostgreSQL database.
pub(crate) struct Postgres {
    pool: Pool,
    /// Spreads those that try again, so that they do not meet again.
    spread: AtomicU64,
    /// Hands the effects of changes to whoever watches.
    order: Order,
}

/// Why one attempt at a change failed.
struct Failed {
    error: Error,
    /// Whether nothing was kept and another attempt may succeed.
    again: bool,
}

impl Postgres {
    /// Connects, and brings the tables up to date.
    pub(crate) async fn open(url: &Secret, migrations: &[Migration]) -> Result<Self, OpenError> {
        let pool = Pool::new(url)?;
        let client = Exclusive::new(pool.take().await?);
        upgrade(&client, migrations).await?;
        client.ended();
        Ok(Self { pool, spread: AtomicU64::new(0), order: Order::default() })
    }

    /// Who is handed the effects of changes.
    pub(crate) fn watch(&self) -> &Watch {
        self.order.watch()
    }

    /// See [`crate::db::Db::change`]; with the epoch that the answer has to wait for.
    pub(crate) async fn change<A, F>(&self, change: &F) -> Result<(A, Option<i64>), Error>
    where
        F: AsyncFn(&mut Tx<'_>) -> Result<A, Error>,
    {
        let mut attempt = 1;
        loop {
            match self.attempt(change).await {
                Ok(answer) => return Ok(answer),
                Err(failed) if failed.again && attempt < ATTEMPTS => {
                    tracing::debug!(attempt, "a change is run again");
                    tokio::time::sleep(self.pause(attempt)).await;
                    attempt += 1;
                }
                Err(failed) => return Err(failed.error),
            }
        }
    }

    async fn attempt<A, F>(&self, change: &F) -> Result<(A, Option<i64>), Failed>
    where
        F: AsyncFn(&mut Tx<'_>) -> Result<A, Error>,
    {
        let for_good = |error| Failed { error, again: false };
        let client = Exclusive::new(self.pool.take().await.map_err(for_good)?);
        if let Err(error) = client.batch_execute(pool::BEGIN).await {
            // Nothing was begun: the server may have closed an idle connection.
            return Err(Failed { again: client.is_closed(), error: error::from_postgres(&error) });
        }
        let mut trouble = Trouble::default();
        let mut tx = Tx::postgres(Open::new(&client, &mut trouble));
        let outcome = change(&mut tx).await;
        let News { effects, epoch } = tx.into_news();
        let outcome = match (outcome, trouble.first) {
            // A failed statement has undone all; PostgreSQL would "commit" it as nothing.
            (Ok(_), Some(error)) | (Err(error), _) => Err(error),
            (Ok(answer), None) => Ok(answer),
        };
        match outcome {
            Ok(answer) => {
                // While its rows are held: who changes them next is next in order, too. One that
                // only saw an epoch waits until who made it has handed it over.
                let turn = (!effects.is_empty() || epoch.is_some()).then(|| self.order.turn());
                // If the connection breaks here, nobody knows what became of it: no
                // second attempt, or it might take effect twice.
                client.batch_execute("COMMIT").await.map_err(|error| Failed {
                    again: error::is_conflict(&error),
                    error: error::from_postgres(&error),
                })?;
                client.ended();
                if let Some(turn) = turn {
                    turn.committed(effects).await;
                }
                Ok((answer, epoch))
            }
            Err(error) => {
                if client.batch_execute("ROLLBACK").await.is_ok() {
                    client.ended();
                }
                Err(Failed { error, again: trouble.again })
            }
        }
    }

    /// Longer from one attempt to the next, and not the same for all.
    fn pause(&self, attempt: u32) -> Duration {
        let step = 1u64 << attempt.min(7);
        let spread = self.spread.fetch_add(7, Ordering::Relaxed) % step;
        Duration::from_millis(step + spread)
    }

    /// See [`crate::db::Db::first`].
    pub(crate) async fn first<T>(
        &self,
        statement: &'static Statement,
        binds: &[Value<'_>],
        read: fn(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        Ok(self.all(statement, binds, read).await?.into_iter().next())
    }

    /// See [`crate::db::Db::all`].
    pub(crate) async fn all<T>(
        &self,
        statement: &'static Statement,
        binds: &[Value<'_>],
        read: fn(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let sql = statement.sql(Engine::Postgres);
        let mut client = self.pool.take().await?;
        let mut answer = query(&client, sql, binds, read).await;
        if answer.is_err() && client.is_closed() {
            // The server may have closed an idle connection; reading twice does no harm.
            client = self.pool.take().await?;
            answer = query(&client, sql, binds, read).await;
        }
        answer.map_err(open::Fault::into_error)
    }

    /// How many wait for a connection.
    pub(crate) fn waiting(&self) -> usize {
        self.pool.waiting()
    }

    /// Whether the database answers, as one that can be written.
    pub(crate) async fn ping(&self) -> Result<(), Error> {
        let client = self.pool.take().await?;
        let rows = client
            .simple_query("SELECT version FROM schema LIMIT 1")
            .await
            .map_err(|error| error::from_postgres(&error))?;
        if rows.is_empty() {
            return Err(Error::Corrupt { what: "the table `schema` is empty".to_owned() });
        }
        Ok(())
    }

    /// The database's clock, in Unix milliseconds.
    pub(crate) async fn now(&self) -> Result<i64, Error> {
        let client = self.pool.take().await?;
        let now = client.query_one(pool::NOW, &[]).await.and_then(|row| row.try_get(0));
        now.map_err(|error| error::from_postgres(&error))
    }

    /// Closes the connections that nobody uses, and lets no more be taken.
    pub(crate) fn close(&self) {
        self.pool.close();
    }

    /// Prepares a statement and says what is wrong with it: its parameters must be
    /// of the types that we bind.
    pub(crate) async fn prepare(&self, statement: &'static Statement) -> Result<(), Error> {
        let client = self.pool.take().await?;
        let prepared = client
            .prepare(statement.sql(Engine::Postgres))
            .await
            .map_err(|error| error::from_postgres(&error))?;
        match prepared.params().iter().find(|param| !open::is_bound(param)) {
            None => Ok(()),
            Some(other) => {
                Err(Error::Unavailable { cause: format!("a parameter is inferred as {other}") })
            }
        }
    }
}

/// Brings the tables up to date. Any number of processes may start at once.
async fn upgrade(client: &Exclusive, migrations: &[Migration]) -> Result<(), OpenError> {
    let failed = |error| OpenError::Store(error::from_postgres(&error));
    client.batch_execute(pool::BEGIN).await.map_err(failed)?;
    client.batch_execute(pool::LOCK_SCHEMA).await.map_err(failed)?;
    let (tables, ours): (i64, i64) = client
        .query_one(pool::TABLES, &[])
        .await
        .and_then(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .map_err(failed)?;
    if tables > 0 && ours == 0 {
        return Err(migrate::foreign());
    }
    client.batch_execute(migrate::SCHEMA).await.map_err(failed)?;
    let applied = client
        .query_one(migrate::APPLIED, &[])
        .await
        .and_then(|row| Ok(Applied { version: row.try_get(0)?, min_compatible: row.try_get(1)? }))
        .map_err(failed)?;
    for migration in migrate::pending(migrations, applied)? {
        client.batch_execute(migration.both).await.map_err(failed)?;
        client.batch_execute(migration.postgres).await.map_err(failed)?;
        let insert = "INSERT INTO schema (version, min_compatible) VALUES ($1, $2)";
        client
            .execute(insert, &[&migration.version, &migration.min_compatible])
            .await
            .map_err(failed)?;
    }
    client.batch_execute("COMMIT").await.map_err(failed)
}

/// A cell of a row; `None` if it is none that hallpass writes.
pub(crate) fn cell(row: &tokio_postgres::Row, at: usize) -> Option<Cell<'_>> {
    use tokio_postgres::types::Type;
    let column = row.columns().get(at)?;
    let cell = match *column.type_() {
        Type::INT8 => row.try_get::<_, Option<i64>>(at).ok()?.map(Cell::Int),
        Type::BOOL => row.try_get::<_, Option<bool>>(at).ok()?.map(Cell::Bool),
        Type::TEXT => row.try_get::<_, Option<&str>>(at).ok()?.map(Cell::Text),
        Type::BYTEA => row.try_get::<_, Option<&[u8]>>(at).ok()?.map(Cell::Bytes),
        _ => return None,
    };
    Some(cell.unwrap_or(Cell::Null))
}
