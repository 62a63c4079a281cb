//! `/invitation`: who invites to what, and accepting it, with an account or with a new one.
//!
//! The link has a secret in it. It is moved at once into a short-lived cookie, so that neither
//! address bar, history nor referrer keep it.

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use hallpass_core::Secret;
use hallpass_issuer::orgs::invite::{self, AcceptError};
use hallpass_issuer::passwords::MIN_CHARS;
use hallpass_issuer::signin::SignInError;
use http::{HeaderMap, StatusCode};

use super::answer::{self, Page};
use super::csrf::{self, Purpose};
use super::home::query;
use super::jar::{self, Jar};
use super::setup::sentence;
use super::shown::Shown;
use super::signin::refused;
use super::views::{Frame, Notice, Way};
use crate::app::App;
use crate::http::{Form, Peer, Visitor, cookie, failure};

/// Longest name of a person, in characters; the form says so too.
const MAX_NAME: usize = 100;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(invite::PAGE, get(show).post(accept))
        .route("/invitation/join", post(join).get(back))
}

#[derive(Template)]
#[template(path = "orgs/invitation.html")]
struct View {
    frame: Frame,
    notice: Option<Notice>,
    csrf: String,
    name: Shown,
    inviter: Shown,
    inviter_email: Shown,
    email: Shown,
    /// `ORG`, or `ORG/PROJECT`; plain by its making.
    place: String,
    role: &'static str,
    /// Whoever it is for is signed in.
    accepts: bool,
    has_account: bool,
    typed: Shown,
    min_password: usize,
    password_label: &'static str,
}

async fn back() -> Response {
    answer::see_other(invite::PAGE)
}

async fn show(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    request: Request,
) -> Response {
    if let Some(code) = query(request.uri()).get("code") {
        let clean = answer::see_other(invite::PAGE);
        return match Jar::Invitation.keep(&app, code.trim()) {
            Some(kept) => answer::with_cookie(clean, kept),
            None => clean,
        };
    }
    let Some(secret) = Jar::Invitation.read(&app, &headers) else { return gone(&app, &visitor) };
    page(&app, &visitor, &headers, &secret, StatusCode::OK, None, "").await
}

async fn page(
    app: &App,
    visitor: &Visitor,
    headers: &HeaderMap,
    secret: &Secret,
    status: StatusCode,
    notice: Option<Notice>,
    typed: &str,
) -> Response {
    let found = match app.issuer().invitation(secret.expose()).await {
        Ok(found) => found,
        Err(error) => return failed(app, visitor, &error),
    };
    let known = visitor.require();
    if known.is_some_and(|(_, person)| person.user.email != found.email) {
        return not_theirs(app, visitor);
    }
    let id = found.id.to_string();
    let (visit, fresh) = jar::visit(app, headers);
    let bound = known.map_or(&visit, |(cookie, _)| cookie);
    let view = View {
        frame: answer::frame(app, known.map(|(_, person)| person)),
        notice,
        csrf: csrf::token(app, bound, Purpose::Invitation(&id)),
        name: Shown::new(&found.name),
        inviter: Shown::new(&found.inviter.0),
        inviter_email: Shown::new(&found.inviter.1),
        email: Shown::new(&found.email),
        place: found.place,
        role: found.role.as_str(),
        accepts: known.is_some(),
        has_account: found.has_account,
        typed: Shown::typed(typed),
        min_password: MIN_CHARS,
        password_label: "Password",
    };
    let response = answer::page(status, &view);
    match fresh {
        Some(fresh) if known.is_none() => answer::with_cookie(response, fresh),
        _ => response,
    }
}

async fn accept(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form,
) -> Page {
    let (cookie, person) = answer::poster(&visitor, &app, invite::PAGE)?;
    let Some(secret) = Jar::Invitation.read(&app, &headers) else {
        return Ok(gone(&app, &visitor));
    };
    let found = match app.issuer().invitation(secret.expose()).await {
        Ok(found) => found,
        Err(error) => return Ok(failed(&app, &visitor, &error)),
    };
    let id = found.id.to_string();
    csrf::check(&app, Some(cookie), Purpose::Invitation(&id), &form)?;
    Ok(match app.issuer().accept(secret.expose(), person, &origin).await {
        Ok(()) => joined(&app, &found.place),
        Err(error) => failed(&app, &visitor, &error),
    })
}

