//! `/orgs/{org}/members`: who has which role in the organization, and who is invited.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;

use super::super::answer::{self, Page};
use super::super::home::query;
use super::super::shown::Shown;
use super::super::views::{Frame, Notice};
use super::people::{self, People};
use super::{Nav, Seat, deed};
use crate::app::App;
use crate::http::{Form, Peer, Visitor};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/orgs/{org}/members", get(show).post(act))
}

#[derive(Template)]
#[template(path = "orgs/members.html")]
struct View {
    frame: Frame,
    nav: Nav,
    here: &'static str,
    notice: Option<Notice>,
    name: Shown,
    people: People,
}

async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(org): Path<String>,
    request: Request,
) -> Page {
    let seat = Seat::visit(&app, &visitor, (&org, None), request.uri().path()).await?;
    let asked = query(request.uri());
    let notice = deed::said(asked.get("done").unwrap_or_default());
    Ok(page(&seat, StatusCode::OK, notice, asked.get("after"), "").await)
}

async fn page(
    seat: &Seat<'_>,
    status: StatusCode,
    notice: Option<Notice>,
    after: Option<&str>,
    typed: &str,
) -> Response {
    // Whoever has a role in some project alone is not shown who is in the organization.
    if seat.standing.org.role.is_none() {
        return seat.nothing();
    }
    let people = match People::at(seat, after, typed).await {
        Ok(people) => people,
        Err(hallpass_issuer::orgs::OrgError::Invalid { .. }) => {
            return answer::see_other(&seat.home());
        }
        Err(error) => return seat.failed(&error),
    };
    let view = View {
        frame: answer::frame(seat.app, Some(seat.person)),
        nav: seat.nav(),
        here: "members",
        notice,
        name: Shown::new(&seat.standing.org.name),
        people,
    };
    answer::page(status, &view)
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
    let act = form.get("act").unwrap_or_default();
    let error = match people::act(&seat, act, &form, &origin).await {
        Ok(Some(done)) => return Ok(done.respond(&seat.home())),
        Ok(None) => return Ok(answer::see_other(&seat.home())),
        Err(error) => error,
    };
    let (status, notice) = deed::refused(&seat, &error)?;
    let typed = form.get("email").unwrap_or_default();
    Ok(page(&seat, status, Some(notice), None, typed).await)
}
