//! `POST /oauth/introspect` (RFC 7662).

use axum::extract::{FromRequest as _, Request, State};
use axum::response::{IntoResponse as _, Response};
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

async fn introspect(State(app): State<App>, request: Request) -> Response {
    answer(&app, request).await
}

/// Also called by the [lane](crate::lane), which this route is usually reached through.
pub(crate) async fn answer(app: &App, request: Request) -> Response {
    match introspection(app, request).await {
        Ok(answer) => Json(answer).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn introspection(app: &App, request: Request) -> Result<Introspection, Refusal> {
    let Call { params, credentials, origin } = Call::from_request(request, app).await?;
    Ok(app.issuer().introspect(&params, credentials, &origin).await?)
}
