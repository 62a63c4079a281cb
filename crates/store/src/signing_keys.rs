//! Keys that sign JWTs. The private part is sealed before it comes here.

use hallpass_core::Timestamp;
use hallpass_core::id::SigningKeyId;

use crate::db::{Row, Tx, binds, statements};
use crate::store::Store;
use crate::{By, Error, audit};

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
        self.0.db().all(&ALL, binds![], read).await
    }

    /// Keeps `candidate` unless a key of its algorithm signs at its `created_at`, and
    /// answers all keys. Any number of processes may do so at once; one key comes of it.
    /// Writes no audit row.
    pub async fn ensure(&self, candidate: SigningKey) -> Result<Vec<SigningKey>, Error> {
        let change = async move |tx: &mut Tx<'_>| {
            tx.first(&ONE_AT_A_TIME, binds![], |_| Ok(())).await?;
            let now = candidate.created_at;
            let signs = tx.first(&SIGNS, binds![candidate.alg, now], |_| Ok(())).await?;
            if signs.is_none() {
                insert(tx, &candidate).await?;
            }
            tx.all(&ALL, binds![], read).await
        };
        self.0.db().change(change).await
    }

    /// Keeps another key.
    pub async fn insert(&self, key: SigningKey, by: &By) -> Result<(), Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            insert(tx, &key).await?;
            audit::write(tx, &by, "signing_key.insert", key.id, Some(&key.alg)).await
        };
        self.0.db().change(change).await
    }

    /// Says until when a key signs and is published. `false` if there is none such.
    pub async fn retire(
        &self,
        id: SigningKeyId,
        signs_until: Timestamp,
        published_until: Timestamp,
        by: &By,
    ) -> Result<bool, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            let row = binds![id, signs_until, published_until];
            if tx.execute(&RETIRE, row).await? == 0 {
                return Ok(false);
            }
            audit::write(tx, &by, "signing_key.retire", id, None).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }

    /// Keeps more keys, and says of others until when they sign and are published: one change.
    pub async fn rotate(
        &self,
        new: Vec<SigningKey>,
        ends: Vec<(SigningKeyId, Timestamp, Timestamp)>,
        by: &By,
    ) -> Result<(), Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            for key in &new {
                insert(tx, key).await?;
            }
            for (id, signs_until, published_until) in &ends {
                tx.execute(&RETIRE, binds![id, signs_until, published_until]).await?;
            }
            let ids = |ids: Vec<String>| ids.join(" ");
            let made = ids(new.iter().map(|key| key.id.to_string()).collect());
            let ended = ids(ends.iter().map(|(id, ..)| id.to_string()).collect());
            let detail = format!("made {made}; retired {ended}");
            audit::write(tx, &by, "signing_key.rotate", "signing_keys", Some(&detail)).await
        };
        self.0.db().change(change).await
    }

    /// Deletes the keys that are published no more, and says how many those were.
    /// Writes no audit row.
    pub async fn drop_unpublished(&self, now: Timestamp) -> Result<u64, Error> {
        let change = async move |tx: &mut Tx<'_>| tx.execute(&DROP_UNPUBLISHED, binds![now]).await;
        self.0.db().change(change).await
    }
}

macro_rules! columns {
    () => {
        "id, alg, public_jwk, sealed_private, created_at, signs_from, signs_until, published_until"
    };
}

statements! {
    ONE_AT_A_TIME = "SELECT 1", postgres = "SELECT pg_advisory_xact_lock(7235420919)";
    ALL = concat!("SELECT ", columns!(), " FROM signing_keys ORDER BY created_at, id");
    SIGNS = "SELECT id FROM signing_keys WHERE alg = $1 AND signs_from <= $2
        AND (signs_until IS NULL OR signs_until > $2) LIMIT 1";
    INSERT = concat!(
        "INSERT INTO signing_keys (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    );
    RETIRE = "UPDATE signing_keys SET signs_until = $2, published_until = $3 WHERE id = $1";
    DROP_UNPUBLISHED = "DELETE FROM signing_keys WHERE published_until <= $1";
}

async fn insert(tx: &mut Tx<'_>, key: &SigningKey) -> Result<(), Error> {
    let row = binds![
        key.id,
        key.alg,
        key.public_jwk,
        key.sealed_private,
        key.created_at,
        key.signs_from,
        key.signs_until,
        key.published_until,
    ];
    tx.execute(&INSERT, row).await.map(drop)
}

fn read(row: &mut Row<'_>) -> Result<SigningKey, Error> {
    Ok(SigningKey {
        id: row.next()?,
        alg: row.next()?,
        public_jwk: row.next()?,
        sealed_private: row.next()?,
        created_at: row.next()?,
        signs_from: row.next()?,
        signs_until: row.next()?,
        published_until: row.next()?,
    })
}
