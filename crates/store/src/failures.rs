//! Counters of failed attempts, so that limits hold across restarts and processes.

use hallpass_core::Timestamp;

use crate::Error;
use crate::db::{Tx, binds, statements};
use crate::store::Store;

/// See [`Store::failures`]. Keys are the caller's; none of this writes audit rows.
#[derive(Clone, Copy)]
pub struct Failures<'s>(pub(crate) &'s Store);

impl Failures<'_> {
    /// For each key, in order, how many failures there were since `window_start`,
    /// to the second.
    pub async fn counts(
        &self,
        keys: &[String],
        window_start: Timestamp,
    ) -> Result<Vec<u32>, Error> {
        let mut counts = Vec::with_capacity(keys.len());
        for key in keys {
            let count = self.0.db().number(&COUNT, binds![key, window_start.secs()]).await?;
            counts.push(u32::try_from(count).unwrap_or(u32::MAX));
        }
        Ok(counts)
    }

    /// Counts one failure for each key.
    pub async fn record(&self, keys: &[String], at: Timestamp) -> Result<(), Error> {
        let mut keys = keys.to_vec();
        // In one order, so that two of these do not wait for each other.
        keys.sort_unstable();
        let change = async move |tx: &mut Tx<'_>| {
            for key in &keys {
                tx.execute(&RECORD, binds![key, at.secs()]).await?;
            }
            Ok(())
        };
        self.0.db().change(change).await
    }

    /// Forgets the failures of a key, after a success.
    pub async fn forget(&self, key: &str) -> Result<(), Error> {
        let key = key.to_owned();
        let change = async move |tx: &mut Tx<'_>| tx.execute(&FORGET, binds![key]).await.map(drop);
        self.0.db().change(change).await
    }
}

statements! {
    COUNT = "SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) FROM failures
        WHERE key = $1 AND second >= $2";
    RECORD = "INSERT INTO failures (key, second, count) VALUES ($1, $2, 1)
        ON CONFLICT (key, second) DO UPDATE SET count = failures.count + 1";
    FORGET = "DELETE FROM failures WHERE key = $1";
}
