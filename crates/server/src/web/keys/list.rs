//! All keys of a place.

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::routing::get;
use http::StatusCode;

use super::super::answer::{self, Page};
use super::super::home::query;
use super::super::orgs::{Named, Nav, Office};
use super::super::shown::Shown;
use super::super::tokens::{Line, Sign};
use super::super::views::{Frame, Notice};
use super::KEYS;
use crate::app::App;
use crate::http::Visitor;

/// Keys on one page.
const SHOWN: u32 = 100;

#[derive(Template)]
#[template(path = "keys/list.html")]
struct List {
    frame: Frame,
    here: &'static str,
    nav: Nav,
    notice: Option<Notice>,
    place: Shown,
    sign: Sign,
    keys: Vec<Line>,
    more: Option<String>,
    further: bool,
    create_command: Option<String>,
}

pub(super) fn routes() -> Router<App> {
    KEYS.in_both("", || get(show))
}

async fn show(State(app): State<App>, visitor: Visitor, named: Named, request: Request) -> Page {
    let office = Office::visit(&KEYS, (&app, &visitor), &named, request.uri().path()).await?;
    let asked = query(request.uri());
    let cursor = asked.get("after");
    let (org, project) = office.names();
    let found = app.issuer().keys_of(&office.actor(), org, project, cursor, SHOWN).await;
    let page = match found {
        Ok(page) => page,
        Err(error) => return Ok(office.refused(error)),
    };
    let notice = match asked.get("done").unwrap_or_default() {
        "revoked" => Some(Notice::done(
            "The key is revoked.",
            "Whatever still uses it is refused from now on.",
        )),
        "gone" => Some(Notice::done(
            "That key had been revoked or had ended before.",
            "Nothing was left to revoke.",
        )),
        _ => None,
    };
    let place = office.place();
    let create_command = match project {
        Some(_) => format!("key create gitlab-ci --project {place}"),
        None => format!("key create gitlab-ci --project {place}/PROJECT"),
    };
    let create_command = app.command(&create_command);
    let view = List {
        frame: answer::frame(&app, Some(office.person)),
        here: KEYS.name,
        nav: office.nav(),
        notice,
        place: Shown::new(&place),
        sign: office.sign(),
        keys: office.lines(&page.items),
        more: page.next_cursor.map(|next| format!("{}?after={next}", office.base)),
        further: cursor.is_some(),
        create_command,
    };
    Ok(answer::page(StatusCode::OK, &view))
}
