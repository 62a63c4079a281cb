//! `/orgs/{org}/projects/{project}/tokens`: tokens of the system that was there before,
//! for the owners of their project: which still work, who still uses them, and their end.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use hallpass_core::role::ProjectRole;
use hallpass_core::{Secret, Timestamp};
use hallpass_issuer::SignedIn;
use hallpass_issuer::legacy::{InUse, LegacyError, Move, Phase};
use hallpass_issuer::orgs::OrgError;
use hallpass_issuer::tokens::Actor;
use http::StatusCode;

use super::answer;
use super::csrf::{self, Purpose};
use super::home::query;
use super::shown::Shown;
use super::views::{Frame, Notice};
use super::when;
use crate::app::App;
use crate::http::{Form, Visitor, failure};

const PAGE: &str = "/orgs/{org}/projects/{project}/tokens";
/// On the page; who has more looks at the report.
const SHOWN: usize = 200;

pub(super) fn routes() -> Router<App> {
    Router::new().route(PAGE, get(show).post(revoke))
}

/// A token of the older system, as an owner of its project reads it.
#[derive(Clone, Debug)]
struct Line {
    id: String,
    name: Shown,
    /// `stk_…x7Qa`; empty where the older system kept nothing of it.
    text: String,
    role: &'static str,
    owner: Option<Shown>,
    created_at: String,
    created: String,
    used: String,
    unused: bool,
    ends: Option<String>,
}

/// The page.
#[derive(Template)]
#[template(path = "legacy.html")]
struct View {
    frame: Frame,
    notice: Option<Notice>,
    csrf: String,
    place: Shown,
    action: String,
    /// For tests: `A`, `B`, `C`.
    phase: &'static str,
    banner: Option<Notice>,
    tokens: Vec<Line>,
    more: usize,
    report_command: String,
}

/// A project, and an owner of it who looks at its page.
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
    /// The project, if this person owns it now. To anybody else there is no such page.
    async fn find(
        app: &'a App,
        (cookie, person): (&'a Secret, &'a SignedIn),
        (org, project): (&str, &str),
    ) -> Result<Self, Box<Response>> {
        let actor = Actor::Person(&person.user);
        let found = match app.issuer().project(&actor, org, project).await {
            Ok(found) if found.role == Some(ProjectRole::Owner) => found,
            Err(OrgError::Failed(error)) => return Err(Box::new(failure::page(app, &error))),
            _ => return Err(Box::new(nothing(app, person))),
        };
        let path = format!("/orgs/{}/projects/{}/tokens", found.org, found.slug);
        let place = format!("{}/{}", found.org, found.slug);
        Ok(Self { app, cookie, person, place, path })
    }

    async fn tokens(&self) -> Result<Vec<InUse>, Box<Response>> {
        let report = self.app.issuer().legacy_report(Some(&self.place)).await;
        report.map_err(|error| Box::new(self.refused(error)))
    }

    fn refused(&self, error: LegacyError) -> Response {
        match error {
            LegacyError::Failed(error) => failure::page(self.app, &error),
            _ => nothing(self.app, self.person),
        }
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
) -> Response {
    let known = match answer::person(&visitor, &app, request.uri().path()) {
        Ok(known) => known,
        Err(signed_out) => return *signed_out,
    };
    let seat = match Seat::find(&app, known, (&org, &project)).await {
        Ok(seat) => seat,
        Err(refusal) => return *refusal,
    };
    let tokens = match seat.tokens().await {
        Ok(tokens) => tokens,
        Err(refusal) => return *refusal,
    };
    let now = app.clock().now();
    let moved = app.issuer().legacy_move();
    let view = View {
        frame: answer::frame(&app, Some(seat.person)),
        notice: match query(request.uri()).get("done").unwrap_or_default() {
            "revoked" => Some(Notice::done("The token is revoked.", "")),
            "gone" => Some(Notice::done("That token had been revoked before.", "")),
            _ => None,
        },
        csrf: csrf::token(&app, seat.cookie, Purpose::Legacy(&seat.place)),
        place: Shown::new(&seat.place),
        phase: moved.map_or("", |moved| moved.phase.as_str()),
        banner: moved.filter(|_| !tokens.is_empty()).map(banner),
        more: tokens.len().saturating_sub(SHOWN),
        tokens: tokens.iter().take(SHOWN).map(|token| line(token, now)).collect(),
        action: seat.path,
        report_command: format!("{} admin legacy report", app.brand().name),
    };
    answer::page(StatusCode::OK, &view)
}

