//! `/api/v1/sessions`: everything that is signed in to the account, and ending it.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use hallpass_core::wire::api::Page;
use hallpass_core::wire::path::SESSIONS;
use hallpass_issuer::session::Current;
use http::StatusCode;

use super::{Caller, failure, only_people, problem};
use crate::app::App;
use crate::http::Peer;

pub(super) fn routes() -> Router<App> {
    Router::new().route(SESSIONS, get(list)).route(&format!("{SESSIONS}/{{id}}"), delete(end))
}

/// An account has few of them: one page holds all.
async fn list(State(app): State<App>, Caller(caller): Caller) -> Response {
    let Some(user) = caller.user() else { return only_people() };
    let current = caller.grant.map(Current::Grant);
    match app.issuer().sessions_of(user, current).await {
        Ok(items) => Json(Page { items, next_cursor: None }).into_response(),
        Err(error) => failure(&error),
    }
}

/// Somebody else's is answered like one that does not exist.
async fn end(
    State(app): State<App>,
    Caller(caller): Caller,
    Peer(origin): Peer,
    Path(id): Path<String>,
) -> Response {
    let Some(user) = caller.user() else { return only_people() };
    match app.issuer().end_session(user, &id, &origin).await {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => problem(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is no such sign-in, or it has ended; GET /api/v1/sessions lists those that are there.",
        ),
        Err(error) => failure(&error),
    }
}
