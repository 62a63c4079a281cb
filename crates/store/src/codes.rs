//! Authorization codes (RFC 6749 §4.1.2): single use, bound to client, redirect URI
//! and code challenge.

use hallpass_core::id::GrantId;
use hallpass_core::pkce::Challenge;
use hallpass_core::{Digest, Timestamp};

use crate::db::{Row, Tx, binds, statements};
use crate::store::Store;
use crate::{By, Error, NewGrant, NewRefresh, Spend, audit, grants, refresh};

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
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if !grants::may_begin(tx, &new.grant, &by).await? {
                return Ok(Issue::Gone);
            }
            grants::insert(tx, &new.grant, &by).await?;
            let row = binds![
                new.digest,
                new.grant.id,
                new.redirect_uri,
                new.challenge,
                new.nonce,
                by.at,
                new.expires_at,
            ];
            tx.execute(&INSERT, row).await?;
            audit::write(tx, &by, "code.issue", new.grant.id, None).await?;
            Ok(Issue::Issued)
        };
        self.0.db().change(change).await
    }

    /// Looks without spending; spent and expired codes are shown too.
    pub async fn peek(&self, digest: &Digest) -> Result<Option<Code>, Error> {
        self.0.db().first(&PEEK, binds![digest], read).await
    }

    /// Spends a code, and keeps the first refresh token of its grant.
    pub async fn spend(
        &self,
        digest: &Digest,
        first: Option<NewRefresh>,
        by: &By,
    ) -> Result<Spend, Error> {
        let (digest, by) = (*digest, by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            let won = tx.first(&SPEND, binds![digest, by.at], |row| row.next()).await?;
            if let Some(grant) = won {
                refresh::keep_first(tx, grant, first.as_ref(), &by).await?;
                audit::write(tx, &by, "code.spend", grant, None).await?;
                return Ok(Spend::Won);
            }
            let Some((grant, true)) = tx.first(&LOOK, binds![digest], read_spent).await? else {
                return Ok(Spend::Gone);
            };
            grants::end_for_reuse(tx, grant, "code used twice", &by).await?;
            Ok(Spend::Reused(grant))
        };
        self.0.db().change(change).await
    }

    /// After a wrong verifier: spends the code and ends its grant, so that nobody
    /// guesses on. `false` if the code is unknown, or was spent and ended already.
    pub async fn burn(&self, digest: &Digest, by: &By) -> Result<bool, Error> {
        let (digest, by) = (*digest, by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            let Some((grant, _)) = tx.first(&LOOK, binds![digest], read_spent).await? else {
                return Ok(false);
            };
            let spent = tx.execute(&BURN, binds![digest, by.at]).await? > 0;
            let ended = grants::end(tx, grant, "wrong code verifier", &by).await?;
            if spent || ended {
                audit::write(tx, &by, "code.burn", grant, None).await?;
            }
            Ok(spent || ended)
        };
        self.0.db().change(change).await
    }
}

statements! {
    INSERT = "INSERT INTO codes (digest, grant_id, redirect_uri, challenge, nonce, created_at,
            expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    PEEK = "SELECT k.digest, k.grant_id, g.client_id, k.redirect_uri, k.challenge, k.nonce,
            k.created_at, k.expires_at, k.spent_at
        FROM codes k JOIN grants g ON g.id = k.grant_id WHERE k.digest = $1";
    /// One conditional statement: of all who try at once, one gets a row.
    SPEND = concat!(
        "UPDATE codes SET spent_at = $2
        WHERE digest = $1 AND spent_at IS NULL AND expires_at > $2 AND ",
        grants::good_grant!("codes.grant_id", "$2"),
        " RETURNING grant_id"
    );
    LOOK = "SELECT grant_id, spent_at IS NOT NULL FROM codes WHERE digest = $1";
    BURN = "UPDATE codes SET spent_at = $2 WHERE digest = $1 AND spent_at IS NULL";
}

fn read(row: &mut Row<'_>) -> Result<Code, Error> {
    Ok(Code {
        digest: row.next()?,
        grant_id: row.next()?,
        client_id: row.next()?,
        redirect_uri: row.next()?,
        challenge: row.next()?,
        nonce: row.next()?,
        created_at: row.next()?,
        expires_at: row.next()?,
        spent_at: row.next()?,
    })
}

fn read_spent(row: &mut Row<'_>) -> Result<(GrantId, bool), Error> {
    Ok((row.next()?, row.next()?))
}
