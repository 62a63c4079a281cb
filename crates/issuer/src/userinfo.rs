//! The userinfo endpoint (OIDC Core §5.3).

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
    /// Who the bearer of `token` acts for.
    pub async fn userinfo(&self, _token: &str) -> Result<UserInfo, BearerError> {
        todo!()
    }
}
