//! `POST /oauth/device`: device authorization (RFC 8628 §3.1).

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use hallpass_core::wire::oauth::DeviceAuthorization;
use hallpass_core::wire::path::DEVICE_AUTHORIZATION;
use http::{HeaderName, HeaderValue};

use super::Refusal;
use super::call::Call;
use super::token::nonce;
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route(DEVICE_AUTHORIZATION, post(start))
}

async fn start(
    State(app): State<App>,
    Call { params, credentials, origin, .. }: Call,
) -> Result<([(HeaderName, HeaderValue); 1], Json<DeviceAuthorization>), Refusal> {
    let started = app.issuer().device_authorization(&params, credentials, &origin).await?;
    // The first poll has a nonce then, and needs no second try (RFC 9449 §8.2).
    Ok(([nonce(&app)], Json(started)))
}
