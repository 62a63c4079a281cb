//! Counters of failed attempts, so that limits hold across restarts and processes.

use hallpass_core::Timestamp;

use crate::Error;
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
        let _ = (keys, window_start);
        todo!()
    }

    /// Counts one failure for each key.
    pub async fn record(&self, keys: &[String], at: Timestamp) -> Result<(), Error> {
        let _ = (keys, at);
        todo!()
    }

    /// Forgets the failures of a key, after a success.
    pub async fn forget(&self, key: &str) -> Result<(), Error> {
        let _ = key;
        todo!()
    }
}
