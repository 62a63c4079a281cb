//! Proofs of possession that were used (RFC 9449 §11.1), so that none is taken twice by any
//! process, nor by the next one.

use hallpass_core::{Digest, Timestamp};

use crate::Error;
use crate::db::{Tx, binds, statements};
use crate::store::Store;

/// See [`Store::proofs`]. None of this writes audit rows.
#[derive(Clone, Copy)]
pub struct Proofs<'s>(pub(crate) &'s Store);

impl Proofs<'_> {
    /// Spends a proof, which nobody takes after `until` anyway. `false`: it was spent before.
    pub async fn spend(&self, digest: &Digest, until: Timestamp) -> Result<bool, Error> {
        let digest = *digest;
        let change =
            async move |tx: &mut Tx<'_>| Ok(tx.execute(&SPEND, binds![digest, until]).await? > 0);
        self.0.db().change(change).await
    }

    /// Forgets those that nobody takes any more at `now`, and says how many those were.
    pub async fn forget(&self, now: Timestamp) -> Result<u64, Error> {
        let mut forgotten = 0;
        loop {
            let change =
                async move |tx: &mut Tx<'_>| tx.execute(&FORGET, binds![now, PORTION]).await;
            let portion = self.0.db().change(change).await?;
            forgotten += portion;
            if portion < PORTION.unsigned_abs() {
                return Ok(forgotten);
            }
        }
    }
}

/// Rows in one portion: other changes wait for no more than these.
const PORTION: i64 = 500;

statements! {
    /// One conditional statement: of all who try at once, one inserts.
    SPEND = "INSERT INTO proofs (digest, until) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING";
    FORGET = "DELETE FROM proofs WHERE digest IN
        (SELECT digest FROM proofs WHERE until <= $1 LIMIT $2)";
}
