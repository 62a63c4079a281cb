//! What calls carry: the access token, or in a tool whose API takes those, the ID token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::Secret;
use hallpass_core::brand::{Brand, Fact, Presents};
use hallpass_core::wire::oauth::TokenResponse;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::vault::ID_TOKEN;

/// Whether this tool's calls carry ID tokens; `elsewhere`: those of a provider that is not the
/// server itself.
pub(crate) fn is_id_token(brand: &Brand, elsewhere: bool) -> bool {
    match brand.login.presents {
        Presents::AccessToken => false,
        Presents::IdToken => true,
        Presents::IdTokenElsewhere => elsewhere,
    }
}

/// The token for calls, and how many seconds it is good for, if that was said. A provider that
/// sends no ID token on a refresh (OIDC Core §12.2 lets it) leaves only its access token.
pub(crate) fn of(brand: &Brand, elsewhere: bool, tokens: &TokenResponse) -> (Secret, Option<u64>) {
    match &tokens.id_token {
        Some(token) if is_id_token(brand, elsewhere) => (token.clone(), lifetime(token)),
        _ => (tokens.access_token.clone(), tokens.expires_in),
    }
}

/// What is kept beside it: the ID token, where the tool's file has a member for it.
pub(crate) fn beside(brand: &Brand, tokens: &TokenResponse) -> Map<String, Value> {
    let wanted = brand.vault.fields.values().any(|fact| *fact == Fact::IdToken);
    let token = tokens.id_token.as_ref().filter(|_| wanted && !is_id_token(brand, false));
    token.map(|token| (ID_TOKEN.to_owned(), token.expose().into())).into_iter().collect()
}

/// OIDC Core §2: from `iat` to `exp`; this machine's clock has no part in it (CLIENT J3).
fn lifetime(token: &Secret) -> Option<u64> {
    #[derive(Deserialize)]
    struct Times {
        iat: i64,
        exp: i64,
    }
    let payload = token.expose().split('.').nth(1)?;
    let times: Times = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    u64::try_from(times.exp.checked_sub(times.iat)?).ok()
}
