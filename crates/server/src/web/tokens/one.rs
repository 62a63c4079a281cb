//! One token: rename it, change when it ends, rotate it, revoke it.

use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hallpass_core::id::TokenId;
use hallpass_core::wire::params::Params;
use hallpass_core::wire::tokens::{Token, TokenChange};
use hallpass_issuer::tokens::TokenError;
use http::StatusCode;

use super::super::answer::{self, Page, Refusal};
use super::super::csrf::{self, Purpose};
use super::super::home::query;
use super::super::setup::sentence;
use super::super::views::Notice;
use super::super::when;
use super::desk::{Desk, Named};
use super::expiry::{self, Expiry};
use super::lines::{self, Reader};
use super::make::shown_once;
use super::others::Others;
use super::views::One;
use super::{HERE, at_both};
use crate::app::App;
use crate::http::{Form, Peer, Visitor, failure};

const DAY: u64 = 86_400;
const KEPT: &str = "Nothing was changed.";

/// How long the old text may go on working: for the form, for people, in seconds.
pub(in crate::web) const OVERLAPS: [(&str, &str, u64); 4] = [
    ("0", "At once", 0),
    ("1", "In a day", DAY),
    ("7", "In 7 days", 7 * DAY),
    ("30", "In 30 days", 30 * DAY),
];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .merge(at_both("/{id}", || get(show)))
        .merge(at_both("/{id}/rename", || get(back).post(rename)))
        .merge(at_both("/{id}/expiry", || get(back).post(change_expiry)))
        .merge(at_both("/{id}/rotate", || get(back).post(rotate)))
        .merge(at_both("/{id}/revoke", || get(back).post(revoke)))
}

/// Whoever comes to the address of a form by hand.
async fn back(named: Named) -> Response {
    match named.id.parse::<TokenId>() {
        Ok(id) => answer::see_other(&format!("{}/{id}", named.base())),
        Err(_) => answer::see_other(&named.base()),
    }
}

/// A token and who looks at it.
struct Seen<'a> {
    desk: Desk<'a>,
    token: Token,
}

/// What was not taken of what a person filled in.
enum Wrong<'a> {
    Nothing,
    Name,
    End(&'a Params),
}

impl<'a> Seen<'a> {
    /// The token, if it is one of this desk's and there is still something to do about it.
    async fn find(desk: Desk<'a>, id: &str) -> Result<Self, Refusal> {
        match desk.app.issuer().token_of(&desk.actor(), desk.owner().id, id).await {
            Ok(token) if token.leaked_at.is_none() => Ok(Self { desk, token }),
            Ok(_) => Err(Refusal::from(desk.unknown())),
            Err(error) => Err(Refusal::from(desk.refused(error))),
        }
    }

    async fn page(&self, status: StatusCode, notice: Option<Notice>, wrong: Wrong<'_>) -> Response {
        let (desk, app) = (&self.desk, self.desk.app);
        let now = app.clock().now();
        let others = match Others::of(desk, std::slice::from_ref(&self.token)).await {
            Ok(others) => others,
            Err(error) => return failure::page(app, &error),
        };
        let sign = desk.sign();
        let reader = Reader { brand: app.brand(), you: sign.you(), others: &others, now };
        let view = One {
            frame: answer::frame(app, Some(desk.person)),
            here: HERE,
            notice,
            csrf: csrf::token(app, desk.cookie, Purpose::Token(&self.token.id)),
            token: lines::one(&reader, &self.token),
            ends: lines::end(&self.token),
            rejected: matches!(wrong, Wrong::Name),
            changing: matches!(wrong, Wrong::End(_)),
            expiry: match wrong {
                Wrong::End(form) => Expiry::typed(now, form),
                _ => Expiry::current(now, self.token.expires_at),
            },
            sign,
        };
        answer::page(status, &view)
    }

    /// The page again, with what is wrong.
    async fn again(&self, what: &str, next: &str, wrong: Wrong<'_>) -> Response {
        let notice = Notice::problem(what, next);
        self.page(StatusCode::UNPROCESSABLE_ENTITY, Some(notice), wrong).await
    }

    fn done(&self, what: &str) -> Response {
        answer::see_other(&format!("{}?done={what}", self.desk.page_of(&self.token.id)))
    }
}

async fn show(State(app): State<App>, visitor: Visitor, named: Named, request: Request) -> Page {
    let here = named.id.parse::<TokenId>().map(|id| format!("/{id}")).unwrap_or_default();
    let desk = Desk::visit(&app, &visitor, &named, &here).await?;
    let notice = match query(request.uri()).get("done").unwrap_or_default() {
        "renamed" => Some(Notice::done("It has its new name.", "")),
        "expiry" => Some(Notice::done("It ends when you said.", "")),
        _ => None,
    };
    let seen = Seen::find(desk, &named.id).await?;
    Ok(seen.page(StatusCode::OK, notice, Wrong::Nothing).await)
}

