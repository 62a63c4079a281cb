//! Token revocation (RFC 7009).
//!
//! A refresh or access token is revoked by the client that it was issued to (§2.1). Personal
//! tokens, keys and an older system's tokens were issued to no client: whoever holds one may
//! end it, through any client. That gives nobody more than they have, since with the token
//! itself they could do worse, and it is what `logout` does with a token that it was given.

use hallpass_core::wire::oauth::ErrorCode;
use hallpass_core::wire::params::Params;
use hallpass_core::{Digest, Kind, TokenText};
use hallpass_store::Client;
use hallpass_verdict::live::Principal;

use crate::legacy::adopt::Presenter;
use crate::{ClientCredentials, Issuer, OAuthError, Origin};

impl Issuer {
    /// Answers a revocation request. `Ok` also for a token that nobody knows (§2.2). When
    /// it returns, the token is refused everywhere that asks.
    pub async fn revoke(
        &self,
        params: &Params,
        credentials: ClientCredentials,
        origin: &Origin,
    ) -> Result<(), OAuthError> {
        let client = self.authenticate(params, credentials, origin).await?;
        let token = params
            .get("token")
            .ok_or_else(|| OAuthError::new(ErrorCode::InvalidRequest, "token is missing"))?;
        // §2.1: the hint only says where to look first; both kinds tell themselves apart,
        // so it is not needed, and a wrong one does no harm.
        if let Ok(text) = TokenText::parse(Kind::Refresh, token) {
            return self.revoke_refresh(&client, &text, origin).await;
        }
        if let Some(keys) = self.kept_under(token) {
            // Of what only a salted hash is known, the digest is known from now on.
            let presenter = origin.address.map_or(Presenter::Somebody, Presenter::Address);
            self.adopt(token, &keys, presenter).await?;
            let (first, second) = keys;
            self.revoke_kept(&client, &first, origin).await?;
            if let Some(second) = second {
                self.revoke_kept(&client, &second, origin).await?;
            }
            return Ok(());
        }
        self.revoke_access(&client, token, origin).await
    }

    /// A token that is kept under its digest ends, with its grant.
    async fn revoke_kept(
        &self,
        client: &Client,
        digest: &Digest,
        origin: &Origin,
    ) -> Result<(), OAuthError> {
        let Some(found) = self.0.store.credentials().facts(digest).await? else { return Ok(()) };
        let by = self.by(&found.credential.principal, Some(&client.id), Some(origin));
        let (id, reason) = (found.credential.id, "revoked by its holder");
        self.0.store.credentials().revoke(None, id, reason, &by).await?;
        Ok(())
    }

    /// §2.1: with a refresh token its grant ends, and all access tokens with it. Also when
    /// the token was rotated already: a client that gives up an old one gives up the grant.
    async fn revoke_refresh(
        &self,
        client: &Client,
        text: &TokenText,
        origin: &Origin,
    ) -> Result<(), OAuthError> {
        let Some(kept) = self.0.store.refresh().by_digest(&text.digest()).await? else {
            return Ok(());
        };
        let Some(grant) = self.0.store.grants().by_id(kept.grant_id).await? else {
            return Ok(());
        };
        issued_to(client, &grant.client_id)?;
        let by = self.by(&client.id, Some(&client.id), Some(origin));
        self.0.store.grants().end(grant.id, "revoked by the client", &by).await?;
        Ok(())
    }

    /// An access token is revoked by itself; its grant goes on, unless it is a job's.
    async fn revoke_access(
        &self,
        client: &Client,
        token: &str,
        origin: &Origin,
    ) -> Result<(), OAuthError> {
        // §2.2: invalid tokens do not cause an error.
        let Ok(claims) = self.read_access_token(token) else { return Ok(()) };
        issued_to(client, &claims.client_id)?;
        // Nothing else hangs on a job's grant, so it ends with its pass.
        if let Principal::Job(id) = claims.sub {
            let by = self.by(&id.to_string(), Some(&client.id), Some(origin));
            self.0.store.trust().end_job(id, &by).await?;
            return Ok(());
        }
        if claims.exp > self.now() {
            let by = self.by(&client.id, Some(&client.id), Some(origin));
            let jti = claims.jti.to_string();
            self.0.store.tombstones().revoke_jwt(&jti, claims.exp, &by).await?;
        }
        Ok(())
    }
}

/// §2.1: the server verifies whether the token was issued to the client that makes the
/// request; if not, the request is refused and the client is informed (RFC 6749 §5.2).
fn issued_to(client: &Client, owner: &str) -> Result<(), OAuthError> {
    if client.id == owner {
        return Ok(());
    }
    Err(OAuthError::new(ErrorCode::InvalidGrant, "the token was issued to another client"))
}
