//! Refresh tokens (RFC 6749 §1.5), rotated at every use (RFC 9700 §4.14.2).

use std::time::Duration;

use hallpass_core::id::GrantId;
use hallpass_core::{Digest, Timestamp};

use crate::store::Store;
use crate::{By, Error};

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
        let _ = digest;
        todo!()
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
        let _ = (presented, child, sealed, grace, by);
        todo!()
    }
}
