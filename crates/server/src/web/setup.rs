//! `/setup`: the first administrator of a fresh server.
//!
//! The link that the server printed has a code in it. It is moved at once into a
//! short-lived cookie, so that neither address bar, history nor referrer keep it.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use hallpass_core::Secret;
use hallpass_issuer::passwords::MIN_CHARS;
use hallpass_issuer::setup::SetUpError;
use hallpass_issuer::signin::SignInError;
use http::{HeaderMap, StatusCode};

use super::answer::{self, Page};
use super::csrf::{self, Purpose};
use super::home::query;
use super::jar::{self, Jar};
use super::shown::Shown;
use super::signin::refused;
use super::views::{Notice, SetUp, Way};
use crate::app::App;
use crate::http::{Form, Peer, cookie, failure};

/// Longest name of a person, in characters; the form says so too.
const MAX_NAME: usize = 100;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/setup", get(show).post(set_up))
}

async fn show(State(app): State<App>, headers: HeaderMap, request: Request) -> Response {
    if let Some(code) = query(request.uri()).get("code") {
        let clean = answer::see_other("/setup");
        return match Jar::Setup.keep(&app, code.trim()) {
            Some(kept) => answer::with_cookie(clean, kept),
            None => clean,
        };
    }
    match app.issuer().needs_setup().await {
        Ok(true) => form(&app, &headers, StatusCode::OK, Filled::default()),
        Ok(false) => done_already(&app),
        Err(error) => failure::page(&app, &error),
    }
}

/// What the form is filled with.
#[derive(Default)]
struct Filled<'a> {
    email: &'a str,
    name: &'a str,
    notice: Option<Notice>,
    /// The code that the link brought is not good.
    bad_code: bool,
}

fn form(app: &App, headers: &HeaderMap, status: StatusCode, filled: Filled<'_>) -> Response {
    let (visit, fresh) = jar::visit(app, headers);
    let view = SetUp {
        frame: answer::frame(app, None),
        notice: filled.notice,
        csrf: csrf::token(app, &visit, Purpose::SetUp),
        ask_code: filled.bad_code || Jar::Setup.read(app, headers).is_none(),
        email: Shown::typed(filled.email),
        name: Shown::typed(filled.name),
        min_password: MIN_CHARS,
        password_label: "Password",
    };
    let mut response = answer::page(status, &view);
    if let Some(fresh) = fresh {
        response = answer::with_cookie(response, fresh);
    }
    if filled.bad_code {
        response = answer::with_cookie(response, Jar::Setup.forget(app));
    }
    response
}

fn done_already(app: &App) -> Response {
    let way = Way { href: "/signin".to_owned(), label: "Sign in" };
    let heading = "This server is set up already";
    let lines = ["Its administrator can make more accounts."];
    let mut response = answer::outcome(app, None, "set-up", heading, &lines, Some(way));
    *response.status_mut() = StatusCode::GONE;
    answer::with_cookie(response, Jar::Setup.forget(app))
}

async fn set_up(
    State(app): State<App>,
    Peer(origin): Peer,
    headers: HeaderMap,
    Form(params): Form,
) -> Page {
    let visit = Jar::Visit.read(&app, &headers);
    csrf::check(&app, visit.as_ref(), Purpose::SetUp, &params)?;
    let field = |name| params.get(name).unwrap_or_default();
    let typed = params.get("code").map(|code| Secret::new(code.trim()));
    let code = typed.or_else(|| Jar::Setup.read(&app, &headers)).unwrap_or_default();
    let password = Secret::new(field("new_password"));
    let (email, name) = (field("email"), field("name").trim());
    let again = |status, what: String, bad_code| {
        let next = "Nothing was made yet. Correct it and send the form again.";
        let notice = Some(Notice::problem(what, next));
        form(&app, &headers, status, Filled { email, name, notice, bad_code })
    };
    const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
    if password != Secret::new(field("repeat_password")) {
        return Ok(again(REFUSED, "The two passwords are not the same.".to_owned(), false));
    }
    if Shown::typed(name).is_empty() || name.chars().count() > MAX_NAME {
        let what = format!("A name is needed, of at most {MAX_NAME} characters.");
        return Ok(again(REFUSED, what, false));
    }
    Ok(match app.issuer().set_up(code.expose(), email, name, &password, &origin).await {
        Ok(made) => {
            let response = answer::see_other("/?done=set-up");
            let response = answer::with_cookie(response, cookie::set(&app, &made.cookie));
            answer::with_cookie(response, Jar::Setup.forget(&app))
        }
        Err(SetUpError::AlreadySetUp) => done_already(&app),
        Err(SetUpError::WrongCode) => again(
            REFUSED,
            "The setup code is not the one that this server printed when it last started."
                .to_owned(),
            true,
        ),
        Err(SetUpError::Email(error)) => again(REFUSED, sentence(&error.to_string()), false),
        Err(SetUpError::Password(error)) => again(REFUSED, sentence(&error.to_string()), false),
        Err(SetUpError::Busy) => {
            let (status, notice, wait) = refused(&SignInError::Busy);
            let filled = Filled { email, name, notice: Some(notice), bad_code: false };
            let response = form(&app, &headers, status, filled);
            answer::with_retry_after(response, wait.unwrap_or_default())
        }
        Err(SetUpError::Failed(error)) => failure::page(&app, &error),
    })
}

/// `a password needs …` as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}
