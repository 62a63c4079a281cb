//! `POST /oauth/introspect` (RFC 7662).

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use hallpass_core::wire::oauth::Introspection;
use hallpass_core::wire::path::INTROSPECT;

use super::Refusal;
use super::call::Call;
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route(INTROSPECT, post(introspect))
}

async fn introspect(
    State(app): State<App>,
    Call { params, credentials, origin }: Call,
) -> Result<Json<Introspection>, Refusal> {
    let answer = app.issuer().introspect(&params, credentials, &origin).await;
    answer.map(Json).map_err(Refusal::from)
}
