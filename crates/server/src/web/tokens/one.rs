//! One token: rename it, change when it ends, rotate it, revoke it.

use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequest, FromRequestParts, Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hallpass_core::Secret;
use hallpass_core::id::TokenId;
use hallpass_core::wire::params::Params;
use hallpass_core::wire::tokens::{Token, TokenChange};
use hallpass_issuer::SignedIn;
use hallpass_issuer::tokens::{Actor, TokenError};
use http::StatusCode;

use super::super::answer;
use super::super::csrf::{self, Purpose};
use super::super::home::query;
use super::super::setup::sentence;
use super::super::views::Notice;
use super::super::when;
use super::expiry::{self, Expiry};
use super::make::shown_once;
use super::views::One;
use super::{HERE, PAGE, lines, page_of, refused, sent_before, unknown};
use crate::app::App;
use crate::http::{Form, Peer, Visitor};

const DAY: u64 = 86_400;
const KEPT: &str = "Nothing was changed.";

/// How long the old text may go on working: for the form, for people, in seconds.
pub(super) const OVERLAPS: [(&str, &str, u64); 4] = [
    ("0", "At once", 0),
    ("1", "In a day", DAY),
    ("7", "In 7 days", 7 * DAY),
    ("30", "In 30 days", 30 * DAY),
];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/settings/tokens/{id}", get(show))
        .route("/settings/tokens/{id}/rename", get(back).post(rename))
        .route("/settings/tokens/{id}/expiry", get(back).post(change_expiry))
        .route("/settings/tokens/{id}/rotate", get(back).post(rotate))
        .route("/settings/tokens/{id}/revoke", get(back).post(revoke))
}

/// Whoever comes to the address of a form by hand.
async fn back(Path(id): Path<String>) -> Response {
    match id.parse::<TokenId>() {
        Ok(id) => answer::see_other(&page_of(&id.to_string())),
        Err(_) => answer::see_other(PAGE),
    }
}

/// A token and who looks at it.
struct Seen<'a> {
    app: &'a App,
    cookie: &'a Secret,
    person: &'a SignedIn,
    token: Token,
}

/// What was not taken of what a person filled in.
enum Wrong<'a> {
    Nothing,
    Name,
    End(&'a Params),
}

impl<'a> Seen<'a> {
    /// The token, if it is one of this person's and there is still something to do
    /// about it.
    async fn find(
        app: &'a App,
        cookie: &'a Secret,
        person: &'a SignedIn,
        id: &str,
    ) -> Result<Self, Box<Response>> {
        let actor = Actor::Person(&person.user);
        match app.issuer().own_token(&actor, id).await {
            Ok(token) if token.leaked_at.is_none() => Ok(Self { app, cookie, person, token }),
            Ok(_) => Err(Box::new(unknown(app, person))),
            Err(error) => Err(Box::new(refused(app, person, error))),
        }
    }

    fn page(&self, status: StatusCode, notice: Option<Notice>, wrong: Wrong<'_>) -> Response {
        let now = self.app.clock().now();
        let view = One {
            frame: answer::frame(self.app, Some(self.person)),
            here: HERE,
            notice,
            csrf: csrf::token(self.app, self.cookie, Purpose::Token(&self.token.id)),
            token: lines::one(self.app.brand(), &self.token, now),
            ends: lines::end(&self.token),
            rejected: matches!(wrong, Wrong::Name),
            changing: matches!(wrong, Wrong::End(_)),
            expiry: match wrong {
                Wrong::End(form) => Expiry::typed(now, form),
                _ => Expiry::current(now, self.token.expires_at),
            },
        };
        answer::page(status, &view)
    }

    /// The page again, with what is wrong.
    fn again(&self, what: &str, next: &str, wrong: Wrong<'_>) -> Response {
        let notice = Notice::problem(what, next);
        self.page(StatusCode::UNPROCESSABLE_ENTITY, Some(notice), wrong)
    }

    fn actor(&self) -> Actor<'a> {
        Actor::Person(&self.person.user)
    }

    fn done(&self, what: &str) -> Response {
        answer::see_other(&format!("{}?done={what}", page_of(&self.token.id)))
    }
}

async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (cookie, person) = match answer::person(&visitor, &app, &page_of(&id)) {
        Ok(known) => known,
        Err(signed_out) => return *signed_out,
    };
    let notice = match query(request.uri()).get("done").unwrap_or_default() {
        "renamed" => Some(Notice::done("It has its new name.", "")),
        "expiry" => Some(Notice::done("It ends when you said.", "")),
        _ => None,
    };
    match Seen::find(&app, cookie, person, &id).await {
        Ok(seen) => seen.page(StatusCode::OK, notice, Wrong::Nothing),
        Err(refusal) => *refusal,
    }
}

