//! What proves the audit log: rows are chained once they are committed, and the end of the
//! chain is signed.
//!
//! A change writes its row unchained, for a chain inside of it would put all changes in one
//! queue. Later a sealer reads the rows that have no number yet and gives them the next ones:
//! numbers are given when a row is seen to be committed, so one with a lower `seq` that commits
//! later simply comes later. Any number of sealers may try; the one that moves the head on has
//! sealed, the others have done nothing.
//!
//! What is hashed and signed is not the store's business.

use hallpass_core::id::AuditKeyId;
use hallpass_core::{Digest, Timestamp};

use crate::db::{Row, Tx, binds, statements};
use crate::{Audit, AuditRow, By, Error, audit};

/// The action of a row that announces a key; its subject is the key's id.
pub const KEY_ADDED: &str = "audit_key.create";

/// How far the log is chained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the last row; 0 if none is chained.
    pub number: i64,
    /// Its hash; `None` if none is chained.
    pub hash: Option<Digest>,
}

/// A row that gets its place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Which row.
    pub seq: i64,
    /// Its number.
    pub number: i64,
    /// The hash over it and all rows before it.
    pub hash: Digest,
}

/// A signature over the chain up to one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The row's number.
    pub number: i64,
    /// When it was signed.
    pub at: Timestamp,
    /// The row's hash.
    pub hash: Digest,
    /// The key that signed it.
    pub key: AuditKeyId,
    /// The signature.
    pub signature: Vec<u8>,
}

