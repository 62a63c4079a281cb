//! `POST /oauth/action`: a resource server is about to do what was approved, and spends its token.

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use hallpass_core::wire::oauth::Introspection;
use hallpass_core::wire::path::ACTION;

use super::Refusal;
use super::call::Call;
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route(ACTION, post(spend))
}

async fn spend(
    State(app): State<App>,
    Call { params, credentials, origin, .. }: Call,
) -> Result<Json<Introspection>, Refusal> {
    Ok(Json(app.issuer().use_action(&params, credentials, &origin).await?))
}
