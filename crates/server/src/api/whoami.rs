//! `GET /api/v1/whoami`: who the presented credential is.

use axum::routing::get;
use axum::{Json, Router};
use hallpass_core::Scope;
use hallpass_core::wire::api::Whoami;
use hallpass_core::wire::path::WHOAMI;

use super::Caller;
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route(WHOAMI, get(whoami))
}

async fn whoami(Caller(decision): Caller) -> Json<Whoami> {
    Json(Whoami {
        id: decision.who.id(),
        email: decision.who.email().unwrap_or_default().to_owned(),
        name: decision.who.name().to_owned(),
        client_id: decision.client_id.as_deref().map(str::to_owned),
        scope: Scope::clone(&decision.scope),
        expires_at: decision.expires_at,
    })
}