/// A key that signs checkpoints, and nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct AuditKey {
    /// Its id.
    pub id: AuditKeyId,
    /// The public half.
    pub public: Vec<u8>,
    /// The private half, sealed under the master key.
    pub sealed_private: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for AuditKey {
    /// Without the sealed part.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Audit<'_> {
    /// How far the log is chained.
    pub async fn head(&self) -> Result<Head, Error> {
        let head = self.0.db().first(&HEAD, binds![], read_head).await?;
        head.ok_or_else(|| Error::Corrupt { what: "the table `audit_head` is empty".to_owned() })
    }

    /// Committed rows that are not chained yet, after `after` as they were written, at most
    /// `limit`.
    pub async fn unsealed(&self, after: i64, limit: u32) -> Result<Vec<AuditRow>, Error> {
        self.0.db().all(&UNSEALED, binds![after, limit], audit::read).await
    }

    /// How many rows are not chained yet.
    pub async fn unsealed_count(&self) -> Result<u64, Error> {
        Ok(self.0.db().number(&UNSEALED_COUNT, binds![]).await?.unsigned_abs())
    }

    /// Chained rows after the one with the number `after`, in the order of the chain, at most
    /// `limit`.
    pub async fn sealed(&self, after: i64, limit: u32) -> Result<Vec<AuditRow>, Error> {
        self.0.db().all(&SEALED, binds![after, limit], audit::read).await
    }

    /// Moves the head from the row `from` on over `links`, and keeps `checkpoint`. `false`, and
    /// nothing is kept, if somebody else has moved it. Writes no audit row: it is about those.
    pub async fn seal(
        &self,
        from: i64,
        links: Vec<Link>,
        checkpoint: Checkpoint,
    ) -> Result<bool, Error> {
        let change = async move |tx: &mut Tx<'_>| {
            let head = binds![from, checkpoint.number, checkpoint.hash];
            if tx.execute(&MOVE_HEAD, head).await? == 0 {
                return Ok(false);
            }
            for link in &links {
                let row = binds![link.seq, link.number, link.hash];
                if tx.execute(&CHAIN, row).await? == 0 {
                    return Err(Error::Conflict("a row of the audit log"));
                }
            }
            let row = binds![
                checkpoint.number,
                checkpoint.at,
                checkpoint.hash,
                checkpoint.key,
                checkpoint.signature
            ];
            tx.execute(&SIGN, row).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }

    /// Checkpoints of rows after `after`, in their order, at most `limit`.
    pub async fn checkpoints(&self, after: i64, limit: u32) -> Result<Vec<Checkpoint>, Error> {
        self.0.db().all(&CHECKPOINTS, binds![after, limit], read_checkpoint).await
    }

    /// The last checkpoint.
    pub async fn last_checkpoint(&self) -> Result<Option<Checkpoint>, Error> {
        self.0.db().first(&LAST_CHECKPOINT, binds![], read_checkpoint).await
    }

    /// The number of the first chained row that is not older than `since`, and that of the last
    /// one that is not younger than `until`.
    pub async fn between(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Option<(i64, i64)>, Error> {
        let first = self.0.db().number(&FIRST_NUMBER, binds![since]).await?;
        let last = self.0.db().number(&LAST_NUMBER, binds![until]).await?;
        Ok((first > 0 && last >= first).then_some((first, last)))
    }

    /// Adds a key, and announces it: `named` is how the row of the log writes its public half.
    /// It signs once that row is sealed, by the key before it ([`Audit::signing_key`]).
    pub async fn add_key(&self, key: AuditKey, named: &str, by: &By) -> Result<(), Error> {
        let (named, by) = (named.to_owned(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            // Holds the head: one at a time.
            tx.execute(&HOLD_HEAD, binds![]).await?;
            let AuditKey { id, public, sealed_private, created_at } = &key;
            tx.execute(&KEEP_KEY, binds![id, public, sealed_private, created_at]).await?;
            audit::write(tx, &by, KEY_ADDED, id, Some(&named)).await
        };
        self.0.db().change(change).await
    }

    /// The id of the key that signs now: the last one whose announcement is sealed.
    pub async fn signing_key(&self) -> Result<Option<AuditKeyId>, Error> {
        self.0.db().first(&SIGNING_KEY, binds![], |row| row.next()).await
    }

    /// All keys that signed or sign checkpoints, oldest first.
    pub async fn keys(&self) -> Result<Vec<AuditKey>, Error> {
        self.0.db().all(&KEYS, binds![], read_key).await
    }

    /// Keeps `candidate` unless there is a key, and answers all of them. Any number of processes
    /// may do so at once; one key comes of it. Writes no audit row.
    pub async fn ensure_key(&self, candidate: AuditKey) -> Result<Vec<AuditKey>, Error> {
        let change = async move |tx: &mut Tx<'_>| {
            // Holds the head: one at a time.
            tx.execute(&HOLD_HEAD, binds![]).await?;
            let keys = tx.all(&KEYS, binds![], read_key).await?;
            if !keys.is_empty() {
                return Ok(keys);
            }
            let AuditKey { id, public, sealed_private, created_at } = &candidate;
            tx.execute(&KEEP_KEY, binds![id, public, sealed_private, created_at]).await?;
            Ok(vec![candidate.clone()])
        };
        self.0.db().change(change).await
    }
}

macro_rules! checkpoint {
    ($rest:literal) => {
        concat!("SELECT number, at, hash, key_id, signature FROM audit_checkpoints ", $rest)
    };
}

statements! {
    HEAD = "SELECT number, hash FROM audit_head WHERE id = 1";
    HOLD_HEAD = "UPDATE audit_head SET number = number WHERE id = 1";
    MOVE_HEAD = "UPDATE audit_head SET number = $2, hash = $3 WHERE id = 1 AND number = $1";
    CHAIN = "UPDATE audit SET number = $2, hash = $3 WHERE seq = $1 AND number IS NULL";
    SIGN = "INSERT INTO audit_checkpoints (number, at, hash, key_id, signature)
        VALUES ($1, $2, $3, $4, $5)";
    UNSEALED = concat!(
        "SELECT ", audit::columns!(), " FROM audit
        WHERE number IS NULL AND seq > $1 ORDER BY seq LIMIT $2"
    );
    UNSEALED_COUNT = "SELECT COUNT(*) FROM audit WHERE number IS NULL";
    SEALED = concat!(
        "SELECT ", audit::columns!(), " FROM audit
        WHERE number IS NOT NULL AND number > $1 ORDER BY number LIMIT $2"
    );
    CHECKPOINTS = checkpoint!("WHERE number > $1 ORDER BY number LIMIT $2");
    LAST_CHECKPOINT = checkpoint!("ORDER BY number DESC LIMIT 1");
    FIRST_NUMBER = "SELECT COALESCE(MIN(number), 0) FROM audit WHERE at >= $1";
    LAST_NUMBER = "SELECT COALESCE(MAX(number), 0) FROM audit WHERE at <= $1";
    KEYS = "SELECT id, public, sealed_private, created_at FROM audit_keys ORDER BY created_at, id";
    SIGNING_KEY = "SELECT k.id FROM audit_keys k
        WHERE NOT EXISTS (SELECT 1 FROM audit a WHERE a.number IS NULL AND a.subject = k.id)
        ORDER BY k.created_at DESC, k.id DESC LIMIT 1";
    KEEP_KEY = "INSERT INTO audit_keys (id, public, sealed_private, created_at)
        VALUES ($1, $2, $3, $4)";
}

fn read_head(row: &mut Row<'_>) -> Result<Head, Error> {
    Ok(Head { number: row.next()?, hash: row.next()? })
}

fn read_checkpoint(row: &mut Row<'_>) -> Result<Checkpoint, Error> {
    Ok(Checkpoint {
        number: row.next()?,
        at: row.next()?,
        hash: row.next()?,
        key: row.next()?,
        signature: row.next()?,
    })
}

fn read_key(row: &mut Row<'_>) -> Result<AuditKey, Error> {
    Ok(AuditKey {
        id: row.next()?,
        public: row.next()?,
        sealed_private: row.next()?,
        created_at: row.next()?,
    })
}
