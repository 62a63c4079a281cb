//! `/settings/tokens`: the tokens that a person has made for scripts, CI and servers.
//!
//! | module | what |
//! |---|---|
//! | [`list`] | all of them, newest first; found by name |
//! | [`make`] | making one, and the page that shows its text once |
//! | [`one`] | one of them: rename, change the end, rotate, revoke |
//! | [`lines`] | a token as a person reads it |
//! | [`expiry`], [`narrowing`] | when it ends and what it may do, as forms ask for them |
//! | [`views`] | what the templates show |
//!
//! A token's text is on one page: the answer to the post that made it. It is in no
//! address and no store, and the form that made it makes no other
//! ([`once`](super::once)). Every id is looked up among the tokens of whoever is
//! signed in; anybody else's is like one that does not exist (attack-27).

mod expiry;
mod lines;
mod list;
mod make;
mod narrowing;
mod one;
mod views;

use axum::Router;
use axum::response::Response;
use hallpass_issuer::SignedIn;
use hallpass_issuer::tokens::TokenError;
use http::StatusCode;

use super::answer;
use super::views::Way;
use crate::app::App;
use crate::http::failure;

/// The list.
const PAGE: &str = "/settings/tokens";
/// Which tab of the settings this is.
const HERE: &str = "tokens";

pub(super) fn routes() -> Router<App> {
    Router::new().merge(list::routes()).merge(make::routes()).merge(one::routes())
}

/// One token's page.
fn page_of(id: &str) -> String {
    format!("{PAGE}/{id}")
}

/// There is no such token, or it is somebody else's.
fn unknown(app: &App, person: &SignedIn) -> Response {
    let way = Way { href: PAGE.to_owned(), label: "All tokens" };
    let lines = ["It was revoked or has ended, or it is not yours. Nothing was changed."];
    let heading = "There is no such token";
    let mut response = answer::outcome(app, Some(person), "error-404", heading, &lines, Some(way));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// A form that shows a token's text came a second time.
fn sent_before(app: &App, person: &SignedIn, what: &str) -> Response {
    let way = Way { href: PAGE.to_owned(), label: "All tokens" };
    let lines = [what, "If the text was not copied, revoke that token and make another."];
    let heading = "This form was sent before";
    let mut response =
        answer::outcome(app, Some(person), "sent-before", heading, &lines, Some(way));
    *response.status_mut() = StatusCode::CONFLICT;
    response
}

/// What a person cannot set right on the page that they have filled in.
fn refused(app: &App, person: &SignedIn, error: TokenError) -> Response {
    match error {
        TokenError::Failed(error) => failure::page(app, &error),
        TokenError::Unknown => unknown(app, person),
        other => answer::error(
            app,
            Some(person),
            StatusCode::FORBIDDEN,
            "That is not possible",
            &[&other.to_string(), "Nothing was changed."],
        ),
    }
}
