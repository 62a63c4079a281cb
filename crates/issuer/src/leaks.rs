//! The leak desk: whoever holds a secret may have it revoked, and needs no other right.
//!
//! Somebody who found a token in a log, a scanner that found it in a repository: possession
//! is enough, because whoever has it could do worse. The answer never tells a good token from
//! a bad one, or the desk would be a place to try guesses at.

use hallpass_core::text::presentable;
use hallpass_core::{Digest, Kind, Secret, TokenText};
use hallpass_store::NewMail;

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
            let letters = self.letters_of_leak(&digest).await?;
            let by = self.by(ACTOR, None, Some(origin));
            let credentials = self.0.store.credentials();
            if credentials.revoke_leaked(&digest, source, &letters, &by).await?.is_some() {
                self.call_for_mail();
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What is sent to those whose credential this is, if it leaked: the person, or the owners
    /// of the project that it is bound to.
    async fn letters_of_leak(&self, digest: &Digest) -> Result<Vec<NewMail>, Error> {
        if !self.sends_mail() {
            return Ok(Vec::new());
        }
        let Some(facts) = self.0.store.credentials().facts(digest).await? else {
            return Ok(Vec::new());
        };
        let (kept, title) = (&facts.credential, &self.0.config.brand.title);
        if !kept.is_live(self.now()) {
            return Ok(Vec::new());
        }
        let told = self.told_about(kept, facts.user.as_ref()).await?;
        let name = presentable(&kept.name, 80);
        let subject = format!("\"{name}\" leaked and was revoked");
        let text = format!(
            "Somebody brought \"{name}\" ({}…{}) to {title}: it was found where it should not be.\n\
             It was revoked at once, and nobody can use it any more.\n\n\
             If a program still needs one, make another:\n{}\n\n\
             Then look where the old one was written down, and what was done with it:\n\
             its page shows when it was last used, and from which address.\n",
            kept.prefix,
            kept.last_four,
            self.0.config.public_url.join("/settings/tokens"),
        );
        let letters = told.iter().map(|to| self.letter(to, &subject, &text));
        letters.filter_map(Result::transpose).collect()
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
