//! The token endpoint's two doors for tokens of outside issuers: token exchange with a JWT as its
//! subject (RFC 8693), and a JWT as the grant itself (RFC 7523 §2.1).
//!
//! A job needs no client: its token says who it is (RFC 7521 §4.1, RFC 8693 §2.1). Whatever is
//! wrong is an error, and no other grant is tried (CVE-2026-9704).

use hallpass_core::Scope;
use hallpass_core::Secret;
use hallpass_core::wire::oauth::{
    ErrorCode, JWT_BEARER, TOKEN_EXCHANGE, TYPE_ACCESS_TOKEN, TYPE_ID_TOKEN, TYPE_JWT,
    TokenResponse,
};
use hallpass_core::wire::params::Params;
use hallpass_core::wire::trust::Exchange;

use super::Refusal;
use crate::{Issuer, OAuthError, Origin};

/// What came through which door.
pub(crate) struct Asked {
    exchange: Exchange,
    grant_type: &'static str,
}

fn bad(code: ErrorCode, why: &'static str) -> OAuthError {
    OAuthError::new(code, why)
}

/// Reads a request that brings the token of an outside issuer. `None`: it brings something else.
pub(crate) fn asked(params: &Params) -> Result<Option<Asked>, OAuthError> {
    let (grant_type, name) = match params.get("grant_type") {
        Some(JWT_BEARER) => (JWT_BEARER, "assertion"),
        Some(TOKEN_EXCHANGE) => match params.get("subject_token_type") {
            Some(TYPE_JWT | TYPE_ID_TOKEN) => (TOKEN_EXCHANGE, "subject_token"),
            // One of ours, which only a client may bring.
            Some(TYPE_ACCESS_TOKEN) => return Ok(None),
            // RFC 8693 §2.1, §2.2.2: who would need no client is not asked for one first.
            Some(_) => {
                let why = "subject_token_type is none that is taken here";
                return Err(bad(ErrorCode::InvalidRequest, why));
            }
            None => {
                let why = "subject_token_type is missing";
                return Err(bad(ErrorCode::InvalidRequest, why));
            }
        },
        _ => return Ok(None),
    };
    let missing =
        if name == "assertion" { "assertion is missing" } else { "subject_token is missing" };
    let token = params.get(name).ok_or_else(|| bad(ErrorCode::InvalidRequest, missing))?;
    // RFC 8693 §2.1: nobody acts for a job.
    if params.get("actor_token").is_some() || params.get("actor_token_type").is_some() {
        return Err(bad(ErrorCode::InvalidRequest, "actor_token is not for the token of a job"));
    }
    let issued = params.get("requested_token_type").unwrap_or(TYPE_ACCESS_TOKEN);
    if issued != TYPE_ACCESS_TOKEN {
        return Err(bad(ErrorCode::InvalidRequest, "only an access token can be requested"));
    }
    // RFC 8693 §2.1: `audience` names resources as `resource` does; they have no other names here.
    let resources = ["resource", "audience"].into_iter().flat_map(|name| params.all(name));
    let permissions = match params.get("scope") {
        None => None,
        Some(text) => {
            let malformed = |_| bad(ErrorCode::InvalidScope, "scope is malformed");
            Some(text.parse::<Scope>().map_err(malformed)?)
        }
    };
    let exchange = Exchange {
        token: Secret::new(token),
        project: params.get("project").map(str::to_owned),
        permissions,
        resources: resources.map(str::to_owned).collect(),
    };
    Ok(Some(Asked { exchange, grant_type }))
}

impl Issuer {
    pub(crate) async fn answer_job(
        &self,
        asked: Asked,
        origin: &Origin,
    ) -> Result<TokenResponse, OAuthError> {
        let Asked { exchange, grant_type } = asked;
        let pass = self.exchange_outside(&exchange, origin).await.map_err(|refusal| {
            let said = refusal.to_string();
            match refusal {
                // RFC 8693 §2.2.2, RFC 7523 §3.1.
                Refusal::Unreadable | Refusal::Denied if grant_type == JWT_BEARER => {
                    OAuthError::new(ErrorCode::InvalidGrant, said)
                }
                Refusal::Unreadable | Refusal::Denied => {
                    OAuthError::new(ErrorCode::InvalidRequest, said)
                }
                Refusal::Ambiguous => OAuthError::new(ErrorCode::InvalidTarget, said),
                Refusal::Target(_) => OAuthError::new(ErrorCode::InvalidTarget, said),
                Refusal::Scope => OAuthError::new(ErrorCode::InvalidScope, said),
                Refusal::Unavailable => OAuthError::new(ErrorCode::TemporarilyUnavailable, said),
                Refusal::Failed(error) => error.into(),
            }
        })?;
        Ok(TokenResponse {
            access_token: pass.access_token,
            token_type: pass.token_type,
            issued_token_type: (grant_type == TOKEN_EXCHANGE).then(|| TYPE_ACCESS_TOKEN.to_owned()),
            expires_in: Some(pass.expires_in),
            refresh_token: None,
            id_token: None,
            scope: Some(pass.scope),
        })
    }
}
