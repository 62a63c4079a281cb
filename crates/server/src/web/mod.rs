//! Pages, for people. All of them work without JavaScript, and with the keyboard alone.
//! One of them has a script, which adds a button: the page that shows a token.
//!
//! | module | page |
//! |---|---|
//! | [`home`] | `/`: what this is, or where to go |
//! | [`signin`] | `/signin`, `/signout` |
//! | [`setup`] | `/setup`: the first administrator |
//! | [`consent`] | the question at `/oauth/authorize`, and its answer |
//! | [`device`] | `/device`: type the code, compare, decide (HP11) |
//! | [`sessions`] | `/settings/sessions`: browsers and programs that are signed in |
//! | [`agents`] | `/settings/agents`: agents of one's own, as a tree |
//! | [`approvals`] | `/settings/approvals`: what agents ask their owner for |
//! | [`tokens`] | `/settings/tokens`: tokens for scripts, CI and servers; `/admin/users/…/tokens`: the same for somebody else |
//! | [`admin`] | `/admin`: the server, people, organizations, clients, keys, the log; `/orgs/…/audit` |
//! | [`orgs`] | `/orgs`, `/orgs/{org}`…: organizations, their projects, roles |
//! | [`invitation`] | `/invitation`: accepting an invitation |
//! | [`people`] | `/admin/users`: for whom an administrator acts |
//! | [`keys`] | `/orgs/…/keys`: keys of an organization and of its projects |
//! | [`legacy`] | `/orgs/…/projects/…/tokens`: tokens of an older system |
//! | [`which`] | `/settings/keys`, `/settings/trust`: of which place? |
//! | [`security`] | `/settings/security`: the password |
//! | [`logout`] | the question at `/oauth/logout`, and its answer |
//!
//! | module | what they share |
//! |---|---|
//! | [`views`] | what each page shows: one struct for each template |
//! | [`answer`] | pages, redirects and refusals as HTTP answers |
//! | [`csrf`] | what a form carries, and how it is checked |
//! | [`once`] | forms that act once |
//! | [`jar`] | short-lived cookies beside the session's |
//! | [`return_to`] | where to go after signing in: a path of ours, nothing else |
//! | [`shown`] | foreign text on its way to a page |
//! | [`forest`] | many trees on one page |
//! | [`browser`], [`when`] | user agents and times as people say them |
//! | [`assets`], [`accent`] | stylesheet and icon, in the brand's colour, legible |
//!
//! Three rules hold for all of them. A GET changes nothing (D12). A post comes from
//! our own page, by [`crate::http::same_origin`] and by a token that is bound to the
//! cookie and to what the page showed. And a page never redirects to another origin in
//! answer to a post: browsers apply `form-action` to that, so [`answer::go_on`] shows a
//! page that goes on by itself.

mod accent;
mod admin;
mod agents;
mod answer;
mod approvals;
mod assets;
mod browser;
mod consent;
mod csrf;
mod device;
mod forest;
mod home;
mod invitation;
mod jar;
mod keys;
mod legacy;
mod logout;
mod once;
mod orgs;
mod people;
mod return_to;
mod security;
mod sessions;
mod setup;
mod shown;
mod signin;
mod tokens;
mod trust;
mod views;
mod when;
mod which;

#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use crate::app::App;
use crate::http::{Audience, same_origin};

pub(crate) use assets::Assets;
pub(crate) use consent::page as consent_page;
pub(crate) use logout::page as logout_page;
pub(crate) use once::Once;

/// All pages and what they post to. Posts from other sites do not arrive.
pub(crate) fn routes(app: &App) -> Router<App> {
    Router::new()
        .merge(assets::routes())
        .merge(home::routes())
        .merge(signin::routes())
        .merge(setup::routes())
        .merge(consent::routes())
        .merge(device::routes())
        .merge(sessions::routes())
        .merge(agents::routes())
        .merge(approvals::routes())
        .merge(tokens::routes())
        .merge(people::routes())
        .merge(admin::routes())
        .merge(keys::routes())
        .merge(trust::routes())
        .merge(orgs::routes())
        .merge(which::routes())
        .merge(invitation::routes())
        .merge(legacy::routes())
        .merge(security::routes())
        .merge(logout::routes())
        .layer(middleware::from_fn_with_state(app.clone(), say_nothing_is_here))
        .layer(middleware::from_fn_with_state(app.clone(), same_origin::only))
}

/// A page that says what went wrong and what to do next.
pub(crate) fn error_page(app: &App, status: StatusCode, title: &str, what_next: &str) -> Response {
    answer::error(app, None, status, title, &[what_next])
}

/// What a handler answers where there is no such page for whoever asks: in the form and the words
/// of the router's own answer, so that a page that is not for somebody looks like none.
pub(crate) fn not_found() -> Response {
    let mut response = StatusCode::NOT_FOUND.into_response();
    response.extensions_mut().insert(Nothing);
    response
}

#[derive(Clone, Copy)]
struct Nothing;

/// Says it, once it is known who asked.
async fn say_nothing_is_here(State(app): State<App>, request: Request, next: Next) -> Response {
    let audience = Audience::of(&request);
    let response = next.run(request).await;
    match response.extensions().get::<Nothing>() {
        Some(_) => nothing_here(audience, &app),
        None => response,
    }
}

/// There is nothing at an address.
pub(crate) fn nothing_here(audience: Audience, app: &App) -> Response {
    let title = "There is nothing here";
    audience.answer(app, StatusCode::NOT_FOUND, "not_found", title, "Check the address.")
}
