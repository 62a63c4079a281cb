//! Connections: where to, how they are set up, and how one is taken.

use std::ops::Deref;
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Hook, HookError, Manager, ManagerConfig, Object, PoolError, RecyclingMethod,
    Runtime, TimeoutType,
};
use hallpass_core::Secret;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::{error, tls};
use crate::{Error, OpenError};

/// Each statement sees what is committed when it begins; see [`crate::db::Tx`].
pub(crate) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
/// One process at a time looks at the schema and upgrades it.
pub(crate) const LOCK_SCHEMA: &str = "SELECT pg_advisory_xact_lock(7235420917)";
/// How many tables there are where ours are or will be, and whether `schema` is one.
pub(crate) const TABLES: &str = "SELECT COUNT(*), COUNT(*) FILTER (WHERE tablename = 'schema')
    FROM pg_tables WHERE schemaname = current_schema()";
/// The database's clock.
pub(crate) const NOW: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

/// Every connection begins with this. A commit that was acknowledged is on disk,
/// whatever the server's default; and nothing waits or stays open for ever.
const SET_UP: &str = "
    SET statement_timeout = '15s';
    SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '30s';
    SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// Connections at most. A change holds one for a few round trips.
const SIZE: usize = 16;
/// How long to wait for one at most, and for a new one to be made.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often to ask a server that has no room, and how long to wait in between at most:
/// as long as our patience altogether. Meanwhile somebody may have put one back.
const KNOCKS: u32 = 16;
const PAUSE: Duration = Duration::from_millis(400);

/// A pool of connections.
pub(crate) struct Pool(deadpool_postgres::Pool);

impl Pool {
    /// Reads the URL; connects to nothing yet.
    pub(crate) fn new(url: &Secret) -> Result<Self, OpenError> {
        let bad = |cause: String| OpenError::Url { cause };
        let (text, wish) = tls::Wish::take(url.expose()).map_err(bad)?;
        // The parser's own error may quote what it stumbled over.
        let mut config: tokio_postgres::Config = text
            .expose()
            .parse()
            .map_err(|_| bad("it has a part that cannot be read".to_owned()))?;
        if config.get_hosts().is_empty() {
            return Err(bad("it names no host".to_owned()));
        }
        if config.get_application_name().is_none() {
            config.application_name("hallpass");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        // Never a standby: it may lag behind, and what was revoked be good there.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        // A connection that died without a word is found out.
        config.tcp_user_timeout(Duration::from_secs(15));
        config.keepalives_idle(Duration::from_secs(10));
        config.keepalives_interval(Duration::from_secs(5));
        config.keepalives_retries(3);
        if !wish.chosen && config.get_hosts().iter().all(is_here) {
            // Debian's own certificate is for nobody's eyes; nothing leaves the machine.
            config.ssl_mode(SslMode::Disable);
        }
        let tls = tls::connector(&wish, config.get_ssl_mode()).map_err(bad)?;
        let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = deadpool_postgres::Pool::builder(Manager::from_config(config, tls, how))
            .max_size(SIZE)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .runtime(Runtime::Tokio1)
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(
                    async move { client.batch_execute(SET_UP).await.map_err(HookError::Backend) },
                )
            }))
            .build()
            .map_err(|error| bad(error.to_string()))?;
        Ok(Self(pool))
    }

    /// How many wait for a connection.
    pub(crate) fn waiting(&self) -> usize {
        self.0.status().waiting
    }

    /// Takes a connection, or makes one. It goes back when it is dropped, whatever was
    /// being read on it: an answer that nobody waits for is passed over.
    pub(crate) async fn take(&self) -> Result<Object, Error> {
        let mut knock = 1;
        loop {
            match self.0.get().await {
                Ok(client) => return Ok(client),
                Err(PoolError::Backend(error)) if error::is_transient(&error) && knock < KNOCKS => {
                    tokio::time::sleep(PAUSE.min(Duration::from_millis(12 << knock))).await;
                    knock += 1;
                }
                Err(error) => return Err(unavailable(&error)),
            }
        }
    }

    /// Lets no more be taken.
    pub(crate) fn close(&self) {
        self.0.close();
    }
}

/// A connection for a transaction. It goes back only when it is told that the transaction
/// has ended; otherwise it is closed, which undoes what is open on it. So a task that is
/// cancelled in the middle leaves nothing to whoever takes the next connection.
pub(crate) struct Exclusive(Option<Object>);

impl Exclusive {
    pub(crate) fn new(client: Object) -> Self {
        Self(Some(client))
    }

    /// Nothing is open on it: back into the pool.
    pub(crate) fn ended(mut self) {
        drop(self.0.take());
    }
}

impl Deref for Exclusive {
    type Target = ClientWrapper;
    fn deref(&self) -> &ClientWrapper {
        // Only `ended` and `drop` take it, and both end its life.
        self.0.as_ref().expect("the connection is there until its transaction has ended")
    }
}

impl Drop for Exclusive {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

fn unavailable(error: &PoolError) -> Error {
    let cause = match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
            return error::from_postgres(error);
        }
        PoolError::Timeout(TimeoutType::Wait) => return Error::Busy,
        PoolError::Timeout(_) => "it does not answer in time".to_owned(),
        PoolError::Closed => "the store is closed".to_owned(),
        other => error::in_full(other),
    };
    Error::Unavailable { cause }
}
