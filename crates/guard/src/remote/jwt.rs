//! What an access token says of itself, checked without asking anybody (RFC 9068 §4).
//!
//! Signature, type, issuer, audience and time. That it was not revoked since is not in it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::id::{GrantId, UserId};
use hallpass_core::{Scope, Timestamp};
use hallpass_verdict::{CredentialKind, Decision, Who};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

/// How far clocks may differ before a token looks as if it came from the future. Nothing
/// lives longer by it.
const SKEW: Duration = Duration::from_secs(5);

/// The header, exactly (RFC 7515 §4.1.11: what we do not understand, we do not accept).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: UserId,
    aud: Audience,
    client_id: String,
    exp: i64,
    iat: i64,
    #[serde(default)]
    nbf: Option<i64>,
    jti: String,
    scope: Scope,
    #[serde(default)]
    auth_time: Option<i64>,
    grant: GrantId,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Why it is no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bad;

/// The id of the key that a token says it is signed with, if it says that it is an ES256
/// access token.
pub(super) fn key_id(token: &str) -> Option<String> {
    let header = token.split('.').next()?;
    let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    let typ = header.typ.to_ascii_lowercase();
    let access = typ.strip_prefix("application/").unwrap_or(&typ) == "at+jwt";
    // The key's own algorithm; the header may only agree (RFC 8725 §3.1).
    (access && header.alg == "ES256").then_some(header.kid)
}

/// What `token` says, if it is signed with `key`, from `issuer`, for `resource`, and in its
/// time at `now`.
pub(super) fn read(
    token: &str,
    key: &DecodingKey,
    issuer: &str,
    resource: &str,
    now: Timestamp,
) -> Result<Decision, Bad> {
    let (signed, signature) = token.rsplit_once('.').ok_or(Bad)?;
    let (_, claims) = signed.split_once('.').ok_or(Bad)?;
    match jsonwebtoken::crypto::verify(signature, signed.as_bytes(), key, Algorithm::ES256) {
        Ok(true) => {}
        Ok(false) | Err(_) => return Err(Bad),
    }
    let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| Bad)?;
    let claims: Claims = serde_json::from_slice(&claims).map_err(|_| Bad)?;
    let audience = match claims.aud {
        Audience::One(one) => vec![one],
        Audience::Many(many) => many,
    };
    let (expires, issued) = (Timestamp::from_secs(claims.exp), Timestamp::from_secs(claims.iat));
    let begins = claims.nbf.map_or(issued, Timestamp::from_secs).max(issued);
    let good = claims.iss == issuer
        && audience.iter().any(|audience| audience == resource)
        && now < expires
        && begins <= now + SKEW;
    if !good {
        return Err(Bad);
    }
    let who = Who::User { id: claims.sub, email: String::new(), name: String::new(), admin: false };
    Ok(Decision {
        kind: CredentialKind::AccessToken,
        who: Arc::new(who),
        client_id: Some(claims.client_id.into()),
        scope: claims.scope,
        grant: Some(claims.grant),
        audience,
        id: claims.jti,
        auth_time: claims.auth_time.map(Timestamp::from_secs),
        issued_at: issued,
        expires_at: Some(expires),
        place: None,
    })
}
