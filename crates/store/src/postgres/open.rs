//! An open transaction, and running a declared statement.

use std::pin::pin;

use deadpool_postgres::ClientWrapper;
use futures_util::TryStreamExt;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::error::{from_postgres, is_conflict};
use crate::db::{Row, Statement, Value};
use crate::{Engine, Error};

/// What went wrong in a transaction.
#[derive(Default)]
pub(crate) struct Trouble {
    /// The first failure; with it, nothing is kept.
    pub(crate) first: Option<Error>,
    /// Whether it was another change that was in the way.
    pub(crate) again: bool,
}

/// An open transaction.
pub(crate) struct Open<'c> {
    client: &'c ClientWrapper,
    trouble: &'c mut Trouble,
}

impl<'c> Open<'c> {
    pub(crate) fn new(client: &'c ClientWrapper, trouble: &'c mut Trouble) -> Self {
        Self { client, trouble }
    }

    /// See [`crate::db::Tx::execute`].
    pub(crate) async fn execute(
        &mut self,
        statement: &'static Statement,
        binds: &[Value<'_>],
    ) -> Result<u64, Error> {
        let ran = execute(self.client, statement.sql(Engine::Postgres), binds).await;
        self.note(ran)
    }

    /// See [`crate::db::Tx::first`].
    pub(crate) async fn first<T>(
        &mut self,
        statement: &'static Statement,
        binds: &[Value<'_>],
        read: fn(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        Ok(self.all(statement, binds, read).await?.into_iter().next())
    }

    /// See [`crate::db::Tx::all`].
    pub(crate) async fn all<T>(
        &mut self,
        statement: &'static Statement,
        binds: &[Value<'_>],
        read: fn(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let ran = query(self.client, statement.sql(Engine::Postgres), binds, read).await;
        self.note(ran)
    }

    fn note<T>(&mut self, ran: Result<T, Fault>) -> Result<T, Error> {
        ran.map_err(|fault| {
            self.trouble.again |= fault.is_conflict();
            let error = fault.into_error();
            self.trouble.first.get_or_insert_with(|| error.clone());
            error
        })
    }
}

/// Why a statement failed.
pub(crate) enum Fault {
    /// The server, or the way there.
    Server(tokio_postgres::Error),
    /// What it answered.
    Answer(Error),
}

impl Fault {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Server(error) if is_conflict(error))
    }

    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Server(error) => from_postgres(&error),
            Self::Answer(error) => error,
        }
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

async fn execute(client: &ClientWrapper, sql: &str, binds: &[Value<'_>]) -> Result<u64, Fault> {
    let prepared = client.prepare_cached(sql).await?;
    Ok(client.execute_raw(&prepared, binds).await?)
}

/// Runs a statement and reads all rows.
pub(crate) async fn query<T>(
    client: &ClientWrapper,
    sql: &str,
    binds: &[Value<'_>],
    read: fn(&mut Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Fault> {
    let prepared = client.prepare_cached(sql).await?;
    let mut rows = pin!(client.query_raw(&prepared, binds).await?);
    let mut all = Vec::new();
    while let Some(row) = rows.try_next().await? {
        all.push(read(&mut Row::postgres(&row)).map_err(Fault::Answer)?);
    }
    Ok(all)
}

/// Whether we bind values of this type.
pub(crate) fn is_bound(ty: &Type) -> bool {
    [Type::INT8, Type::BOOL, Type::TEXT, Type::BYTEA].contains(ty)
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut bytes::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(number) if *ty == Type::INT8 => number.to_sql(ty, out),
            Value::Bool(truth) if *ty == Type::BOOL => truth.to_sql(ty, out),
            Value::Text(text) if *ty == Type::TEXT => text.as_ref().to_sql(ty, out),
            Value::Bytes(bytes) if *ty == Type::BYTEA => bytes.to_sql(ty, out),
            // The value is not shown.
            _ => Err(format!("it is inferred as {ty}, and something else is bound").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
