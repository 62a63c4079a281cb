//! `/orgs/{org}/settings`: its name, its owner, its archive.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use hallpass_core::wire::params::Params;
use hallpass_core::wire::tokens::PlaceChange;
use hallpass_issuer::Origin;
use hallpass_issuer::orgs::{ORG_MANAGE, OrgError};
use http::StatusCode;

use super::super::answer::{self, Page};
use super::super::csrf::{self, Purpose};
use super::super::home::query;
use super::super::shown::Shown;
use super::super::views::{Frame, Notice};
use super::deed::{self, Deed};
use super::{Nav, Seat};
use crate::app::App;
use crate::http::{Form, Peer, Visitor};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/orgs/{org}/settings", get(show).post(act))
}

#[derive(Template)]
#[template(path = "orgs/settings.html")]
struct View {
    frame: Frame,
    nav: Nav,
    here: &'static str,
    notice: Option<Notice>,
    csrf: String,
    base: String,
    name: Shown,
    slug: String,
}

async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(org): Path<String>,
    request: Request,
) -> Page {
    let seat = Seat::visit(&app, &visitor, (&org, None), request.uri().path()).await?;
    let notice = deed::said(query(request.uri()).get("done").unwrap_or_default());
    Ok(page(&seat, StatusCode::OK, notice))
}

fn page(seat: &Seat<'_>, status: StatusCode, notice: Option<Notice>) -> Response {
    if !seat.may(ORG_MANAGE) {
        return seat.nothing();
    }
    let view = View {
        frame: answer::frame(seat.app, Some(seat.person)),
        nav: seat.nav(),
        here: "settings",
        notice,
        csrf: csrf::token(seat.app, seat.cookie, Purpose::Place(seat.id())),
        base: settings(&seat.standing.org.slug),
        name: Shown::new(&seat.standing.org.name),
        slug: seat.standing.org.slug.clone(),
    };
    answer::page(status, &view)
}

fn settings(slug: &str) -> String {
    format!("/orgs/{slug}/settings")
}

async fn act(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Path(org): Path<String>,
    Form(form): Form,
) -> Page {
    let seat = Seat::post(&app, &visitor, (&org, None)).await?;
    deed::check(&seat, &form)?;
    let error = match done(&seat, &form, &origin).await {
        Ok(done) => return Ok(done.respond(&settings(&seat.standing.org.slug))),
        Err(error) => error,
    };
    let (status, notice) = deed::refused(&seat, &error)?;
    Ok(page(&seat, status, Some(notice)))
}

async fn done(seat: &Seat<'_>, form: &Params, origin: &Origin) -> Result<Deed, OrgError> {
    let (issuer, actor, org) = (seat.app.issuer(), seat.actor(), &*seat.standing.org.slug);
    let field = |name| form.get(name).map(str::trim).unwrap_or_default();
    Ok(match field("act") {
        "rename" => {
            let change = PlaceChange {
                slug: Some(field("slug").to_owned()),
                name: Some(field("name").to_owned()),
            };
            let renamed = issuer.rename_org(&actor, org, &change, origin).await?;
            Deed::Go(format!("{}?done=renamed", settings(&renamed.slug)))
        }
        "transfer" => {
            issuer.transfer_org(&actor, org, field("user"), origin).await?;
            Deed::Go(format!("/orgs/{org}?done=handed"))
        }
        "archive" => {
            issuer.archive_org(&actor, org, origin).await?;
            Deed::Go("/orgs?done=archived".to_owned())
        }
        _ => Deed::Go(settings(org)),
    })
}
