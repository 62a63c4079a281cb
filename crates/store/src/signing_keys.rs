//! Keys that sign JWTs. The private part is sealed before it comes here.

use hallpass_core::Timestamp;
use hallpass_core::id::SigningKeyId;

use crate::store::Store;
use crate::{By, Error};

/// A signing key.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its id; also its `kid`.
    pub id: SigningKeyId,
    /// The one algorithm that it signs with: `ES256` or `RS256`.
    pub alg: String,
    /// The public part as a JWK (RFC 7517).
    pub public_jwk: String,
    /// The private part, sealed under the master key.
    pub sealed_private: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it signs. Before, it is only published.
    pub signs_from: Timestamp,
    /// Until when it signs.
    pub signs_until: Option<Timestamp>,
    /// Until when it is published, so that what it signed can be checked.
    pub published_until: Option<Timestamp>,
}

impl SigningKey {
    /// Whether it signs at `now`.
    pub fn signs(&self, now: Timestamp) -> bool {
        self.signs_from <= now && self.signs_until.is_none_or(|until| now < until)
    }
}

impl std::fmt::Debug for SigningKey {
    /// Without the sealed part.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .field("alg", &self.alg)
            .field("signs_from", &self.signs_from)
            .field("signs_until", &self.signs_until)
            .field("published_until", &self.published_until)
            .finish_non_exhaustive()
    }
}

/// See [`Store::signing_keys`].
#[derive(Clone, Copy)]
pub struct SigningKeys<'s>(pub(crate) &'s Store);

impl SigningKeys<'_> {
    /// All keys, oldest first.
    pub async fn all(&self) -> Result<Vec<SigningKey>, Error> {
        todo!()
    }

    /// Keeps `candidate` unless a key of its algorithm signs at its `created_at`, and
    /// answers all keys. Any number of processes may do so at once; one key comes of it.
    /// Writes no audit row.
    pub async fn ensure(&self, candidate: SigningKey) -> Result<Vec<SigningKey>, Error> {
        let _ = candidate;
        todo!()
    }

    /// Keeps another key.
    pub async fn insert(&self, key: SigningKey, by: &By) -> Result<(), Error> {
        let _ = (key, by);
        todo!()
    }

    /// Says until when a key signs and is published. `false` if there is none such.
    pub async fn retire(
        &self,
        id: SigningKeyId,
        signs_until: Timestamp,
        published_until: Timestamp,
        by: &By,
    ) -> Result<bool, Error> {
        let _ = (id, signs_until, published_until, by);
        todo!()
    }

    /// Deletes the keys that are published no more, and says how many those were.
    /// Writes no audit row.
    pub async fn drop_unpublished(&self, now: Timestamp) -> Result<u64, Error> {
        let _ = now;
        todo!()
    }
}
