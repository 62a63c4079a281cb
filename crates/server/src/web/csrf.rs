//! What a form carries, and how it is checked (A23, D13).
//!
//! The token is bound to a cookie and to a purpose, and where a page asks for a
//! decision, to what that page showed: a token from one consent page approves no other
//! request. Made and checked by the issuer, without keeping anything.

use axum::response::Response;
use hallpass_core::Secret;
use hallpass_core::wire::params::Params;
use http::StatusCode;

use super::answer::{self, Refusal};
use crate::app::App;

/// Name of the hidden field.
pub(super) const FIELD: &str = "csrf";

/// What a form is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose<'a> {
    /// Signing in.
    SignIn,
    /// Making the first administrator.
    SetUp,
    /// Approving or denying this authorization request.
    Consent(&'a str),
    /// Looking up a user code.
    DeviceCode,
    /// Approving or denying the device with this user code.
    DeviceDecision(&'a str),
    /// Ending sign-ins of one's own.
    Sessions,
    /// Stopping agents of one's own.
    Agents,
    /// Approving or denying the question of this id about the action of this digest.
    Approval(&'a str, &'a str),
    /// Making one token for this person, once.
    NewToken(&'a str, &'a str),
    /// Changing or revoking this token.
    Token(&'a str),
    /// Making one key at this place, once.
    NewKey(&'a str, &'a str),
    /// Rotating or revoking this key.
    Key(&'a str),
    /// Revoking an older system's token of this project.
    Legacy(&'a str),
    /// Making one like those for this project, once.
    NewLegacy(&'a str, &'a str),
    /// What an administrator does to this.
    Operate(&'a str),
    /// Whatever is done at this organization or project; at none of them, if it is empty.
    Place(&'a str),
    /// Letting jobs into this organization or project, or no more.
    Trust(&'a str),
    /// Accepting this invitation.
    Invitation(&'a str),
    /// Changing the password.
    Password,
    /// Signing out of this browser.
    SignOut,
    /// Answering this logout request.
    Logout(&'a str),
}

impl Purpose<'_> {
    fn text(&self) -> String {
        match self {
            Self::SignIn => "web/signin".to_owned(),
            Self::SetUp => "web/setup".to_owned(),
            Self::Consent(request) => format!("web/consent {request}"),
            Self::DeviceCode => "web/device".to_owned(),
            Self::DeviceDecision(code) => format!("web/device/decision {code}"),
            Self::Sessions => "web/sessions".to_owned(),
            Self::Agents => "web/agents".to_owned(),
            Self::Approval(id, digest) => format!("web/approvals {id} {digest}"),
            Self::NewToken(owner, once) => format!("web/tokens/new {owner} {once}"),
            Self::Token(id) => format!("web/tokens/one {id}"),
            Self::NewKey(place, once) => format!("web/keys/new {place} {once}"),
            Self::Key(id) => format!("web/keys/one {id}"),
            Self::Legacy(place) => format!("web/legacy {place}"),
            Self::NewLegacy(place, once) => format!("web/legacy/new {place} {once}"),
            Self::Operate(what) => format!("web/admin {what}"),
            Self::Place(id) => format!("web/orgs {id}"),
            Self::Trust(id) => format!("web/trust {id}"),
            Self::Invitation(id) => format!("web/invitation {id}"),
            Self::Password => "web/password".to_owned(),
            Self::SignOut => "web/signout".to_owned(),
            Self::Logout(request) => format!("web/logout {request}"),
        }
    }
}

/// The token for a form of `purpose` in the browser that has `cookie`.
pub(super) fn token(app: &App, cookie: &Secret, purpose: Purpose<'_>) -> String {
    app.issuer().csrf_token(cookie.expose(), &purpose.text())
}

/// Whether `form` came from such a page; the answer to give if not.
pub(super) fn check(
    app: &App,
    cookie: Option<&Secret>,
    purpose: Purpose<'_>,
    form: &Params,
) -> Result<(), Refusal> {
    let Some(cookie) = cookie else {
        return Err(Refusal::from(refusal(
            app,
            "Your browser sent no cookie with this form",
            "Nothing was changed. Allow cookies for this site, go back, reload the page and try again.",
        )));
    };
    if holds(app, cookie, purpose, form) {
        return Ok(());
    }
    Err(Refusal::from(refusal(
        app,
        "This form is no longer good",
        "Nothing was changed. It was made for another sign-in, or is too old. Go back, reload the page and try again.",
    )))
}

/// Whether `form` came from such a page, not too long ago.
pub(super) fn holds(app: &App, cookie: &Secret, purpose: Purpose<'_>, form: &Params) -> bool {
    let sent = form.get(FIELD).unwrap_or_default();
    !sent.is_empty() && app.issuer().csrf_holds(cookie.expose(), &purpose.text(), sent)
}

fn refusal(app: &App, heading: &str, next: &str) -> Response {
    answer::error(app, None, StatusCode::FORBIDDEN, heading, &[next])
}
