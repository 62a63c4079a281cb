//! `/oauth/logout` (OIDC RP-Initiated Logout §2), by GET and POST.
//!
//! What it leads to is decided by the issuer and shown by [`crate::web`]. A post from
//! elsewhere comes without our Lax cookie; like an authorization request it is sent on
//! to GET, where the cookie counts.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use hallpass_core::wire::params::Params;
use hallpass_core::wire::path::LOGOUT;
use http::StatusCode;

use crate::app::App;
use crate::http::{Peer, Visitor, failure, form};

pub(super) fn routes() -> Router<App> {
    Router::new().route(LOGOUT, get(decide).post(turn_into_get))
}

async fn decide(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    request: Request,
) -> Response {
    let params = match Params::parse(request.uri().query().unwrap_or_default().as_bytes()) {
        Ok(params) => params,
        Err(error) => return unreadable(&app, StatusCode::BAD_REQUEST, &error.to_string()),
    };
    match app.issuer().logout(&params, visitor.signed_in.as_ref(), &origin).await {
        Ok(logout) => crate::web::logout_page(&app, &visitor, logout),
        Err(error) => failure::page(&app, &error),
    }
}

async fn turn_into_get(State(app): State<App>, request: Request) -> Response {
    match form::read(request, app.settings().body_timeout).await {
        Ok(params) => Redirect::to(&format!("{LOGOUT}?{}", params.to_query())).into_response(),
        Err(error) => unreadable(&app, error.status(), &error.to_string()),
    }
}

fn unreadable(app: &App, status: StatusCode, what: &str) -> Response {
    let next = format!("You are still signed in: {what}. Sign out on your account's page instead.");
    crate::web::error_page(app, status, "This sign-out request cannot be used", &next)
}
