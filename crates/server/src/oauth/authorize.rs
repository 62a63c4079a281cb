//! `/oauth/authorize` (RFC 6749 §3.1): GET decides; POST is turned into GET.
//!
//! A program's page may post here from anywhere (OIDC Core §3.1.2.1). Browsers leave a
//! Lax cookie out of such a post, so it changes nothing and is sent on, with 303
//! (A18), to where the cookie counts. There is no CORS here (A22).

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use hallpass_core::wire::params::{BadParams, Params};
use hallpass_core::wire::path::AUTHORIZE;
use hallpass_issuer::authorize::{Authorize, AuthorizeError};
use http::StatusCode;

use crate::app::App;
use crate::http::headers::NO_REFERRER;
use crate::http::{Peer, Visitor, failure, form};

/// Where somebody who must sign in first is sent.
const SIGN_IN: &str = "/signin";

pub(super) fn routes() -> Router<App> {
    Router::new().route(AUTHORIZE, get(decide).post(turn_into_get))
}

async fn decide(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    request: Request,
) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let params = match Params::parse(query.as_bytes()) {
        Ok(params) => params,
        Err(error) => return refused(&app, query, &visitor, &error).await,
    };
    match app.issuer().authorize(&params, visitor.signed_in.as_ref(), &origin).await {
        Ok(Authorize::SignIn { return_to, login_hint }) => {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("return_to", &return_to);
            if let Some(hint) = &login_hint {
                query.append_pair("login_hint", hint);
            }
            if visitor.signed_in.is_some() {
                query.append_pair("again", "1");
            }
            to(&format!("{SIGN_IN}?{}", query.finish()))
        }
        Ok(Authorize::Consent(prompt)) => match visitor.require() {
            Some((cookie, signed_in)) => crate::web::consent_page(&app, cookie, signed_in, &prompt),
            // The issuer asks nobody who is not signed in.
            None => to(SIGN_IN),
        },
        Ok(Authorize::Redirect(url)) | Err(AuthorizeError::Redirect(url)) => to(&url),
        Err(AuthorizeError::Page(error)) => {
            unreadable(&app, StatusCode::BAD_REQUEST, &error.to_string())
        }
        Err(AuthorizeError::Failed(error)) => failure::page(&app, &error),
    }
}

/// A parameter that comes twice is told to the client (RFC 6749 §4.1.2.1), unless it is
/// one of those that say who that is: which of two is meant cannot be known (A05).
async fn refused(app: &App, query: &str, visitor: &Visitor, error: &BadParams) -> Response {
    let told = match error {
        BadParams::Repeated(_) => {
            let (certain, person) = (only_once(query), visitor.signed_in.as_ref());
            app.issuer().refuse_unreadable(&certain, person, error.to_string()).await
        }
        BadParams::Encoding | BadParams::TooMany => Ok(None),
    };
    match told {
        Ok(Some(url)) => to(&url),
        Ok(None) => unreadable(app, StatusCode::BAD_REQUEST, &error.to_string()),
        Err(error) => failure::page(app, &error),
    }
}

/// The parameters that come once, and in UTF-8.
fn only_once(query: &str) -> Params {
    let all: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let comes_once = |name: &str| all.iter().filter(|(known, _)| known == name).count() == 1;
    let once = all.iter().filter(|(name, value)| comes_once(name) && !value.contains('\u{FFFD}'));
    let once = form_urlencoded::Serializer::new(String::new()).extend_pairs(once).finish();
    Params::parse(once.as_bytes()).unwrap_or_default()
}

async fn turn_into_get(State(app): State<App>, request: Request) -> Response {
    match form::read(request, app.settings().body_timeout).await {
        Ok(params) => to(&format!("{AUTHORIZE}?{}", params.to_query())),
        Err(error) => unreadable(&app, error.status(), &error.to_string()),
    }
}

/// 303, so that nothing that was posted is posted again elsewhere (RFC 9700 §4.12), and
/// without a referrer, because the URL may carry a code (A21).
fn to(url: &str) -> Response {
    ([NO_REFERRER], Redirect::to(url)).into_response()
}

fn unreadable(app: &App, status: StatusCode, what: &str) -> Response {
    let mut what = what.to_owned();
    if let Some(first) = what.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let next = format!(
        "{what}. Nothing was changed. Go back to the program and start again; if it stays, tell its author."
    );
    crate::web::error_page(app, status, "This sign-in request cannot be used", &next)
}