async fn join(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form,
) -> Page {
    let Some(secret) = Jar::Invitation.read(&app, &headers) else {
        return Ok(gone(&app, &visitor));
    };
    let found = match app.issuer().invitation(secret.expose()).await {
        Ok(found) => found,
        Err(error) => return Ok(failed(&app, &visitor, &error)),
    };
    let (id, visit) = (found.id.to_string(), Jar::Visit.read(&app, &headers));
    csrf::check(&app, visit.as_ref(), Purpose::Invitation(&id), &form)?;
    let field = |name| form.get(name).unwrap_or_default();
    let (name, password) = (field("name").trim(), Secret::new(field("new_password")));
    let next = "Nothing was made yet. Correct it and send the form again.";
    let wrong = if password != Secret::new(field("repeat_password")) {
        Some("The two passwords are not the same.".to_owned())
    } else if Shown::typed(name).is_empty() || name.chars().count() > MAX_NAME {
        Some(format!("A name is needed, of at most {MAX_NAME} characters."))
    } else {
        None
    };
    let wrong = match wrong {
        Some(wrong) => wrong,
        None => {
            let made = app.issuer().accept_as_new(secret.expose(), name, &password, &origin).await;
            match made {
                Ok(made) => {
                    let response = joined(&app, &found.place);
                    return Ok(answer::with_cookie(response, cookie::set(&app, &made.cookie)));
                }
                Err(AcceptError::Password(error)) => sentence(&error.to_string()),
                Err(AcceptError::HasAccount) => {
                    "There is an account with this address already.".to_owned()
                }
                Err(error) => return Ok(failed(&app, &visitor, &error)),
            }
        }
    };
    let (notice, status) = (Notice::problem(wrong, next), StatusCode::UNPROCESSABLE_ENTITY);
    Ok(page(&app, &visitor, &headers, &secret, status, Some(notice), name).await)
}

/// Where somebody was invited to.
fn joined(app: &App, place: &str) -> Response {
    let path = match place.split_once('/') {
        None => format!("/orgs/{place}?done=joined"),
        Some((org, project)) => format!("/orgs/{org}/projects/{project}?done=joined"),
    };
    answer::with_cookie(answer::see_other(&path), Jar::Invitation.forget(app))
}

fn failed(app: &App, visitor: &Visitor, error: &AcceptError) -> Response {
    match error {
        AcceptError::Failed(error) => failure::page(app, error),
        AcceptError::NotTheirs => not_theirs(app, visitor),
        AcceptError::Busy => {
            let (status, notice, wait) = refused(&SignInError::Busy);
            let mut response =
                answer::outcome(app, None, "busy", &notice.what, &[&notice.next], None);
            *response.status_mut() = status;
            answer::with_retry_after(response, wait.unwrap_or_default())
        }
        _ => gone(app, visitor),
    }
}

/// It is not told for whom it is.
fn not_theirs(app: &App, visitor: &Visitor) -> Response {
    let lines = [
        "You are signed in with another address than the one that was invited. Nothing was changed.",
        "Sign out on the front page, and open the link again with the right account.",
    ];
    let person = visitor.require().map(|(_, person)| person);
    answer::error(
        app,
        person,
        StatusCode::FORBIDDEN,
        "This invitation is for somebody else",
        &lines,
    )
}

/// Used, revoked, replaced, too old, or of somebody who may not invite any more: the same.
fn gone(app: &App, visitor: &Visitor) -> Response {
    let lines = [
        "It was used or revoked, is older than seven days, or whoever sent it may not invite any more.",
        "Ask them for another one.",
    ];
    let person = visitor.require().map(|(_, person)| person);
    let way = Some(Way { href: "/".to_owned(), label: "Go to the front page" });
    let heading = "This invitation is not good any more";
    let mut response = answer::outcome(app, person, "error-410", heading, &lines, way);
    *response.status_mut() = StatusCode::GONE;
    answer::with_cookie(response, Jar::Invitation.forget(app))
}