/// A post about one token: who sent it, from a form about this very token.
struct Sent {
    visitor: Visitor,
    id: String,
    form: Params,
}

impl Sent {
    async fn seen<'a>(&'a self, app: &'a App) -> Result<Seen<'a>, Box<Response>> {
        let (cookie, person) = answer::poster(&self.visitor, app, PAGE)?;
        csrf::check(app, Some(cookie), Purpose::Token(&self.id), &self.form)?;
        Seen::find(app, cookie, person, &self.id).await
    }
}

impl FromRequest<App> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, app).await;
        let visitor = visitor.map_err(IntoResponse::into_response)?;
        let Path(id) = Path::<String>::from_request_parts(&mut parts, app)
            .await
            .map_err(IntoResponse::into_response)?;
        let Form(form) = Form::from_request(Request::from_parts(parts, body), app).await?;
        Ok(Self { visitor, id, form })
    }
}

async fn rename(State(app): State<App>, Peer(origin): Peer, sent: Sent) -> Response {
    let seen = match sent.seen(&app).await {
        Ok(seen) => seen,
        Err(refusal) => return *refusal,
    };
    let name = sent.form.get("name").unwrap_or_default().trim().to_owned();
    let change = TokenChange { name: Some(name), expires_at: None };
    match app.issuer().change_token(&seen.actor(), &seen.token.id, change, &origin).await {
        Ok(_) => seen.done("renamed"),
        Err(TokenError::NameTaken) => {
            seen.again("You have another token of that name.", KEPT, Wrong::Name)
        }
        Err(TokenError::Invalid { why, .. }) => seen.again(&sentence(&why), KEPT, Wrong::Name),
        Err(error) => refused(&app, seen.person, error),
    }
}

async fn change_expiry(State(app): State<App>, Peer(origin): Peer, sent: Sent) -> Response {
    let seen = match sent.seen(&app).await {
        Ok(seen) => seen,
        Err(refusal) => return *refusal,
    };
    let end = match expiry::read(&sent.form, app.clock().now()) {
        Ok(end) => end,
        Err(bad) => return seen.again(KEPT, bad.next(), Wrong::End(&sent.form)),
    };
    let change = TokenChange { name: None, expires_at: Some(end) };
    match app.issuer().change_token(&seen.actor(), &seen.token.id, change, &origin).await {
        Ok(_) => seen.done("expiry"),
        Err(TokenError::Invalid { why, .. }) => {
            seen.again(&sentence(&why), KEPT, Wrong::End(&sent.form))
        }
        Err(error) => refused(&app, seen.person, error),
    }
}

/// A rotated token is not rotated again, so the form acts once by itself.
async fn rotate(State(app): State<App>, Peer(origin): Peer, sent: Sent) -> Response {
    let seen = match sent.seen(&app).await {
        Ok(seen) => seen,
        Err(refusal) => return *refusal,
    };
    let chosen = sent.form.get("overlap").unwrap_or_default();
    let Some((_, _, secs)) = OVERLAPS.into_iter().find(|(value, ..)| *value == chosen) else {
        return seen.again("Choose when the old text stops working.", KEPT, Wrong::Nothing);
    };
    let overlap = Duration::from_secs(secs);
    let id = &seen.token.id;
    match app.issuer().rotate_token(&seen.actor(), id, overlap, &origin).await {
        Ok(made) => {
            let old = match secs {
                0 => "is refused from now on".to_owned(),
                _ => format!("works until {}", when::day(app.clock().now() + overlap)),
            };
            shown_once(&app, seen.person, &made, Some(old))
        }
        Err(TokenError::Rotated) => sent_before(
            &app,
            seen.person,
            "It was rotated already; its new text was shown once. Sending the form again changed nothing.",
        ),
        Err(TokenError::Invalid { why, .. }) => seen.again(&sentence(&why), KEPT, Wrong::Nothing),
        Err(error) => refused(&app, seen.person, error),
    }
}

async fn revoke(State(app): State<App>, Peer(origin): Peer, sent: Sent) -> Response {
    let seen = match sent.seen(&app).await {
        Ok(seen) => seen,
        Err(refusal) => return *refusal,
    };
    match app.issuer().revoke_token(&seen.actor(), &seen.token.id, &origin).await {
        Ok(()) => answer::see_other("/settings/tokens?done=revoked"),
        Err(TokenError::Unknown) => answer::see_other("/settings/tokens?done=gone"),
        Err(error) => refused(&app, seen.person, error),
    }
}
