//! Pages, redirects and refusals as HTTP answers.

use std::time::Duration;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use hallpass_core::Secret;
use hallpass_core::brand::Brand;
use hallpass_core::wire::params::Params;
use hallpass_issuer::SignedIn;
use http::header::{LOCATION, RETRY_AFTER, SET_COOKIE};
use http::{HeaderValue, StatusCode};

use super::csrf::{self, Purpose};
use super::return_to::ReturnTo;
use super::shown::Shown;
use super::views::{Continue, Entry, Frame, Message, Way};
use super::when;
use crate::app::App;
use crate::http::Visitor;
use crate::http::headers::NO_REFERRER;

/// What a handler of pages answers.
pub(super) type Page = Result<Response, Refusal>;

/// What is answered in place of what was asked for: sign in first, there is no such thing, the
/// form came from elsewhere. In a box, because an answer is large and this is the rare way.
#[derive(Debug)]
pub(super) struct Refusal(Box<Response>);

impl From<Response> for Refusal {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl Refusal {
    /// As what it is answered.
    pub(super) fn status(&self) -> StatusCode {
        self.0.status()
    }
}

/// What surrounds a page.
pub(super) fn frame(app: &App, signed_in: Option<&SignedIn>) -> Frame {
    Frame {
        brand: app.brand().title.clone(),
        stylesheet: app.assets().style(),
        icon: app.assets().icon(),
        logo: app.brand().look.logo.is_some(),
        account: signed_in.map(|person| Shown::new(&person.user.email)),
        admin: signed_in.is_some_and(|person| person.user.admin),
        local: app.issuer().is_local(),
        words: app.brand().words.clone(),
        menu: menu(app.brand(), signed_in.is_some_and(|person| person.manages_keys)),
    }
}

/// The pages about oneself, as the brand calls them. Those of keys and trust belong to an organization
/// or a project: they are here only if the brand gives them a name, and for whoever manages the
/// keys of some place.
fn menu(brand: &Brand, manages_keys: bool) -> Vec<Entry> {
    let all = [
        ("/settings/sessions", "sessions", "Sign-ins"),
        ("/settings/tokens", "tokens", "Tokens"),
        ("/settings/agents", "agents", "Agents"),
        ("/settings/approvals", "approvals", "Approvals"),
        ("/orgs", "orgs", "Organizations"),
        ("/settings/keys", "keys", ""),
        ("/settings/trust", "trust", ""),
        ("/settings/security", "security", "Password"),
    ];
    let entries = all.into_iter().map(|(page, here, usual)| {
        let label = brand.pages.names.get(page).cloned().unwrap_or_else(|| usual.to_owned());
        let shown = manages_keys || !matches!(here, "keys" | "trust");
        Entry { page, here, label, shown }
    });
    entries.filter(|entry| !entry.label.is_empty()).collect()
}

/// `view` as a page.
pub(super) fn page(status: StatusCode, view: &impl Template) -> Response {
    match view.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(cause = %error, "a page could not be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// 303 to a path of ours.
pub(super) fn see_other(path: &str) -> Response {
    match HeaderValue::from_str(path) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A page that goes on to `target`, which may be of another origin and hold a code:
/// 200 and meta refresh, because browsers apply `form-action` to redirects that answer
/// a post, and no referrer (A21).
pub(super) fn go_on(
    app: &App,
    signed_in: Option<&SignedIn>,
    heading: &'static str,
    text: String,
    target: String,
) -> Response {
    let view = Continue { frame: frame(app, signed_in), heading, text, target };
    let mut response = page(StatusCode::OK, &view);
    let (name, value) = NO_REFERRER;
    response.headers_mut().insert(name, value);
    response
}

/// An outcome: what happened, and where to go next.
pub(super) fn outcome(
    app: &App,
    signed_in: Option<&SignedIn>,
    outcome: &str,
    heading: &str,
    lines: &[&str],
    way: Option<Way>,
) -> Response {
    let lines = lines.iter().map(|line| (*line).to_owned()).collect();
    let view = Message {
        frame: frame(app, signed_in),
        outcome: outcome.to_owned(),
        heading: heading.to_owned(),
        lines,
        way,
    };
    page(StatusCode::OK, &view)
}

/// What went wrong, what was kept, what to do next.
pub(super) fn error(
    app: &App,
    signed_in: Option<&SignedIn>,
    status: StatusCode,
    heading: &str,
    lines: &[&str],
) -> Response {
    let way = Way { href: "/".to_owned(), label: "Go to the front page" };
    let name = format!("error-{}", status.as_u16());
    let mut response = outcome(app, signed_in, &name, heading, lines, Some(way));
    *response.status_mut() = status;
    response
}

/// A form came a second time that shows the text of a new `kind` once; `what` says what that did.
pub(super) fn sent_before(
    app: &App,
    person: &SignedIn,
    kind: &str,
    what: &str,
    way: Option<Way>,
) -> Response {
    let next = format!("If the text was not copied, revoke that {kind} and make another.");
    let (heading, lines) = ("This form was sent before", [what, &next]);
    let mut response = outcome(app, Some(person), "sent-before", heading, &lines, way);
    *response.status_mut() = StatusCode::CONFLICT;
    response
}

/// A limit was reached: 429, and when to come back.
pub(super) fn too_many(
    app: &App,
    signed_in: Option<&SignedIn>,
    heading: &str,
    kept: &str,
    wait: Duration,
) -> Response {
    let next = format!("{kept} Try again in {}.", when::wait(wait));
    let response = error(app, signed_in, StatusCode::TOO_MANY_REQUESTS, heading, &[&next]);
    with_retry_after(response, wait)
}

/// `response`, and when to come back. One second more than it takes: what is counted is
/// counted to the second.
pub(super) fn with_retry_after(mut response: Response, wait: Duration) -> Response {
    let secs = wait.as_secs().saturating_add(1);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(secs));
    response
}

/// `response`, and a cookie.
pub(super) fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().append(SET_COOKIE, cookie);
    response
}

/// The person who looks at a page, or the way to sign in first and come back.
pub(super) fn person<'a>(
    visitor: &'a Visitor,
    app: &App,
    here: &str,
) -> Result<(&'a Secret, &'a SignedIn), Refusal> {
    visitor.require().ok_or_else(|| {
        let here = ReturnTo::parse(here, app.public_url());
        Refusal::from(see_other(&here.through_signin()))
    })
}

/// The person who posts a form of ours. Whoever was signed out meanwhile learns that
/// nothing was done, and comes back to `page` after signing in.
pub(super) fn poster<'a>(
    visitor: &'a Visitor,
    app: &App,
    page: &str,
) -> Result<(&'a Secret, &'a SignedIn), Refusal> {
    visitor.require().ok_or_else(|| {
        let back = ReturnTo::parse(page, app.public_url());
        let way = Way { href: back.through_signin(), label: "Sign in" };
        let lines = ["Nothing was changed. Sign in, and do it once more."];
        let heading = "You are signed out";
        let mut response = outcome(app, None, "signed-out", heading, &lines, Some(way));
        *response.status_mut() = StatusCode::FORBIDDEN;
        Refusal::from(response)
    })
}

/// The same, and the form came from such a page: what every post of a form begins with.
pub(super) fn posted<'a>(
    visitor: &'a Visitor,
    app: &App,
    page: &str,
    purpose: Purpose<'_>,
    form: &Params,
) -> Result<(&'a Secret, &'a SignedIn), Refusal> {
    let known = poster(visitor, app, page)?;
    csrf::check(app, Some(known.0), purpose, form)?;
    Ok(known)
}
