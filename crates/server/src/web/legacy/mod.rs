//! `/orgs/{org}/projects/{project}/tokens`: tokens of the system that was there before,
//! for the owners of their project: which still work, who still uses them, and their end.
//!
//! | module | what |
//! |---|---|
//! | [`lines`] | the tokens and the move away from them, as a person reads it |
//! | [`make`] | one more of that kind, in phase A alone |

mod lines;
mod make;

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use hallpass_core::wire::params::Params;
use hallpass_issuer::legacy::LegacyError;
use hallpass_issuer::orgs::{OrgError, TOKENS_MANAGE};
use hallpass_issuer::{Error, SignedIn};
use http::StatusCode;

use super::answer::{self, Page};
use super::csrf::{self, Purpose};
use super::home::query;
use super::orgs::{Matter, Named, Nav, Office};
use super::shown::Shown;
use super::views::{Frame, Notice, Place};
use crate::app::App;
use crate::http::{Form, Peer, Visitor, failure};
use lines::Line;
use make::Blank;

const TOKENS: Matter = Matter { name: "tokens", permission: TOKENS_MANAGE };
const PAGE: &str = "/orgs/{org}/projects/{project}/tokens";
const NEW: &str = "/orgs/{org}/projects/{project}/tokens/new";
/// On the page; who has more looks at the report.
const SHOWN: usize = 200;

pub(super) fn routes() -> Router<App> {
    Router::new().route(PAGE, get(show).post(revoke)).route(NEW, get(make::back).post(make::make))
}

/// The page.
#[derive(Template)]
#[template(path = "legacy.html")]
struct View {
    frame: Frame,
    nav: Nav,
    here: &'static str,
    notice: Option<Notice>,
    csrf: String,
    place: Shown,
    action: String,
    /// Where the keys of the project are.
    keys: String,
    /// `A`, `B`, `C`; empty where nothing of an older system was ever brought here.
    phase: &'static str,
    banner: Option<Notice>,
    /// Only where one more can be had.
    blank: Option<Blank>,
    summary: String,
    tokens: Vec<Line>,
    more: usize,
    report_command: String,
}

/// The projects of this person that still have such tokens, and where their pages are.
pub(super) async fn places(app: &App, person: &SignedIn) -> Result<Vec<Place>, Error> {
    let places = app.issuer().legacy_places_of(&person.user).await?;
    let place = |name: String| {
        let (org, project) = name.split_once('/')?;
        let href = format!("/orgs/{org}/projects/{project}/tokens");
        Some(Place { name: Shown::new(&name), href })
    };
    Ok(places.into_iter().filter_map(place).collect())
}

/// The page; `typed` is what was filled in wrongly in the form that makes one.
async fn page(
    office: &Office<'_>,
    status: StatusCode,
    notice: Option<Notice>,
    typed: Option<&Params>,
) -> Response {
    let (app, place) = (office.app, office.place());
    let tokens = match app.issuer().legacy_report(Some(&place)).await {
        Ok(tokens) => tokens,
        Err(LegacyError::Failed(error)) => return failure::page(app, &error),
        Err(_) => return office.nothing(),
    };
    let now = app.clock().now();
    let moved = app.issuer().legacy_move();
    let blank = app.issuer().mints_legacy().then(|| Blank::at(office, typed));
    let telling = !tokens.is_empty() || blank.is_some();
    let view = View {
        frame: answer::frame(app, Some(office.person)),
        nav: office.nav(),
        here: TOKENS.name,
        notice,
        csrf: csrf::token(app, office.cookie, Purpose::Legacy(&place)),
        place: Shown::new(&place),
        phase: moved.map_or("", |moved| moved.phase.as_str()),
        banner: moved.filter(|_| telling).map(lines::banner),
        blank,
        summary: lines::summary(&tokens, now),
        more: tokens.len().saturating_sub(SHOWN),
        tokens: tokens.iter().take(SHOWN).map(|token| lines::line(token, now)).collect(),
        action: office.base.clone(),
        keys: format!("{}/keys", office.base.strip_suffix("/tokens").unwrap_or(&office.base)),
        report_command: "hallpass admin legacy report".to_owned(),
    };
    answer::page(status, &view)
}

async fn show(State(app): State<App>, visitor: Visitor, named: Named, request: Request) -> Page {
    let found = Office::visit(&TOKENS, (&app, &visitor), &named, request.uri().path()).await;
    let office = found?;
    let notice = match query(request.uri()).get("done").unwrap_or_default() {
        "revoked" => Some(Notice::done(
            "The token is revoked.",
            "Whatever still uses it is refused from now on.",
        )),
        "gone" => Some(Notice::done("That token had been revoked before.", "")),
        _ => None,
    };
    Ok(page(&office, StatusCode::OK, notice, None).await)
}

async fn revoke(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    named: Named,
    Form(form): Form,
) -> Page {
    let office = Office::post(&TOKENS, (&app, &visitor), &named).await?;
    let place = office.place();
    csrf::check(&app, Some(office.cookie), Purpose::Legacy(&place), &form)?;
    let (actor, id) = (office.actor(), form.get("id").unwrap_or_default());
    // Only what is this project's.
    Ok(match app.issuer().revoke_legacy_at(&actor, at(&office), id, &origin).await {
        Ok(true) => answer::see_other(&format!("{}?done=revoked", office.base)),
        Ok(false) => answer::see_other(&format!("{}?done=gone", office.base)),
        Err(OrgError::Failed(error)) => failure::page(&app, &error),
        Err(_) => office.nothing(),
    })
}

/// The organization, and the project in it.
fn at<'o>(office: &'o Office<'_>) -> (&'o str, &'o str) {
    let (org, project) = office.names();
    (org, project.unwrap_or_default())
}
