//! What we say about ourselves: `/.well-known/oauth-authorization-server` (RFC 8414
//! §3), `/.well-known/openid-configuration` (OIDC Discovery §4), and `/auth/config`.

use axum::extract::State;
use axum::middleware::map_response;
use axum::routing::{MethodRouter, get};
use axum::{Json, Router};
use hallpass_core::wire::metadata::{AuthConfig, ServerMetadata};
use hallpass_core::wire::path::{AUTH_CONFIG, OAUTH_AUTHORIZATION_SERVER, OPENID_CONFIGURATION};
use http::{HeaderName, HeaderValue};

use super::preflight;
use crate::app::App;
use crate::http::headers::FIVE_MINUTES;

pub(super) fn routes() -> Router<App> {
    let document = || -> MethodRouter<App> { get(document).options(preflight::get) };
    Router::new()
        .route(OAUTH_AUTHORIZATION_SERVER, document())
        .route(OPENID_CONFIGURATION, document())
        .route(AUTH_CONFIG, get(auth_config).options(preflight::get))
        .route_layer(map_response(preflight::readable))
}

type Cached<T> = ([(HeaderName, HeaderValue); 1], Json<T>);

async fn document(State(app): State<App>) -> Cached<ServerMetadata> {
    ([FIVE_MINUTES], Json(app.issuer().metadata()))
}

async fn auth_config(State(app): State<App>) -> Cached<AuthConfig> {
    ([FIVE_MINUTES], Json(app.issuer().auth_config()))
}
