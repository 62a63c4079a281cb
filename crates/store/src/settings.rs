//! Facts about the deployment, by key: the public URL, and the like.

use crate::db::{Tx, binds, statements};
use crate::store::Store;
use crate::{By, Error, audit};

/// See [`Store::settings`].
#[derive(Clone, Copy)]
pub struct Settings<'s>(pub(crate) &'s Store);

impl Settings<'_> {
    /// The value of `key`.
    pub async fn get(&self, key: &str) -> Result<Option<String>, Error> {
        self.0.db().first(&GET, binds![key], |row| row.next()).await
    }

    /// Sets `key` unless it is set, and answers the value that stands.
    /// It is the deployment's own bookkeeping and writes no audit row.
    pub async fn set_once(&self, key: &str, value: &str) -> Result<String, Error> {
        let (key, value) = (key.to_owned(), value.to_owned());
        let change = async move |tx: &mut Tx<'_>| {
            tx.execute(&SET_ONCE, binds![key, value]).await?;
            let stands = tx.first(&GET, binds![key], |row| row.next()).await?;
            stands.ok_or(Error::Busy)
        };
        self.0.db().change(change).await
    }

    /// Sets `key`, whatever it was. The audit row names the key: how long a value
    /// is, is not ours to say.
    pub async fn set(&self, key: &str, value: &str, by: &By) -> Result<(), Error> {
        let (key, value, by) = (key.to_owned(), value.to_owned(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            tx.execute(&SET, binds![key, value]).await?;
            audit::write(tx, &by, "setting.set", &key, None).await
        };
        self.0.db().change(change).await
    }
}

statements! {
    GET = "SELECT value FROM settings WHERE key = $1";
    SET_ONCE = "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
    SET = "INSERT INTO settings (key, value) VALUES ($1, $2)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value";
}
