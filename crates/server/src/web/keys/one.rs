//! One key: rotate it, revoke it.

use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use hallpass_core::id::TokenId;
use hallpass_core::wire::keys::Key;
use hallpass_core::wire::params::Params;
use hallpass_core::wire::tokens::{RotateToken, Token};
use hallpass_issuer::keys::KeyError;
use hallpass_issuer::orgs::OrgError;
use http::StatusCode;

use super::super::answer::{Page, Refusal};
use super::super::csrf::{self, Purpose};
use super::super::orgs::{Named, Nav, Office};
use super::super::tokens::{Expiry, Line, OVERLAPS, Sign, end_of, read_again};
use super::super::views::{Frame, Notice};
use super::super::{answer, when};
use super::KEYS;
use super::make::shown_once;
use crate::app::App;
use crate::http::{Form, Peer, Visitor};

#[derive(Template)]
#[template(path = "keys/one.html")]
struct One {
    frame: Frame,
    here: &'static str,
    nav: Nav,
    notice: Option<Notice>,
    sign: Sign,
    csrf: String,
    key: Line,
    kind: &'static str,
    ends: String,
    /// When its successor ends.
    expiry: Expiry,
    /// How long the old text may go on working, as it was chosen.
    overlap: String,
}

impl One {
    /// How long the old text may go on working: each answer, and whether it is chosen.
    fn overlaps(&self) -> [(&'static str, &'static str, bool); 4] {
        OVERLAPS.map(|(value, label, _)| (value, label, value == self.overlap))
    }
}

pub(super) fn routes() -> Router<App> {
    Router::new()
        .merge(KEYS.in_both("/{id}", || get(show)))
        .merge(KEYS.in_both("/{id}/rotate", || get(back).post(rotate)))
        .merge(KEYS.in_both("/{id}/revoke", || get(back).post(revoke)))
}

/// The key, if it is one of this place: an organization's pages show those of its projects too.
async fn find(office: &Office<'_>, id: &str) -> Result<Key, Refusal> {
    let (org, project) = office.names();
    let ours =
        |key: &Key| key.org == org && (project.is_none() || key.project.as_deref() == project);
    match office.app.issuer().key(&office.actor(), id).await {
        Ok(key) if ours(&key) => Ok(key),
        Ok(_) => Err(Refusal::from(office.unknown())),
        Err(error) => Err(Refusal::from(office.refused(error))),
    }
}

async fn show(State(app): State<App>, visitor: Visitor, named: Named, request: Request) -> Page {
    let office = Office::visit(&KEYS, (&app, &visitor), &named, request.uri().path()).await?;
    let key = find(&office, &named.id).await?;
    Ok(page(&office, &key, None))
}

/// The page again, with the form of rotation as it was filled in and what is wrong with it.
fn again(office: &Office<'_>, key: &Key, form: &Params, what: &str, next: &str) -> Response {
    page(office, key, Some((form, Notice::problem(what, next))))
}

fn page(office: &Office<'_>, key: &Key, wrong: Option<(&Params, Notice)>) -> Response {
    let (app, now) = (office.app, office.app.clock().now());
    let status = match wrong {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let (expiry, overlap) = match &wrong {
        Some((form, _)) => (Expiry::typed_again(now, form), form.get("overlap")),
        None => (Expiry::again(now), Some(OVERLAPS[2].0)),
    };
    let overlap = overlap.unwrap_or_default().to_owned();
    let Some(line) = office.lines(std::slice::from_ref(key)).pop() else {
        return office.unknown();
    };
    let view = One {
        frame: answer::frame(app, Some(office.person)),
        here: KEYS.name,
        nav: office.nav(),
        notice: wrong.map(|(_, notice)| notice),
        sign: office.sign(),
        csrf: csrf::token(app, office.cookie, Purpose::Key(&key.id)),
        key: line,
        kind: if key.project.is_some() { "Project" } else { "Org admin" },
        ends: end_of(&Token::from(key)),
        expiry,
        overlap,
    };
    answer::page(status, &view)
}

/// Whoever comes to the address of a form by hand.
async fn back(State(app): State<App>, visitor: Visitor, named: Named, request: Request) -> Page {
    let office = Office::visit(&KEYS, (&app, &visitor), &named, request.uri().path()).await?;
    Ok(match named.id.parse::<TokenId>() {
        Ok(id) => answer::see_other(&format!("{}/{id}", office.base)),
        Err(_) => answer::see_other(&office.base),
    })
}

/// A rotated key is not rotated again, so the form acts once by itself.
async fn rotate(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    named: Named,
    Form(form): Form,
) -> Page {
    let office = Office::post(&KEYS, (&app, &visitor), &named).await?;
    csrf::check(&app, Some(office.cookie), Purpose::Key(&named.id), &form)?;
    let key = find(&office, &named.id).await?;
    let chosen = form.get("overlap").unwrap_or_default();
    let Some((_, _, secs)) = OVERLAPS.into_iter().find(|(value, ..)| *value == chosen) else {
        let what = "Choose when the old text stops working.";
        return Ok(again(&office, &key, &form, what, "Nothing was changed."));
    };
    let expires_at = match read_again(&form, app.clock().now()) {
        Ok(end) => end,
        Err(next) => return Ok(again(&office, &key, &form, "Nothing was changed.", next)),
    };
    let overlap = Duration::from_secs(secs);
    let how = RotateToken { overlap_seconds: secs, expires_at };
    Ok(match app.issuer().rotate_key(&office.actor(), &key.id, how, &origin).await {
        Ok(made) => {
            let old = match secs {
                0 => "is refused from now on".to_owned(),
                _ => format!("works until {}", when::day(app.clock().now() + overlap)),
            };
            shown_once(&office, &made, Some(old))
        }
        Err(KeyError::Rotated) => office.sent_before(
            "It was rotated already; its new text was shown once. Sending the form again changed nothing.",
        ),
        Err(error) => office.refused(error),
    })
}

async fn revoke(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    named: Named,
    Form(form): Form,
) -> Page {
    let office = Office::post(&KEYS, (&app, &visitor), &named).await?;
    csrf::check(&app, Some(office.cookie), Purpose::Key(&named.id), &form)?;
    let revoked = match find(&office, &named.id).await {
        Ok(key) => app.issuer().revoke_key(&office.actor(), &key.id, &origin).await,
        Err(refusal) if refusal.status() == StatusCode::NOT_FOUND => {
            return Ok(answer::see_other(&format!("{}?done=gone", office.base)));
        }
        Err(refusal) => return Err(refusal),
    };
    Ok(match revoked {
        Ok(()) => answer::see_other(&format!("{}?done=revoked", office.base)),
        Err(KeyError::Place(OrgError::Unknown(_))) => {
            answer::see_other(&format!("{}?done=gone", office.base))
        }
        Err(error) => office.refused(error),
    })
}
