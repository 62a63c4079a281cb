//! `/userinfo` by GET and POST (OIDC Core §5.3.1).
//!
//! The token comes in the header, or in the body of a form post (RFC 6750 §2.2), which
//! OIDC clients may use here; never in the URL, and never twice.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, body::Body};
use hallpass_core::Secret;
use hallpass_core::scope::OPENID;
use hallpass_core::wire::path::USERINFO;
use hallpass_guard::bearer::{self, Presented};
use hallpass_guard::dpop::{self, Refused};
use hallpass_guard::{Challenge, Refusal, shape};
use hallpass_issuer::BearerError;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};

use super::preflight;
use crate::api::Local;
use crate::app::App;
use crate::http::{FormError, form};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(USERINFO, get(userinfo).post(userinfo).options(preflight::get_or_post))
        .route_layer(map_response(preflight::readable))
}

async fn userinfo(State(app): State<App>, request: Request) -> Response {
    let challenge =
        Challenge { resource_metadata: None, scope: Some(OPENID.to_owned()), dpop: true };
    let refuse = |refused: Refused| {
        let mut response = refused.refusal.response::<Body>(&challenge);
        response.headers_mut().extend(refused.nonce.map(|nonce| (dpop::NONCE, nonce)));
        response
    };
    let about = dpop::Request::new(request.method(), USERINFO, request.headers());
    let presented = match presented(&app, request).await {
        Ok(presented) => presented,
        Err(Unread::Refused(refusal)) => return refuse(refusal.into()),
        Err(Unread::Body(error)) => return super::Refusal::from(error).into_response(),
    };
    if !shape::is_access_token(presented.token().expose()) {
        return refuse(Refusal::NotGood.into());
    }
    let admitted = dpop::admit(&Local::new(&app), &presented, || about, None).await;
    let (decision, nonce) = match admitted {
        Ok(admitted) => admitted,
        Err(refused) => return refuse(refused),
    };
    let mut response = match app.issuer().userinfo_of(&decision) {
        Ok(claims) => Json(claims).into_response(),
        Err(error) => refuse(refusal(&error).into()),
    };
    response.headers_mut().extend(nonce.map(|nonce| (dpop::NONCE, nonce)));
    response
}

enum Unread {
    Refused(Refusal),
    Body(FormError),
}

/// The one token of the request.
async fn presented(app: &App, request: Request) -> Result<Presented, Unread> {
    let query = request.uri().query().map(str::to_owned);
    let header = bearer::presented(request.headers(), query.as_deref());
    if request.method() != Method::POST || !is_form(request.headers()) {
        return header.map_err(Unread::Refused);
    }
    let params = form::read(request, app.settings().body_timeout).await.map_err(Unread::Body)?;
    match (header, params.get("access_token")) {
        (Ok(_), Some(_)) => Err(Unread::Refused(Refusal::TwoCredentials)),
        (Err(Refusal::NoCredential), Some(token)) => Ok(Presented::Bearer(Secret::new(token))),
        (header, _) => header.map_err(Unread::Refused),
    }
}

/// Any other body, or none, is nothing to look for a token in.
fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"))
}

fn refusal(error: &BearerError) -> Refusal {
    match error {
        BearerError::Missing => Refusal::NoCredential,
        BearerError::Malformed => Refusal::Malformed,
        BearerError::InvalidToken { .. } => Refusal::NotGood,
        BearerError::InsufficientScope { .. } => Refusal::ScopeMissing,
        BearerError::Unavailable(cause) => {
            crate::http::failure::log(cause);
            Refusal::Unavailable
        }
    }
}
