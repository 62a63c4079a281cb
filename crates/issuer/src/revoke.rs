//! Token revocation (RFC 7009).

use hallpass_core::wire::oauth::ErrorCode;
use hallpass_core::wire::params::Params;
use hallpass_core::{Kind, TokenText};
use hallpass_store::Client;

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
        self.revoke_access(&client, token, origin).await
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

    /// An access token is revoked by itself; its grant goes on.
    async fn revoke_access(
        &self,
        client: &Client,
        token: &str,
        origin: &Origin,
    ) -> Result<(), OAuthError> {
        // §2.2: invalid tokens do not cause an error.
        let Ok(claims) = self.read_access_token(token) else { return Ok(()) };
        issued_to(client, &claims.client_id)?;
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
