//! What was revoked, and the epoch: a number that grows with every revocation.

use hallpass_core::Timestamp;

use crate::store::Store;
use crate::{By, Error};

/// See [`Store::tombstones`].
#[derive(Clone, Copy)]
pub struct Tombstones<'s>(pub(crate) &'s Store);

impl Tombstones<'_> {
    /// Revokes one JWT by its `jti`. It expires by itself at `until`.
    pub async fn revoke_jwt(&self, jti: &str, until: Timestamp, by: &By) -> Result<(), Error> {
        let _ = (jti, until, by);
        todo!()
    }

    /// The epoch now.
    pub async fn epoch(&self) -> Result<i64, Error> {
        todo!()
    }
}
