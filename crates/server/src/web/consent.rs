//! The question at `/oauth/authorize`, and its answer.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use hallpass_core::Secret;
use hallpass_core::wire::params::Params;
use hallpass_core::wire::path::AUTHORIZE;
use hallpass_issuer::SignedIn;
use hallpass_issuer::authorize::{AuthorizeError, ConsentPrompt};
use http::StatusCode;

use super::answer::{self, Page};
use super::csrf::{self, Purpose};
use super::return_to::ReturnTo;
use super::setup::sentence;
use super::shown::Shown;
use super::views::{Consent, ScopeLine};
use crate::app::App;
use crate::http::{Form, Peer, Visitor, failure};

const DECISION: &str = "/oauth/authorize/decision";

pub(super) fn routes() -> Router<App> {
    Router::new().route(DECISION, post(decide))
}

/// Names client, redirect host, scopes and account, and asks (A25).
pub(crate) fn page(
    app: &App,
    cookie: &Secret,
    signed_in: &SignedIn,
    prompt: &ConsentPrompt,
) -> Response {
    let request = prompt.request.to_query();
    let here = ReturnTo::parse(&format!("{AUTHORIZE}?{request}"), app.public_url());
    let view = Consent {
        frame: answer::frame(app, Some(signed_in)),
        csrf: csrf::token(app, cookie, Purpose::Consent(&request)),
        client_name: Shown::new(&prompt.client_name),
        client_id: Shown::new(&prompt.client_id),
        redirect_host: Shown::new(&prompt.redirect_host),
        loopback: prompt.loopback,
        private_scheme: prompt.private_scheme,
        scopes: ScopeLine::all(&prompt.scopes),
        resources: prompt.resources.iter().map(|resource| Shown::new(resource)).collect(),
        email: Shown::new(&prompt.user_email),
        other_account: here.through_signin(),
        request,
    };
    answer::page(StatusCode::OK, &view)
}

async fn decide(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Form(form): Form,
) -> Page {
    let request = form.get("request").unwrap_or_default();
    let (_, person) = answer::posted(
        &visitor,
        &app,
        &format!("{AUTHORIZE}?{request}"),
        Purpose::Consent(request),
        &form,
    )?;
    let Ok(params) = Params::parse(request.as_bytes()) else {
        return Ok(unusable(&app, person, "the request did not arrive in one piece"));
    };
    let (heading, outcome) = match form.get("decision") {
        Some("approve") => ("Approved", app.issuer().approve(&params, person, &origin).await),
        Some("deny") => ("Denied", app.issuer().deny(&params, person).await),
        _ => return Ok(unusable(&app, person, "the form says neither approve nor deny")),
    };
    Ok(match outcome {
        Ok(url) => {
            let text = "Going back to the program that asked.".to_owned();
            answer::go_on(&app, Some(person), heading, text, url)
        }
        Err(AuthorizeError::Redirect(url)) => {
            let text = "The program is told why.".to_owned();
            answer::go_on(&app, Some(person), "This cannot be approved", text, url)
        }
        Err(AuthorizeError::Page(error)) => unusable(&app, person, &error.to_string()),
        Err(AuthorizeError::Failed(error)) => failure::page(&app, &error),
    })
}

fn unusable(app: &App, person: &SignedIn, why: &str) -> Response {
    let lines = [&*sentence(why), "Nothing was approved. Go back to the program and start again."];
    let heading = "This sign-in request cannot be used";
    answer::error(app, Some(person), StatusCode::BAD_REQUEST, heading, &lines)
}
