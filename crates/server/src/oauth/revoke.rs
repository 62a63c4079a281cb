//! `POST /oauth/revoke` (RFC 7009).

use axum::Router;
use axum::extract::State;
use axum::middleware::map_response;
use axum::routing::post;
use hallpass_core::wire::path::REVOKE;
use http::StatusCode;

use super::call::Call;
use super::{Refusal, preflight};
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(REVOKE, post(revoke).options(preflight::post))
        // RFC 7009 §2.3: clients in browsers may want to sign out too.
        .route_layer(map_response(preflight::readable))
}

async fn revoke(
    State(app): State<App>,
    Call { params, credentials, origin, .. }: Call,
) -> Result<StatusCode, Refusal> {
    let revoked = app.issuer().revoke(&params, credentials, &origin).await;
    // RFC 7009 §2.2: 200, also for a token that nobody knows; the body is ignored.
    revoked.map(|()| StatusCode::OK).map_err(Refusal::from)
}
