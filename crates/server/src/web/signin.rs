//! `/signin` and `/signout`.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use hallpass_core::Secret;
use hallpass_core::wire::params::Params;
use hallpass_issuer::authorize::{Authorize, AuthorizeError};
use hallpass_issuer::signin::{SignInError, SignedInCookie};
use hallpass_issuer::{Origin, SignedIn};
use http::{HeaderMap, StatusCode};
use std::time::Duration;

use super::answer::{self, Page};
use super::csrf::{self, Purpose};
use super::home::query;
use super::jar::{self, Jar};
use super::return_to::ReturnTo;
use super::shown::Shown;
use super::views::{Notice, SignIn, Stay};
use super::when;
use crate::app::App;
use crate::http::{Form, Peer, Visitor, cookie, failure};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/signin", get(show).post(sign_in)).route("/signout", post(sign_out))
}

/// What the form is filled with.
#[derive(Default)]
struct Filled {
    email: String,
    notice: Option<Notice>,
    rejected: bool,
}

async fn show(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let query = query(request.uri());
    let email = query.get("login_hint").unwrap_or_default().to_owned();
    form(&app, &visitor, &headers, &query, StatusCode::OK, Filled { email, ..Filled::default() })
}

/// The form. `params` says where to return to, and whether the person who is signed in
/// already has to sign in again.
fn form(
    app: &App,
    visitor: &Visitor,
    headers: &HeaderMap,
    params: &Params,
    status: StatusCode,
    filled: Filled,
) -> Response {
    let return_to = target(app, params);
    let (visit, fresh) = jar::visit(app, headers);
    let person = visitor.signed_in.as_ref();
    let again = params.get("again").is_some() && person.is_some();
    let stay = person
        .filter(|_| !again)
        .map(|person| Stay { email: Shown::new(&person.user.email), href: return_to.to_string() });
    let view = SignIn {
        frame: answer::frame(app, person),
        notice: filled.notice,
        csrf: csrf::token(app, &visit, Purpose::SignIn),
        purpose: return_to.purpose(),
        return_to: return_to.to_string(),
        again,
        stay,
        email: Shown::typed(&filled.email),
        rejected: filled.rejected,
    };
    let response = answer::page(status, &view);
    match fresh {
        Some(fresh) => answer::with_cookie(response, fresh),
        None => response,
    }
}

fn target(app: &App, params: &Params) -> ReturnTo {
    ReturnTo::parse(params.get("return_to").unwrap_or("/"), app.public_url())
}

async fn sign_in(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    headers: HeaderMap,
    Form(params): Form,
) -> Page {
    let visit = Jar::Visit.read(&app, &headers);
    // A page that was left open over night is nothing to be blamed for: here is a fresh one.
    if visit.as_ref().is_some_and(|visit| !csrf::holds(&app, visit, Purpose::SignIn, &params)) {
        let notice = Notice::problem(
            "This page was open for too long, or came from elsewhere.",
            "You are not signed in. Sign in here.",
        );
        let filled = Filled { notice: Some(notice), ..Filled::default() };
        return Ok(form(&app, &visitor, &headers, &params, StatusCode::FORBIDDEN, filled));
    }
    csrf::check(&app, visit.as_ref(), Purpose::SignIn, &params)?;
    let email = params.get("email").unwrap_or_default();
    let password = Secret::new(params.get("password").unwrap_or_default());
    let old = visitor.cookie.as_ref();
    Ok(match app.issuer().sign_in(email, &password, old, &origin).await {
        Ok(SignedInCookie { cookie, signed_in }) => {
            let response = arrive(&app, &signed_in, &origin, &target(&app, &params)).await;
            answer::with_cookie(response, cookie::set(&app, &cookie))
        }
        Err(SignInError::Failed(error)) => failure::page(&app, &error),
        Err(error) => {
            let (status, notice, wait) = refused(&error);
            let rejected = matches!(error, SignInError::Wrong);
            let filled = Filled { email: email.to_owned(), notice: Some(notice), rejected };
            let response = form(&app, &visitor, &headers, &params, status, filled);
            match wait {
                Some(wait) => answer::with_retry_after(response, wait),
                None => response,
            }
        }
    })
}

/// How a refusal reads. The same whether there is such an account or not (attack-36).
pub(super) fn refused(error: &SignInError) -> (StatusCode, Notice, Option<Duration>) {
    match error {
        SignInError::Limited { retry_after } => (
            StatusCode::TOO_MANY_REQUESTS,
            Notice::problem(
                "There were too many wrong passwords.",
                format!("Nothing was changed. Try again in {}.", when::wait(*retry_after)),
            ),
            Some(*retry_after),
        ),
        SignInError::Busy => (
            StatusCode::TOO_MANY_REQUESTS,
            Notice::problem(
                "Too many people are signing in at this moment.",
                "Nothing was changed. Try again in a few seconds.",
            ),
            Some(Duration::from_secs(3)),
        ),
        SignInError::Wrong | SignInError::Failed(_) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            Notice::problem(
                "E-mail and password do not match.",
                "You are not signed in. Check both and try again.",
            ),
            None,
        ),
    }
}

/// Where a person goes who has just signed in.
///
/// An authorization request may answer with a redirect to its client at once, and
/// browsers would hold `form-action` against that. So it is asked here, and its answer
/// is a page that goes on by itself.
async fn arrive(app: &App, person: &SignedIn, origin: &Origin, to: &ReturnTo) -> Response {
    if let Some(request) = to.authorization_request() {
        match app.issuer().authorize(&request, Some(person), origin).await {
            Ok(Authorize::Redirect(url)) | Err(AuthorizeError::Redirect(url)) => {
                let text = "Going back to the program that asked.".to_owned();
                return answer::go_on(app, Some(person), "You are signed in", text, url);
            }
            Ok(_) | Err(_) => {}
        }
    }
    answer::see_other(to.as_str())
}

async fn sign_out(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Form(params): Form,
) -> Page {
    // Signing out twice is signing out.
    let Some((session, person)) = visitor.require() else {
        return Ok(answer::with_cookie(
            answer::see_other("/?done=signed-out"),
            cookie::clear(&app),
        ));
    };
    csrf::check(&app, Some(session), Purpose::SignOut, &params)?;
    Ok(match app.issuer().sign_out(person, &origin).await {
        Ok(()) => answer::with_cookie(answer::see_other("/?done=signed-out"), cookie::clear(&app)),
        Err(error) => failure::page(&app, &error),
    })
}
