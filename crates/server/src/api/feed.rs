//! `POST /api/v1/feed`: a guard renews its lease, and learns what was revoked.

use axum::response::Response;
use axum::routing::MethodRouter;
use hallpass_core::wire::feed::{FeedAnswer, FeedRequest};
use hallpass_core::wire::path::FEED;
use hallpass_issuer::{ClientCredentials, OAuthError, Origin};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};

use super::answer::Shown;
use super::argument::Body;
use super::problem;
use super::refused::Refused;
use super::right::{Needs, Right};
use super::route::{Incoming, Operation, Route};
use crate::app::App;
use crate::limit::{RefusedCredential, seconds};
use crate::oauth;

pub(super) fn table() -> Vec<Route> {
    let summary = "Renew a guard's lease, and learn what was revoked";
    vec![Route::new(Method::POST, FEED, "feed", summary, feed)]
}

/// A confidential client, by HTTP Basic, as at introspection (RFC 7662 §2.1). The issuer
/// checks it.
enum Guards {}

impl Right for Guards {
    type Who = ClientCredentials;

    fn describe(operation: &mut Operation) {
        operation.security = Some(("basic", Vec::new()));
        operation.right = "An enabled confidential client.";
        operation.may_refuse([400, 401]);
    }

    fn guarded(route: MethodRouter<App>, _: &App) -> MethodRouter<App> {
        route
    }

    async fn admit(incoming: &mut Incoming, _: &App) -> Result<ClientCredentials, Response> {
        Ok(oauth::credentials(&incoming.parts.headers))
    }
}

async fn feed(
    app: App,
    Needs(credentials): Needs<Guards>,
    origin: Origin,
    Body(request): Body<FeedRequest>,
) -> Result<Shown<FeedAnswer>, Refused> {
    let answer = app.issuer().feed(&request, credentials, &origin).await;
    answer.map(Shown).map_err(|error| Refused(refused(&error)))
}

fn refused(error: &OAuthError) -> Response {
    if let Some(cause) = &error.cause {
        crate::http::failure::log(cause);
    }
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = problem(status, error.code.as_str(), format!("{}.", error.description));
    let headers = response.headers_mut();
    if let Some(challenge) = error.challenge() {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if let Some(wait) = error.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds(wait)));
    }
    if status == StatusCode::UNAUTHORIZED {
        response.extensions_mut().insert(RefusedCredential);
    }
    response
}
