//! What calls carry: the access token, or in a tool whose API takes those, the ID token.

use hallpass_core::Secret;
use hallpass_core::brand::{Brand, Fact, Presents};
use hallpass_core::wire::oauth::TokenResponse;
use serde_json::{Map, Value};

use crate::id_token::IdToken;
use crate::vault::{Credential, ID_TOKEN};

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
        Some(token) if is_id_token(brand, elsewhere) => {
            (token.clone(), IdToken::read(token).and_then(|token| token.lifetime()))
        }
        _ => (tokens.access_token.clone(), tokens.expires_in),
    }
}

/// Whether what a credential presents at `server` is the ID token of its provider, which is for
/// `server` and not for that provider's own API.
pub(crate) fn has_id_token(brand: &Brand, server: &str, credential: &Credential) -> bool {
    let wanted = is_id_token(brand, credential.key.issuer != server);
    let token = credential.access.as_ref().filter(|_| wanted);
    let token = token.and_then(|access| IdToken::read(&access.token));
    token.is_some_and(|token| {
        token.iss == credential.key.issuer && token.is_for(&credential.key.client_id)
    })
}

/// What is kept beside it: the ID token, where the tool's file has a member for it.
pub(crate) fn beside(brand: &Brand, tokens: &TokenResponse) -> Map<String, Value> {
    let wanted = brand.vault.fields.values().any(|fact| *fact == Fact::IdToken);
    let token = tokens.id_token.as_ref().filter(|_| wanted && !is_id_token(brand, false));
    token.map(|token| (ID_TOKEN.to_owned(), token.expose().into())).into_iter().collect()
}
