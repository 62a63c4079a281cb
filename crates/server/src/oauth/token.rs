//! `POST /oauth/token` (RFC 6749 §3.2).

use axum::extract::State;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use hallpass_core::wire::path::TOKEN;
use http::header::PRAGMA;

use super::call::Call;
use super::{Refusal, preflight};
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(TOKEN, post(token).options(preflight::post))
        .route_layer(map_response(preflight::readable))
}

async fn token(
    State(app): State<App>,
    Call { params, credentials, origin }: Call,
) -> Result<Response, Refusal> {
    let grant_type = params.get("grant_type").map(str::to_owned);
    let answer = app.issuer().token(&params, credentials, &origin).await;
    app.metrics().token(grant_type.as_deref(), answer.as_ref().err().map(|error| error.code));
    let tokens = answer?;
    // RFC 6749 §5.1 asks for `Pragma` beside `Cache-Control: no-store`.
    Ok(([(PRAGMA, "no-cache")], Json(tokens)).into_response())
}
