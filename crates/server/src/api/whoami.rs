//! `GET /api/v1/whoami`: who the presented credential is.

use axum::routing::get;
use axum::{Json, Router};
use hallpass_core::wire::api::Whoami;
use hallpass_core::wire::path::WHOAMI;

use super::Caller;
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route(WHOAMI, get(whoami))
}

async fn whoami(Caller(decision): Caller) -> Json<Whoami> {
    Json(Whoami {
        id: decision.subject.to_string(),
        email: decision.email,
        name: decision.name,
        client_id: Some(decision.client_id),
        scope: decision.scope,
        expires_at: Some(decision.expires_at),
    })
}
