//! Authorization codes (RFC 6749 §4.1.2): single use, bound to client, redirect URI
//! and code challenge.

use hallpass_core::id::GrantId;
use hallpass_core::pkce::Challenge;
use hallpass_core::{Digest, Timestamp};

use crate::store::Store;
use crate::{By, Error, NewGrant, NewRefresh, Spend};

/// An authorization code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The digest of its text.
    pub digest: Digest,
    /// The grant that it redeems.
    pub grant_id: GrantId,
    /// The client that it was issued to.
    pub client_id: String,
    /// The redirect URI that it was sent to.
    pub redirect_uri: String,
    /// The challenge that the verifier must answer (RFC 7636 §4.6).
    pub challenge: Option<Challenge>,
    /// The `nonce` for the ID token (OIDC Core §3.1.2.1).
    pub nonce: Option<String>,
    /// When it was issued.
    pub created_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// When it was spent.
    pub spent_at: Option<Timestamp>,
}

/// A code to issue, and the grant that it redeems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCode {
    /// The digest of its text.
    pub digest: Digest,
    /// The grant; the code is bound to its client.
    pub grant: NewGrant,
    /// The redirect URI that it is sent to.
    pub redirect_uri: String,
    /// The challenge that the verifier must answer.
    pub challenge: Option<Challenge>,
    /// The `nonce` for the ID token.
    pub nonce: Option<String>,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// What became of a code that was to be issued.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issue {
    /// The grant and the code exist.
    Issued,
    /// User, client or session ended meanwhile; nothing was kept.
    Gone,
}

/// See [`Store::codes`].
#[derive(Clone, Copy)]
pub struct Codes<'s>(pub(crate) &'s Store);

impl Codes<'_> {
    /// Creates the grant and its code.
    pub async fn issue(&self, new: NewCode, by: &By) -> Result<Issue, Error> {
        let _ = (new, by);
        todo!()
    }

    /// Looks without spending; spent and expired codes are shown too.
    pub async fn peek(&self, digest: &Digest) -> Result<Option<Code>, Error> {
        let _ = digest;
        todo!()
    }

    /// Spends a code, and keeps the first refresh token of its grant.
    pub async fn spend(
        &self,
        digest: &Digest,
        first: Option<NewRefresh>,
        by: &By,
    ) -> Result<Spend, Error> {
        let _ = (digest, first, by);
        todo!()
    }

    /// After a wrong verifier: spends the code and ends its grant, so that nobody
    /// guesses on. `false` if the code is unknown, or was spent and ended already.
    pub async fn burn(&self, digest: &Digest, by: &By) -> Result<bool, Error> {
        let _ = (digest, by);
        todo!()
    }
}
