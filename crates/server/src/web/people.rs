//! `/admin/users`: for whom an administrator acts (SM13). To everybody else there is no such
//! page.

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use hallpass_core::wire::params::Params;
use hallpass_issuer::SignedIn;
use hallpass_issuer::tokens::{Actor, TokenError};
use http::StatusCode;

use super::answer::Page;
use super::home::query;
use super::shown::Shown;
use super::tokens::base_of;
use super::views::{Frame, Way};
use super::{admin, answer, not_found};
use crate::app::App;
use crate::http::{Visitor, failure};

/// Where it is.
pub(super) const PAGE: &str = "/admin/users";
/// People on a page.
const SHOWN: u32 = 50;

pub(super) fn routes() -> Router<App> {
    Router::new().route(PAGE, get(show))
}

/// Somebody, in the list.
struct Line {
    id: String,
    email: Shown,
    name: Shown,
    admin: bool,
    /// Nobody acts for whoever is disabled.
    disabled: bool,
    /// Where their tokens are.
    href: String,
    /// Where their account is.
    page: String,
}

#[derive(Template)]
#[template(path = "people.html")]
struct View {
    frame: Frame,
    here: &'static str,
    people: Vec<Line>,
    search: Shown,
    more: Option<String>,
    first: String,
    further: bool,
    create_command: String,
}

/// Nobody has this id, or the account is disabled; for administrators.
pub(super) fn nobody(app: &App, person: &SignedIn) -> Response {
    let lines = ["The account is disabled, or the address is mistyped. Nothing was changed."];
    let way = Some(Way { href: PAGE.to_owned(), label: "All people" });
    let heading = "There is nobody like that";
    let mut response = answer::outcome(app, Some(person), "error-404", heading, &lines, way);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

async fn show(State(app): State<App>, visitor: Visitor, request: Request) -> Page {
    let (_, person) = answer::person(&visitor, &app, PAGE)?;
    let asked = query(request.uri());
    let search = asked.get("q").unwrap_or_default();
    // A page is shown whatever stands in its address: a cursor that is none begins anew.
    let cursor = asked.get("after").filter(|after| after.starts_with("usr_"));
    let actor = Actor::Person(&person.user);
    let found = match app.issuer().people(&actor, search, cursor, SHOWN).await {
        Ok(found) => found,
        Err(TokenError::Failed(error)) => return Ok(failure::page(&app, &error)),
        Err(TokenError::Invalid { .. }) => return Ok(answer::see_other(PAGE)),
        Err(_) => return Ok(not_found()),
    };
    let people = found.items.iter().map(|user| Line {
        id: user.id.to_string(),
        email: Shown::new(&user.email),
        name: Shown::new(&user.name),
        admin: user.admin,
        disabled: user.disabled_at.is_some(),
        href: base_of(user.id),
        page: admin::person_page(user.id),
    });
    let view = View {
        frame: answer::frame(&app, Some(person)),
        here: "people",
        people: people.collect(),
        search: Shown::typed(search),
        more: found.next_cursor.map(|next| address(search, Some(&next))),
        first: address(search, None),
        further: cursor.is_some(),
        create_command: "hallpass admin user create --email bo@example.com --name Bo".to_owned(),
    };
    Ok(answer::page(StatusCode::OK, &view))
}

fn address(search: &str, after: Option<&str>) -> String {
    let mut params = Params::default();
    for (name, value) in [("q", Some(search).filter(|q| !q.is_empty())), ("after", after)] {
        if let Some(value) = value {
            params.set(name, value);
        }
    }
    match params.to_query() {
        query if query.is_empty() => PAGE.to_owned(),
        query => format!("{PAGE}?{query}"),
    }
}
