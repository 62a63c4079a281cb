//! `/settings/security`: the password.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use hallpass_core::Secret;
use hallpass_issuer::SignedIn;
use hallpass_issuer::passwords::MIN_CHARS;
use hallpass_issuer::signin::{ChangePasswordError, SignInError};
use http::StatusCode;

use super::answer::{self, Page};
use super::csrf::{self, Purpose};
use super::home::query;
use super::setup::sentence;
use super::shown::Shown;
use super::signin::refused;
use super::views::{Notice, Security};
use crate::app::App;
use crate::http::{Form, Peer, Visitor, failure};

const PAGE: &str = "/settings/security";
const KEPT: &str = "The password was not changed.";

pub(super) fn routes() -> Router<App> {
    Router::new().route(PAGE, get(show).post(change))
}

async fn show(State(app): State<App>, visitor: Visitor, request: Request) -> Page {
    let (cookie, person) = answer::person(&visitor, &app, PAGE)?;
    let changed = query(request.uri()).get("done") == Some("changed");
    let notice = changed.then(|| {
        Notice::done(
            "The password is changed.",
            "Every other browser and every program is signed out.",
        )
    });
    Ok(form(&app, cookie, person, StatusCode::OK, notice, false))
}

fn form(
    app: &App,
    cookie: &Secret,
    person: &SignedIn,
    status: StatusCode,
    notice: Option<Notice>,
    rejected: bool,
) -> Response {
    let view = Security {
        frame: answer::frame(app, Some(person)),
        here: "security",
        notice,
        csrf: csrf::token(app, cookie, Purpose::Password),
        email: Shown::new(&person.user.email),
        rejected,
        min_password: MIN_CHARS,
        password_label: "New password",
    };
    answer::page(status, &view)
}

async fn change(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Form(params): Form,
) -> Page {
    let (cookie, person) = answer::posted(&visitor, &app, PAGE, Purpose::Password, &params)?;
    let secret = |name| Secret::new(params.get(name).unwrap_or_default());
    let (present, new) = (secret("password"), secret("new_password"));
    let again = |notice, rejected| {
        form(&app, cookie, person, StatusCode::UNPROCESSABLE_ENTITY, Some(notice), rejected)
    };
    if new != secret("repeat_password") {
        return Ok(again(Notice::problem("The two new passwords are not the same.", KEPT), false));
    }
    Ok(match app.issuer().change_password(person, &present, &new, &origin).await {
        Ok(()) => answer::see_other("/settings/security?done=changed"),
        Err(ChangePasswordError::Password(error)) => {
            again(Notice::problem(sentence(&error.to_string()), KEPT), false)
        }
        Err(ChangePasswordError::SignIn(SignInError::Failed(error))) => failure::page(&app, &error),
        Err(ChangePasswordError::SignIn(SignInError::Wrong)) => {
            again(Notice::problem("The current password is not this one.", KEPT), true)
        }
        Err(ChangePasswordError::SignIn(error)) => {
            let (status, notice, wait) = refused(&error);
            let response = form(&app, cookie, person, status, Some(notice), false);
            match wait {
                Some(wait) => answer::with_retry_after(response, wait),
                None => response,
            }
        }
    })
}
