//! `/settings/sessions`: browsers and programs that are signed in, and ending them.

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{get, post};
use hallpass_core::Timestamp;
use hallpass_core::wire::api::{Session, SessionKind};
use hallpass_issuer::session::Current;
use http::StatusCode;

use super::answer::{self, Page};
use super::browser;
use super::csrf::{self, Purpose};
use super::home::{login_command, query};
use super::shown::Shown;
use super::views::{Notice, SessionLine, Sessions};
use super::when;
use crate::app::App;
use crate::http::{Form, Peer, Visitor, failure};

const PAGE: &str = "/settings/sessions";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(PAGE, get(show))
        .route("/settings/sessions/end", post(end))
        .route("/settings/sessions/end-others", post(end_others))
}

async fn show(State(app): State<App>, visitor: Visitor, request: Request) -> Page {
    let (cookie, person) = answer::person(&visitor, &app, PAGE)?;
    let current = Some(Current::Session(person.session.id));
    let all = match app.issuer().sessions_of(person.user.id, current).await {
        Ok(all) => all,
        Err(error) => return Ok(failure::page(&app, &error)),
    };
    let now = app.clock().now();
    let (browsers, programs): (Vec<_>, Vec<_>) =
        all.iter().partition(|session| session.kind == SessionKind::Browser);
    let lines = |list: Vec<&Session>| list.into_iter().map(|session| line(session, now)).collect();
    let view = Sessions {
        frame: answer::frame(&app, Some(person)),
        here: "sessions",
        notice: notice(query(request.uri()).get("done").unwrap_or_default()),
        csrf: csrf::token(&app, cookie, Purpose::Sessions),
        programs: lines(programs),
        browsers: lines(browsers),
        login_command: login_command(&app),
    };
    Ok(answer::page(StatusCode::OK, &view))
}

fn line(session: &Session, now: Timestamp) -> SessionLine {
    let (kind, name) = match session.kind {
        SessionKind::Browser => ("browser", browser::name(&session.name)),
        SessionKind::Program => ("program", session.name.clone()),
        SessionKind::Device => ("device", session.name.clone()),
    };
    SessionLine {
        id: session.id.clone(),
        kind,
        name: Shown::new(&name),
        host: Shown::some(session.reported_host.as_deref()),
        address: Shown::some(session.address.as_deref()),
        created_at: session.created_at.to_rfc3339(),
        created: when::ago(now.since(session.created_at)),
        // The browser that looks at the list is in use.
        used: session
            .last_used_at
            .filter(|_| !session.current)
            .map(|used| when::ago(now.since(used))),
        current: session.current,
        bound: session.bound,
        copy_tried: session.copy_tried.as_ref().map(|tried| {
            let address = tried.address.as_deref().unwrap_or("an address that is not known");
            (Shown::new(address), tried.at.to_rfc3339(), when::ago(now.since(tried.at)))
        }),
    }
}

fn notice(done: &str) -> Option<Notice> {
    match done {
        "ended" => Some(Notice::done("It is signed out.", "")),
        "others" => Some(Notice::done("Everything but this browser is signed out.", "")),
        "gone" => Some(Notice::done("It had been signed out before.", "Nothing was left to end.")),
        _ => None,
    }
}

async fn end(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Form(form): Form,
) -> Page {
    let (_, person) = answer::posted(&visitor, &app, PAGE, Purpose::Sessions, &form)?;
    let id = form.get("id").unwrap_or_default();
    Ok(match app.issuer().end_session(person.user.id, id, &origin).await {
        Ok(true) => answer::see_other("/settings/sessions?done=ended"),
        Ok(false) => answer::see_other("/settings/sessions?done=gone"),
        Err(error) => failure::page(&app, &error),
    })
}

async fn end_others(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Form(form): Form,
) -> Page {
    let (_, person) = answer::posted(&visitor, &app, PAGE, Purpose::Sessions, &form)?;
    let current = Some(Current::Session(person.session.id));
    let all = match app.issuer().sessions_of(person.user.id, current).await {
        Ok(all) => all,
        Err(error) => return Ok(failure::page(&app, &error)),
    };
    for session in all.iter().filter(|session| !session.current) {
        if let Err(error) = app.issuer().end_session(person.user.id, &session.id, &origin).await {
            return Ok(failure::page(&app, &error));
        }
    }
    Ok(answer::see_other("/settings/sessions?done=others"))
}
