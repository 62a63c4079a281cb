//! The userinfo endpoint (OIDC Core §5.3).

use hallpass_core::scope::{EMAIL, OPENID, PROFILE};
use hallpass_verdict::Decision;
use serde::Serialize;

use crate::{BearerError, Issuer};

/// Claims about the person (OIDC Core §5.1), as far as the token's scope goes (§5.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UserInfo {
    /// The same as in the ID token (§5.3.2).
    pub sub: String,
    /// With scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// With scope `email`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// With scope `email`. False: it was entered by an operator, and nobody proved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
}

impl Issuer {
    /// Who the bearer of `token` acts for. The endpoint is part of our own API, so the
    /// token must be made out for that (RFC 9700 §2.3).
    pub async fn userinfo(&self, token: &str) -> Result<UserInfo, BearerError> {
        let decision = self.verify(token, self.0.config.public_url.default_resource()).await?;
        // RFC 9449 §7.2: without its key it is no bearer token.
        match decision.jkt {
            None => self.userinfo_of(&decision),
            Some(_) => Err(BearerError::Missing),
        }
    }

    /// The same, of a token that was found good for our own API, its key proved.
    pub fn userinfo_of(&self, decision: &Decision) -> Result<UserInfo, BearerError> {
        // §5.3: for access tokens that were obtained through OpenID Connect authentication.
        if !decision.scope.contains(OPENID) || decision.user().is_none() {
            return Err(BearerError::InsufficientScope { needed: OPENID });
        }
        let (profile, email) = (decision.scope.contains(PROFILE), decision.scope.contains(EMAIL));
        Ok(UserInfo {
            sub: decision.who.id(),
            name: profile.then(|| decision.who.name().to_owned()),
            email: decision.who.email().filter(|_| email).map(str::to_owned),
            email_verified: email.then_some(false),
        })
    }
}
