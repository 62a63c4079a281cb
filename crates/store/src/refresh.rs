//! Refresh tokens (RFC 6749 §1.5), rotated at every use (RFC 9700 §4.14.2).

use std::time::Duration;

use hallpass_core::dpop::Thumbprint;
use hallpass_core::id::GrantId;
use hallpass_core::{Digest, Timestamp};

use crate::db::{Row, Tx, binds, statements};
use crate::store::Store;
use crate::{By, Error, audit, grants};

/// A refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// The digest of its text.
    pub digest: Digest,
    /// The grant whose family it belongs to.
    pub grant_id: GrantId,
    /// How many came before it in its family.
    pub generation: i64,
    /// When it was issued.
    pub created_at: Timestamp,
    /// Until when it is good if it is not used.
    pub expires_at: Timestamp,
    /// When it was spent.
    pub spent_at: Option<Timestamp>,
}

/// A refresh token to keep. Grant and generation follow from what it replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefresh {
    /// The digest of its text.
    pub digest: Digest,
    /// Until when it is good if it is not used.
    pub expires_at: Timestamp,
    /// The key that its grant is bound to from now on, if it was not before (RFC 9449 §5).
    pub jkt: Option<Thumbprint>,
}

/// What became of a refresh token that was presented.
#[derive(Clone, PartialEq, Eq)]
pub enum Rotation {
    /// It is spent, and the child stands. This answer is given once.
    Won,
    /// It was spent within the grace, and its successor is unspent: the same successor
    /// again, sealed as it was given to [`Refreshes::rotate`] by the winner.
    Again {
        /// The successor, sealed under a key derived from the presented token.
        sealed: Vec<u8>,
    },
    /// A replay: its grant is ended, in the same transaction.
    Reused(GrantId),
    /// Unknown, expired, or its grant, user or client is not good any more.
    Gone,
}

impl std::fmt::Debug for Rotation {
    /// Without the sealed successor.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Won => f.write_str("Won"),
            Self::Again { .. } => f.write_str("Again"),
            Self::Reused(grant) => f.debug_tuple("Reused").field(grant).finish(),
            Self::Gone => f.write_str("Gone"),
        }
    }
}

/// See [`Store::refresh`].
#[derive(Clone, Copy)]
pub struct Refreshes<'s>(pub(crate) &'s Store);

impl Refreshes<'_> {
    /// By digest, in whatever state it is.
    pub async fn by_digest(&self, digest: &Digest) -> Result<Option<Refresh>, Error> {
        self.0.db().first(&BY_DIGEST, binds![digest], read).await
    }

    /// Spends `presented` and keeps `child` in its place, together with the sealed text
    /// of the child for those who ask again within `grace`.
    pub async fn rotate(
        &self,
        presented: &Digest,
        child: NewRefresh,
        sealed: Vec<u8>,
        grace: Duration,
        by: &By,
    ) -> Result<Rotation, Error> {
        let (presented, by) = (*presented, by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            let spend = binds![presented, by.at, child.digest, sealed];
            if let Some((grant, generation)) = tx.first(&SPEND, spend, read_family).await? {
                keep(tx, grant, generation + 1, &child, &by).await?;
                audit::write(tx, &by, "refresh.rotate", grant, None).await?;
                return Ok(Rotation::Won);
            }
            let since = by.at - grace;
            match tx.first(&LOOK, binds![presented, by.at, since], read_spent).await? {
                Some(Spent { again: Some(sealed), .. }) => Ok(Rotation::Again { sealed }),
                Some(Spent { grant, again: None }) => {
                    grants::end_for_reuse(tx, grant, "refresh token used twice", &by).await?;
                    Ok(Rotation::Reused(grant))
                }
                None => Ok(Rotation::Gone),
            }
        };
        self.0.db().change(change).await
    }

    /// Deletes the sealed successors of tokens that were spent before `spent_before`, and
    /// says how many those were. Once the grace is over they serve nobody but a thief: who
    /// has the old token and the database could open them. Writes no audit row.
    pub async fn forget_successors(&self, spent_before: Timestamp) -> Result<u64, Error> {
        let mut forgotten = 0;
        loop {
            let change = async move |tx: &mut Tx<'_>| {
                tx.execute(&FORGET, binds![spent_before, PORTION]).await
            };
            let portion = self.0.db().change(change).await?;
            forgotten += portion;
            if portion < PORTION.unsigned_abs() {
                return Ok(forgotten);
            }
        }
    }
}

statements! {
    FORGET = "UPDATE refresh SET sealed = NULL WHERE digest IN
        (SELECT digest FROM refresh WHERE sealed IS NOT NULL AND spent_at < $1 LIMIT $2)";
    BY_DIGEST = "SELECT digest, grant_id, generation, created_at, expires_at, spent_at
        FROM refresh WHERE digest = $1";
    INSERT = "INSERT INTO refresh (digest, grant_id, generation, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5)";
    /// One conditional statement: of all who try at once, one gets a row.
    SPEND = concat!(
        "UPDATE refresh SET spent_at = $2, successor = $3, sealed = $4
        WHERE digest = $1 AND spent_at IS NULL AND expires_at > $2 AND ",
        grants::good_grant!("refresh.grant_id", "$2"),
        " RETURNING grant_id, generation"
    );
    /// A spent one; and its sealed successor if it is to be given again: spent after $3,
    /// the successor unspent and unexpired, the grant good.
    LOOK = concat!(
        "SELECT r.grant_id, CASE WHEN r.spent_at > $3 AND s.spent_at IS NULL
            AND s.expires_at > $2 AND ",
        grants::good_grant!("r.grant_id", "$2"),
        " THEN r.sealed END
        FROM refresh r LEFT JOIN refresh s ON s.digest = r.successor
        WHERE r.digest = $1 AND r.spent_at IS NOT NULL"
    );
}

/// Rows in one portion: other changes wait for no more than these.
const PORTION: i64 = 500;

/// Keeps the first refresh token of a grant, if there is to be one.
pub(crate) async fn keep_first(
    tx: &mut Tx<'_>,
    grant: GrantId,
    first: Option<&NewRefresh>,
    by: &By,
) -> Result<(), Error> {
    match first {
        Some(first) => keep(tx, grant, 0, first, by).await,
        None => Ok(()),
    }
}

async fn keep(
    tx: &mut Tx<'_>,
    grant: GrantId,
    generation: i64,
    new: &NewRefresh,
    by: &By,
) -> Result<(), Error> {
    grants::bind_to_key(tx, grant, new.jkt).await?;
    let row = binds![new.digest, grant, generation, by.at, new.expires_at];
    tx.execute(&INSERT, row).await.map(drop)
}

fn read(row: &mut Row<'_>) -> Result<Refresh, Error> {
    Ok(Refresh {
        digest: row.next()?,
        grant_id: row.next()?,
        generation: row.next()?,
        created_at: row.next()?,
        expires_at: row.next()?,
        spent_at: row.next()?,
    })
}

fn read_family(row: &mut Row<'_>) -> Result<(GrantId, i64), Error> {
    Ok((row.next()?, row.next()?))
}

/// A refresh token that had been spent before it was presented.
struct Spent {
    grant: GrantId,
    /// The sealed successor, if it is to be given once more.
    again: Option<Vec<u8>>,
}

fn read_spent(row: &mut Row<'_>) -> Result<Spent, Error> {
    Ok(Spent { grant: row.next()?, again: row.next()? })
}
