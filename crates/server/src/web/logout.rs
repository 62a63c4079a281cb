//! The question at `/oauth/logout`, and its answer (OIDC RP-Initiated Logout §2, §3; I13).

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use hallpass_core::wire::params::Params;
use hallpass_issuer::logout::Logout;
use http::StatusCode;

use super::answer::{self, Page};
use super::csrf::{self, Purpose};
use super::shown::Shown;
use super::views;
use crate::app::App;
use crate::http::{Form, Peer, Visitor, cookie, failure};

const DECISION: &str = "/oauth/logout/decision";

pub(super) fn routes() -> Router<App> {
    Router::new().route(DECISION, post(decide))
}

/// Asks whether to sign out, or says that it happened and takes the cookie away.
pub(crate) fn page(app: &App, visitor: &Visitor, logout: Logout) -> Response {
    let (client_name, request) = match logout {
        Logout::Ask { client_name, request } => (client_name, request),
        Logout::SignedOut { redirect } => return signed_out(app, redirect),
    };
    let Some((cookie, person)) = visitor.require() else {
        return signed_out(app, None);
    };
    let request = request.to_query();
    let view = views::Logout {
        frame: answer::frame(app, Some(person)),
        csrf: csrf::token(app, cookie, Purpose::Logout(&request)),
        client: Shown::some(client_name.as_deref()),
        email: Shown::new(&person.user.email),
        request,
    };
    answer::page(StatusCode::OK, &view)
}

fn signed_out(app: &App, redirect: Option<String>) -> Response {
    let response = match redirect {
        Some(url) => {
            let text = "Going back to the program that asked.".to_owned();
            answer::go_on(app, None, "You are signed out", text, url)
        }
        None => {
            let way = views::Way { href: "/signin".to_owned(), label: "Sign in again" };
            let lines = [
                "This browser is signed out.",
                "Programs that are signed in stay so until you end them.",
            ];
            answer::outcome(app, None, "signed-out", "You are signed out", &lines, Some(way))
        }
    };
    answer::with_cookie(response, cookie::clear(app))
}

async fn decide(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Form(form): Form,
) -> Page {
    // Signed out in another tab meanwhile: that is what was asked for.
    let Some((session, person)) = visitor.require() else { return Ok(signed_out(&app, None)) };
    let request = form.get("request").unwrap_or_default();
    csrf::check(&app, Some(session), Purpose::Logout(request), &form)?;
    if form.get("decision") != Some("signout") {
        return Ok(answer::see_other("/"));
    }
    let params = Params::parse(request.as_bytes()).unwrap_or_default();
    Ok(match app.issuer().logout_confirmed(&params, Some(person), &origin).await {
        Ok(logout) => page(&app, &visitor, logout),
        Err(error) => failure::page(&app, &error),
    })
}
