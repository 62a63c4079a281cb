//! Facts about the deployment, by key: the public URL, and the like.

use crate::store::Store;
use crate::{By, Error};

/// See [`Store::settings`].
#[derive(Clone, Copy)]
pub struct Settings<'s>(pub(crate) &'s Store);

impl Settings<'_> {
    /// The value of `key`.
    pub async fn get(&self, key: &str) -> Result<Option<String>, Error> {
        let _ = key;
        todo!()
    }

    /// Sets `key` unless it is set, and answers the value that stands.
    /// It is the deployment's own bookkeeping and writes no audit row.
    pub async fn set_once(&self, key: &str, value: &str) -> Result<String, Error> {
        let _ = (key, value);
        todo!()
    }

    /// Sets `key`, whatever it was.
    pub async fn set(&self, key: &str, value: &str, by: &By) -> Result<(), Error> {
        let _ = (key, value, by);
        todo!()
    }
}
