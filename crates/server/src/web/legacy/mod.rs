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
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use hallpass_core::Secret;
use hallpass_core::wire::params::Params;
use hallpass_issuer::legacy::LegacyError;
use hallpass_issuer::orgs::{OrgError, TOKENS_MANAGE};
use hallpass_issuer::tokens::Actor;
use hallpass_issuer::{Error, SignedIn};
use http::StatusCode;

use super::answer::{self, Page, Refusal};
use super::csrf::{self, Purpose};
use super::home::query;
use super::shown::Shown;
use super::views::{Frame, Notice, Place};
use crate::app::App;
use crate::http::{Form, Peer, Visitor, failure};
use lines::Line;
use make::Blank;

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
    here: &'static str,
    notice: Option<Notice>,
    csrf: String,
    place: Shown,
    action: String,
    /// For tests: `A`, `B`, `C`.
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

/// A project, and somebody who manages its tokens and looks at its page.
struct Seat<'a> {
    app: &'a App,
    cookie: &'a Secret,
    person: &'a SignedIn,
    /// `ORG/PROJECT`.
    place: String,
    /// Where the page is.
    path: String,
}

impl<'a> Seat<'a> {
    /// The project, if this person manages its tokens now. To anybody else there is no such
    /// page.
    async fn find(
        app: &'a App,
        (cookie, person): (&'a Secret, &'a SignedIn),
        (org, project): (&str, &str),
    ) -> Result<Self, Refusal> {
        let (actor, issuer) = (Actor::Person(&person.user), app.issuer());
        let found = async {
            issuer.must_be_at(&actor, org, Some(project), Some(TOKENS_MANAGE)).await?;
            issuer.project(&actor, org, project).await
        };
        let found = match found.await {
            Ok(found) => found,
            Err(OrgError::Failed(error)) => return Err(Refusal::from(failure::page(app, &error))),
            Err(_) => return Err(Refusal::from(nothing(app, person))),
        };
        let path = format!("/orgs/{}/projects/{}/tokens", found.org, found.slug);
        let place = format!("{}/{}", found.org, found.slug);
        Ok(Self { app, cookie, person, place, path })
    }

    fn actor(&self) -> Actor<'a> {
        Actor::Person(&self.person.user)
    }

    /// The page; `typed` is what was filled in wrongly in the form that makes one.
    async fn page(
        &self,
        status: StatusCode,
        notice: Option<Notice>,
        typed: Option<&Params>,
    ) -> Response {
        let app = self.app;
        let tokens = match app.issuer().legacy_report(Some(&self.place)).await {
            Ok(tokens) => tokens,
            Err(LegacyError::Failed(error)) => return failure::page(app, &error),
            Err(_) => return nothing(app, self.person),
        };
        let now = app.clock().now();
        let moved = app.issuer().legacy_move();
        let blank = app.issuer().mints_legacy().then(|| Blank::at(self, typed));
        let telling = !tokens.is_empty() || blank.is_some();
        let view = View {
            frame: answer::frame(app, Some(self.person)),
            here: "older",
            notice,
            csrf: csrf::token(app, self.cookie, Purpose::Legacy(&self.place)),
            place: Shown::new(&self.place),
            phase: moved.map_or("", |moved| moved.phase.as_str()),
            banner: moved.filter(|_| telling).map(lines::banner),
            blank,
            summary: lines::summary(&tokens, now),
            more: tokens.len().saturating_sub(SHOWN),
            tokens: tokens.iter().take(SHOWN).map(|token| lines::line(token, now)).collect(),
            action: self.path.clone(),
            report_command: "hallpass admin legacy report".to_owned(),
        };
        answer::page(status, &view)
    }
}

/// The same for a project that is not there and for one that is not theirs (attack-27).
fn nothing(app: &App, person: &SignedIn) -> Response {
    let lines = ["There is no such project, or you do not own it. Ask one of its owners."];
    answer::error(app, Some(person), StatusCode::NOT_FOUND, "There is no such page for you", &lines)
}

async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((org, project)): Path<(String, String)>,
    request: Request,
) -> Page {
    let known = answer::person(&visitor, &app, request.uri().path())?;
    let seat = Seat::find(&app, known, (&org, &project)).await?;
    let notice = match query(request.uri()).get("done").unwrap_or_default() {
        "revoked" => Some(Notice::done(
            "The token is revoked.",
            "Whatever still uses it is refused from now on.",
        )),
        "gone" => Some(Notice::done("That token had been revoked before.", "")),
        _ => None,
    };
    Ok(seat.page(StatusCode::OK, notice, None).await)
}

async fn revoke(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Path((org, project)): Path<(String, String)>,
    Form(form): Form,
) -> Page {
    let known = answer::poster(&visitor, &app, "/")?;
    let seat = Seat::find(&app, known, (&org, &project)).await?;
    csrf::check(&app, Some(known.0), Purpose::Legacy(&seat.place), &form)?;
    let (actor, id) = (seat.actor(), form.get("id").unwrap_or_default());
    // Only what is this project's.
    Ok(match app.issuer().revoke_legacy_at(&actor, (&org, &project), id, &origin).await {
        Ok(true) => answer::see_other(&format!("{}?done=revoked", seat.path)),
        Ok(false) => answer::see_other(&format!("{}?done=gone", seat.path)),
        Err(OrgError::Failed(error)) => failure::page(&app, &error),
        Err(_) => nothing(&app, seat.person),
    })
}
