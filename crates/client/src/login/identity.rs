//! Who signed in: the ID token's subject, and userinfo for the name.
//!
//! The ID token came straight from the token endpoint, so TLS vouches for it and its
//! signature need not be checked (OIDC Core §3.1.3.7, point 6). Its times are not
//! looked at: this machine's clock may be wrong, and the token was made just now
//! (CLIENT J3).

use hallpass_core::Secret;
use hallpass_core::text::presentable;
use serde::Deserialize;

use crate::Error;
use crate::discovery::Discovered;
use crate::dpop::{Signer, proven};
use crate::http::{Http, HttpError};
use crate::id_token::IdToken;
use crate::oauth::Granted;
use crate::status::Account;

/// OIDC Core §2: `sub` has at most 255 ASCII characters.
const MAX_SUBJECT: usize = 255;

/// OIDC Core §5.3.2.
#[derive(Deserialize)]
pub(crate) struct Userinfo {
    pub(crate) sub: String,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
}

/// Finds out who the tokens are about.
pub(crate) fn identify(
    http: &Http,
    found: &Discovered,
    granted: &Granted,
    signer: Option<Signer<'_>>,
) -> Result<Account, Error> {
    let tokens = &granted.tokens;
    let signer = signer.filter(|_| granted.bound);
    let id_token = tokens.id_token.as_ref().map(|token| read(token, found)).transpose()?;
    let userinfo = match &found.metadata.userinfo_endpoint {
        Some(endpoint) => match ask(http, endpoint, &tokens.access_token, signer) {
            // The name can wait; the account is known already.
            Err(_) if id_token.is_some() => None,
            answer => Some(answer?),
        },
        None => None,
    };
    let bad = |why: &str| HttpError::Malformed { host: found.issuer.clone(), why: why.to_owned() };
    let id = match (&id_token, &userinfo) {
        // OIDC Core §5.3.2: otherwise the userinfo is about somebody else.
        (Some(token), Some(info)) if token.sub != info.sub => {
            return Err(bad("ID token and userinfo are about different people").into());
        }
        (Some(token), _) => token.sub.clone(),
        (None, Some(info)) => info.sub.clone(),
        (None, None) => return Err(bad("it does not say who signed in").into()),
    };
    if id.is_empty() || id.len() > MAX_SUBJECT || !id.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return Err(bad("the account has an unusable id").into());
    }
    let (token, info) = (id_token.as_ref(), userinfo.as_ref());
    let shown = |text: &String| Some(presentable(text, 200)).filter(|text| !text.is_empty());
    Ok(Account {
        id,
        email: info
            .and_then(|info| info.email.as_ref())
            .or(token.and_then(|token| token.email.as_ref()))
            .and_then(shown),
        name: info
            .and_then(|info| info.name.as_ref())
            .or(token.and_then(|token| token.name.as_ref()))
            .and_then(shown),
    })
}

/// OIDC Core §3.1.3.7, points 2 and 3: it must be from the issuer and for us.
fn read(token: &Secret, found: &Discovered) -> Result<IdToken, HttpError> {
    let bad = |why: &str| HttpError::Malformed { host: found.issuer.clone(), why: why.to_owned() };
    let claims = IdToken::read(token).ok_or_else(|| bad("the ID token is not one"))?;
    if claims.iss != found.issuer {
        return Err(bad("the ID token is from another issuer"));
    }
    if !claims.is_for(&found.client_id) {
        return Err(bad("the ID token is for another client"));
    }
    Ok(claims)
}

fn ask(
    http: &Http,
    endpoint: &str,
    token: &Secret,
    signer: Option<Signer<'_>>,
) -> Result<Userinfo, HttpError> {
    let token = Some(token.expose());
    let send = |proof: Option<&str>| http.get_proven(endpoint, token, proof);
    let reply = proven(http, signer, "GET", endpoint, token, send)?;
    match reply.status {
        200 => reply.json(),
        _ => Err(reply.unexpected()),
    }
}
