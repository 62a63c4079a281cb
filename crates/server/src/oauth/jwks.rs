//! `GET /oauth/jwks`: the public keys (RFC 7517 §5).

use axum::Router;
use axum::extract::State;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hallpass_core::wire::path::JWKS;
use http::header::CONTENT_TYPE;

use super::preflight;
use crate::app::App;
use crate::http::headers::FIVE_MINUTES;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(JWKS, get(jwks).options(preflight::get))
        .route_layer(map_response(preflight::readable))
}

async fn jwks(State(app): State<App>) -> Response {
    let (name, value) = FIVE_MINUTES;
    let mut response = axum::Json(app.issuer().jwks()).into_response();
    response.headers_mut().insert(name, value);
    // RFC 7517 §8.5.2; readers also take application/json, which OIDC providers send.
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
