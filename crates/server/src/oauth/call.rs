//! What a form post to an OAuth endpoint presents: parameters, client credentials and
//! where it came from.

use axum::extract::{FromRequest, FromRequestParts, Request};
use hallpass_core::wire::authorization::{self, Presented};
use hallpass_core::wire::params::Params;
use hallpass_issuer::{ClientCredentials, Origin};
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::Refusal;
use crate::app::App;
use crate::http::{Peer, form};

/// What must never stand in a URL, where logs and histories keep it (C04, G11).
const SECRETS: [&str; 12] = [
    "access_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "password",
    "refresh_token",
    "subject_token",
    "token",
    "actor_token",
];

/// One call of an OAuth endpoint.
pub(crate) struct Call {
    pub(super) params: Params,
    pub(super) credentials: ClientCredentials,
    pub(super) origin: Origin,
}

impl FromRequest<App> for Call {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let Ok(Peer(origin)) = Peer::from_request_parts(&mut parts, app).await;
        refuse_secrets_in_query(parts.uri.query())?;
        let credentials = credentials(&parts.headers);
        let request = Request::from_parts(parts, body);
        let params = form::read(request, app.settings().body_timeout).await?;
        Ok(Self { params, credentials, origin })
    }
}

/// RFC 6749 §2.3.1 and RFC 6750 §2.3: credentials MUST NOT be in the request URI.
pub(super) fn refuse_secrets_in_query(query: Option<&str>) -> Result<(), Refusal> {
    let named = |query: &str| {
        form_urlencoded::parse(query.as_bytes()).any(|(name, _)| SECRETS.contains(&name.as_ref()))
    };
    match query {
        Some(query) if named(query) => Err(Refusal::invalid_request(
            "this parameter belongs in the body, never in the URL; what was sent may be in logs now, so replace it",
        )),
        _ => Ok(()),
    }
}

/// The `Authorization` header, if there is exactly one that we can use.
pub(crate) fn credentials(headers: &HeaderMap) -> ClientCredentials {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    match (sent.next(), sent.next()) {
        (None, _) => ClientCredentials::None,
        (Some(header), None) => match authorization::parse(header.as_bytes()) {
            Ok(Presented::Basic { client_id, client_secret }) => {
                ClientCredentials::Basic { client_id, client_secret }
            }
            _ => ClientCredentials::Unusable,
        },
        (Some(_), Some(_)) => ClientCredentials::Unusable,
    }
}
