//! Revoking a token at the server (RFC 7009).

use hallpass_core::Secret;
use hallpass_core::text::presentable;
use hallpass_core::wire::oauth::ErrorResponse;

use crate::http::{Http, HttpError};

/// Why a token could not be revoked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotRevoked {
    /// The server has no revocation endpoint.
    #[error("the server offers no revocation")]
    NoEndpoint,
    /// The server refused.
    #[error("the server refused: {0}")]
    Refused(String),
    /// The server could not be asked.
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// Revokes `token`. An unknown or already revoked token is a success (RFC 7009 §2.2).
pub(crate) fn revoke(
    http: &Http,
    endpoint: Option<&str>,
    client_id: &str,
    token: &Secret,
    hint: Option<&str>,
) -> Result<(), NotRevoked> {
    let endpoint = endpoint.ok_or(NotRevoked::NoEndpoint)?;
    let mut parameters = vec![("token", token.expose()), ("client_id", client_id)];
    if let Some(hint) = hint {
        parameters.push(("token_type_hint", hint));
    }
    let reply = http.post_form(endpoint, &parameters)?;
    match reply.status {
        200..300 => Ok(()),
        400..500 if reply.is_json() => {
            let answer: ErrorResponse = reply.json()?;
            Err(NotRevoked::Refused(presentable(&answer.error, 60)))
        }
        _ => Err(reply.unexpected().into()),
    }
}