/// What the phase means for whoever still uses them (ST13).
fn banner(moved: Move) -> Notice {
    let since = when::day(moved.since);
    let end = match moved.sunset {
        Some(end) => format!("They work until {}.", when::last_day(end)),
        None => "No end is set for those that work now.".to_owned(),
    };
    match moved.phase {
        Phase::A => Notice::caution(
            "These tokens are on their way out.",
            format!("Since {since}, personal tokens take their place. {end}"),
        ),
        Phase::B => Notice::caution(
            "These tokens are deprecated.",
            format!("Since {since}, none is made any more, and programs that use one warn. {end}"),
        ),
        Phase::C => Notice::problem(
            "These tokens are over, but for those that are listed here.",
            format!("Since {since}, none is taken for a sign-in any more. {end}"),
        ),
    }
}

fn line(it: &InUse, now: Timestamp) -> Line {
    let token = &it.token;
    let used = match token.last_used_at {
        None => "never used since it was taken over".to_owned(),
        Some(at) => {
            let ago = when::ago(now.since(at));
            let from = Shown::some(token.last_used_address.as_deref());
            from.map_or(format!("last used {ago}"), |from| format!("last used {ago} from {from}"))
        }
    };
    let text = match &*token.last_four {
        "" => String::new(),
        last => format!("{}…{last}", token.prefix),
    };
    Line {
        id: token.id.to_string(),
        name: Shown::new(&token.name),
        text,
        role: match token.role {
            Some(ProjectRole::Viewer) => "viewer",
            Some(ProjectRole::Owner) => "owner",
            _ => "collaborator",
        },
        owner: Shown::some(it.owner.as_deref()),
        created_at: token.created_at.to_rfc3339(),
        created: when::ago(now.since(token.created_at)),
        used,
        unused: token.last_used_at.is_none(),
        ends: token.expires_at.map(|end| format!("Ends on {}.", when::last_day(end))),
    }
}

async fn revoke(
    State(app): State<App>,
    visitor: Visitor,
    Path((org, project)): Path<(String, String)>,
    Form(form): Form,
) -> Response {
    let known = match answer::poster(&visitor, &app, "/") {
        Ok(known) => known,
        Err(signed_out) => return *signed_out,
    };
    let seat = match Seat::find(&app, known, (&org, &project)).await {
        Ok(seat) => seat,
        Err(refusal) => return *refusal,
    };
    if let Err(refusal) = csrf::check(&app, Some(known.0), Purpose::Legacy(&seat.place), &form) {
        return *refusal;
    }
    let tokens = match seat.tokens().await {
        Ok(tokens) => tokens,
        Err(refusal) => return *refusal,
    };
    // Only what is this project's.
    let id = form.get("id").unwrap_or_default();
    let Some(token) = tokens.iter().find(|it| it.token.id.to_string() == id) else {
        return answer::see_other(&format!("{}?done=gone", seat.path));
    };
    let actor = seat.person.user.id.to_string();
    match app.issuer().revoke_legacy(&token.token.id.to_string(), &actor).await {
        Ok(true) => answer::see_other(&format!("{}?done=revoked", seat.path)),
        Ok(false) => answer::see_other(&format!("{}?done=gone", seat.path)),
        Err(error) => seat.refused(error),
    }
}
