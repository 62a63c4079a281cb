//! `POST /oauth/token` (RFC 6749 §3.2).

use axum::extract::State;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use hallpass_core::wire::path::TOKEN;
use hallpass_guard::dpop;
use http::header::PRAGMA;
use http::{HeaderName, HeaderValue};

use super::call::Call;
use super::{Refusal, preflight};
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(TOKEN, post(token).options(preflight::post))
        .route_layer(map_response(preflight::readable))
}

/// A nonce for the next proof, with every answer of this endpoint (RFC 9449 §8.2).
pub(super) fn nonce(app: &App) -> (HeaderName, HeaderValue) {
    let nonce = HeaderValue::from_str(&app.issuer().dpop_nonce());
    (dpop::NONCE, nonce.unwrap_or(HeaderValue::from_static("")))
}

async fn token(
    State(app): State<App>,
    Call { params, credentials, origin, proof }: Call,
) -> Response {
    let grant_type = params.get("grant_type").map(str::to_owned);
    let answer = app.issuer().token_proven(&params, credentials, &origin, proof.presented()).await;
    app.metrics().token(grant_type.as_deref(), answer.as_ref().err().map(|error| error.code));
    let mut response = match answer {
        // RFC 6749 §5.1 asks for `Pragma` beside `Cache-Control: no-store`.
        Ok(tokens) => ([(PRAGMA, "no-cache")], Json(tokens)).into_response(),
        Err(error) => Refusal::from(error).into_response(),
    };
    response.headers_mut().extend([nonce(&app)]);
    response
}
