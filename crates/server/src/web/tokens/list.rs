//! All tokens of a person, newest first; found by name.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use hallpass_core::wire::params::Params;
use hallpass_core::wire::tokens::Token;
use hallpass_issuer::tokens::{Actor, MAX_PAGE, TokenError};
use http::StatusCode;

use super::super::answer;
use super::super::home::query;
use super::super::shown::Shown;
use super::super::views::Notice;
use super::views::List;
use super::{HERE, PAGE, lines, refused};
use crate::app::App;
use crate::http::Visitor;

/// Tokens on a page.
const SHOWN: u32 = 50;
/// Tokens that a search asks for at once.
const ASKED: u32 = MAX_PAGE;
/// A search looks through this many lists, and then offers to go on.
const ROUNDS: usize = 20;

pub(super) fn routes() -> Router<App> {
    Router::new().route(PAGE, get(show))
}

async fn show(State(app): State<App>, visitor: Visitor, request: Request) -> Response {
    let (_, person) = match answer::person(&visitor, &app, PAGE) {
        Ok(known) => known,
        Err(signed_out) => return *signed_out,
    };
    let asked = query(request.uri());
    let search = asked.get("q").unwrap_or_default();
    let cursor = asked.get("after");
    let actor = Actor::Person(&person.user);
    let (tokens, next) = match find(&app, &actor, search, cursor).await {
        Ok(found) => found,
        Err(error) => return refused(&app, person, error),
    };
    let view = List {
        frame: answer::frame(&app, Some(person)),
        here: HERE,
        notice: notice(asked.get("done").unwrap_or_default()),
        tokens: lines::all(app.brand(), &tokens, app.clock().now()),
        search: Shown::typed(search),
        more: next.map(|next| address(search, Some(&next))),
        first: address(search, None),
        further: cursor.is_some(),
        create_command: format!("{} token create ci", app.brand().name),
    };
    answer::page(StatusCode::OK, &view)
}

/// A page of tokens whose names contain `search`, and where the next one begins.
async fn find(
    app: &App,
    actor: &Actor<'_>,
    search: &str,
    cursor: Option<&str>,
) -> Result<(Vec<Token>, Option<String>), TokenError> {
    let search = search.to_lowercase();
    let mut found = Vec::new();
    let mut cursor = cursor.map(str::to_owned);
    for _ in 0..ROUNDS {
        let most = if search.is_empty() { SHOWN } else { ASKED };
        let page = app.issuer().tokens_of(actor, None, cursor.as_deref(), most).await?;
        let matches = |token: &Token| token.name.to_lowercase().contains(&search);
        found.extend(page.items.into_iter().filter(matches));
        cursor = page.next_cursor;
        if cursor.is_none() || found.len() >= SHOWN as usize || search.is_empty() {
            break;
        }
    }
    Ok((found, cursor))
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

fn notice(done: &str) -> Option<Notice> {
    match done {
        "revoked" => Some(Notice::done(
            "The token is revoked.",
            "Whatever still uses it is refused from now on.",
        )),
        "gone" => Some(Notice::done(
            "That token had been revoked or had ended before.",
            "Nothing was left to revoke.",
        )),
        _ => None,
    }
}