/// A post about one token: who sent it, from a form about this very token.
struct Sent {
    visitor: Visitor,
    named: Named,
    form: Params,
}

impl Sent {
    async fn seen<'a>(&'a self, app: &'a App) -> Result<Seen<'a>, Refusal> {
        let desk = Desk::post(app, &self.visitor, &self.named, "").await?;
        let id = &self.named.id;
        csrf::check(app, Some(desk.cookie), Purpose::Token(id), &self.form)?;
        Seen::find(desk, id).await
    }
}

impl FromRequest<App> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, app).await;
        let visitor = visitor.map_err(IntoResponse::into_response)?;
        let named = Named::from_request_parts(&mut parts, app).await?;
        let Form(form) = Form::from_request(Request::from_parts(parts, body), app).await?;
        Ok(Self { visitor, named, form })
    }
}

async fn rename(State(app): State<App>, Peer(origin): Peer, sent: Sent) -> Page {
    let seen = sent.seen(&app).await?;
    let name = sent.form.get("name").unwrap_or_default().trim().to_owned();
    let change = TokenChange { name: Some(name), expires_at: None };
    Ok(match app.issuer().change_token(&seen.desk.actor(), &seen.token.id, change, &origin).await {
        Ok(_) => seen.done("renamed"),
        Err(TokenError::NameTaken) => {
            let whose = if seen.desk.owner_id().is_some() { "They have" } else { "You have" };
            let what = format!("{whose} another token of that name.");
            seen.again(&what, KEPT, Wrong::Name).await
        }
        Err(TokenError::Invalid { why, .. }) => {
            seen.again(&sentence(&why), KEPT, Wrong::Name).await
        }
        Err(error) => seen.desk.refused(error),
    })
}

async fn change_expiry(State(app): State<App>, Peer(origin): Peer, sent: Sent) -> Page {
    let seen = sent.seen(&app).await?;
    let end = match expiry::read(&sent.form, app.clock().now()) {
        Ok(end) => end,
        Err(bad) => return Ok(seen.again(KEPT, bad.next(), Wrong::End(&sent.form)).await),
    };
    let change = TokenChange { name: None, expires_at: Some(end) };
    Ok(match app.issuer().change_token(&seen.desk.actor(), &seen.token.id, change, &origin).await {
        Ok(_) => seen.done("expiry"),
        Err(TokenError::Invalid { why, .. }) => {
            seen.again(&sentence(&why), KEPT, Wrong::End(&sent.form)).await
        }
        Err(error) => seen.desk.refused(error),
    })
}

/// A rotated token is not rotated again, so the form acts once by itself.
async fn rotate(State(app): State<App>, Peer(origin): Peer, sent: Sent) -> Page {
    let seen = sent.seen(&app).await?;
    let chosen = sent.form.get("overlap").unwrap_or_default();
    let Some((_, _, secs)) = OVERLAPS.into_iter().find(|(value, ..)| *value == chosen) else {
        return Ok(seen
            .again("Choose when the old text stops working.", KEPT, Wrong::Nothing)
            .await);
    };
    let overlap = Duration::from_secs(secs);
    let id = &seen.token.id;
    Ok(match app.issuer().rotate_token(&seen.desk.actor(), id, overlap, &origin).await {
        Ok(made) => {
            let old = match secs {
                0 => "is refused from now on".to_owned(),
                _ => format!("works until {}", when::day(app.clock().now() + overlap)),
            };
            shown_once(&seen.desk, &made, Some(old))
        }
        Err(TokenError::Rotated) => seen.desk.sent_before(
            "It was rotated already; its new text was shown once. Sending the form again changed nothing.",
        ),
        Err(TokenError::Invalid { why, .. }) => seen.again(&sentence(&why), KEPT, Wrong::Nothing).await,
        Err(error) => seen.desk.refused(error),
    })
}

async fn revoke(State(app): State<App>, Peer(origin): Peer, sent: Sent) -> Page {
    let seen = sent.seen(&app).await?;
    Ok(match app.issuer().revoke_token(&seen.desk.actor(), &seen.token.id, &origin).await {
        Ok(()) => answer::see_other(&format!("{}?done=revoked", seen.desk.base)),
        Err(TokenError::Unknown) => answer::see_other(&format!("{}?done=gone", seen.desk.base)),
        Err(error) => seen.desk.refused(error),
    })
}
