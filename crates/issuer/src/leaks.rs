//! The leak desk: whoever holds a secret may have it revoked, and needs no other right.
//!
//! Somebody who found a token in a log, a scanner that found it in a repository: possession
//! is enough, because whoever has it could do worse. The answer never tells a good token from
//! a bad one, or the desk would be a place to try guesses at.

use hallpass_core::{Kind, Secret, TokenText};

use crate::legacy::adopt::Presenter;
use crate::{Error, Issuer, Origin};

/// Why a grant ended.
const REASON: &str = "its refresh token leaked";
/// Who stands in the audit log: whoever brings a token need not say who they are.
const ACTOR: &str = "leak-desk";
/// No token of anybody is longer.
const MAX_LEN: usize = 8 * 1024;

impl Issuer {
    /// Revokes every one of `tokens` that is a live credential: personal tokens, keys and an
    /// older system's tokens themselves, of a refresh token its whole grant, of an access
    /// token that one. Answers, for each, whether it was one; that is for a scanner whom we
    /// know, and not for just anybody. `source` says in the audit log who told.
    ///
    /// When it returns, what was revoked is refused everywhere.
    pub async fn revoke_leaked(
        &self,
        tokens: &[Secret],
        source: &str,
        origin: &Origin,
    ) -> Result<Vec<bool>, Error> {
        let mut were = Vec::with_capacity(tokens.len());
        for token in tokens {
            were.push(self.revoke_one_leaked(token.expose().trim(), source, origin).await?);
        }
        Ok(were)
    }

    async fn revoke_one_leaked(
        &self,
        token: &str,
        source: &str,
        origin: &Origin,
    ) -> Result<bool, Error> {
        if token.is_empty() || token.len() > MAX_LEN {
            return Ok(false);
        }
        if let Ok(text) = TokenText::parse(Kind::Refresh, token) {
            return self.end_leaked_grant(&text, origin).await;
        }
        if token.split('.').count() == 3 {
            return self.revoke_leaked_jwt(token, origin).await;
        }
        let Some(keys) = self.kept_under(token) else { return Ok(false) };
        let presenter = origin.address.map_or(Presenter::Somebody, Presenter::Address);
        self.adopt(token, &keys, presenter).await?;
        let (first, second) = keys;
        for digest in std::iter::once(first).chain(second) {
            let by = self.by(ACTOR, None, Some(origin));
            if self.0.store.credentials().revoke_leaked(&digest, source, &by).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn end_leaked_grant(&self, text: &TokenText, origin: &Origin) -> Result<bool, Error> {
        let Some(kept) = self.0.store.refresh().by_digest(&text.digest()).await? else {
            return Ok(false);
        };
        let by = self.by(ACTOR, None, Some(origin));
        Ok(self.0.store.grants().end(kept.grant_id, REASON, &by).await?)
    }

    async fn revoke_leaked_jwt(&self, token: &str, origin: &Origin) -> Result<bool, Error> {
        let Ok(claims) = self.read_access_token(token) else { return Ok(false) };
        if claims.exp <= self.now() {
            return Ok(false);
        }
        let by = self.by(ACTOR, None, Some(origin));
        self.0.store.tombstones().revoke_jwt(&claims.jti.to_string(), claims.exp, &by).await?;
        Ok(true)
    }
}
