//! `/orgs/{org}/projects/{project}`: its people, and for whoever manages it its settings.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use hallpass_core::wire::agents::SecretOf;
use hallpass_core::wire::params::Params;
use hallpass_core::wire::tokens::PlaceChange;
use hallpass_issuer::Origin;
use hallpass_issuer::agents::AgentError;
use hallpass_issuer::keys::KEYS_MANAGE;
use hallpass_issuer::orgs::{ORG_MANAGE, OrgError, SETTINGS_MANAGE, TOKENS_MANAGE};
use http::StatusCode;

use super::super::answer::{self, Page};
use super::super::home::query;
use super::super::legacy;
use super::super::shown::Shown;
use super::super::views::{Frame, Notice};
use super::deed::{self, Deed};
use super::people::{self, People};
use super::{Nav, Seat};
use crate::app::App;
use crate::http::{Form, Peer, Visitor};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/orgs/{org}/projects/{project}", get(show).post(act))
}

#[derive(Template)]
#[template(path = "orgs/project.html")]
struct View {
    frame: Frame,
    nav: Nav,
    here: &'static str,
    notice: Option<Notice>,
    name: Shown,
    slug: String,
    standing: String,
    /// Where its tokens of an older system are, if it has any.
    older: Option<String>,
    /// One more of them can be made.
    mints: bool,
    people: People,
    /// Where it is, for whoever manages its keys: they and its jobs are below.
    office: Option<String>,
    /// The names of what they keep for their agents in it.
    secrets: Vec<Shown>,
    settings: bool,
    /// They may move it to another organization.
    gives: bool,
}

async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((org, project)): Path<(String, String)>,
    request: Request,
) -> Page {
    let at = (&*org, Some(&*project));
    let seat = Seat::visit(&app, &visitor, at, request.uri().path()).await?;
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
    let Some(project) = &seat.standing.project else { return seat.nothing() };
    let people = match People::at(seat, after, typed).await {
        Ok(people) => people,
        Err(OrgError::Invalid { .. }) => return answer::see_other(&seat.home()),
        Err(error) => return seat.failed(&error),
    };
    let place = seat.place();
    let mints = seat.may(TOKENS_MANAGE) && seat.app.issuer().mints_legacy();
    let older = match seat.may(TOKENS_MANAGE) {
        true => match legacy::places(seat.app, seat.person).await {
            Ok(places) => places.iter().any(|it| it.name.as_str() == place) || mints,
            Err(error) => return seat.failed(&OrgError::Failed(error)),
        },
        false => false,
    };
    let secrets = match seat.app.issuer().agent_secrets_of(&seat.actor()).await {
        Ok(kept) => kept.into_iter().filter(|it| it.of == SecretOf::Project(place.clone())),
        Err(AgentError::Failed(error)) => return seat.failed(&OrgError::Failed(error)),
        Err(_) => return seat.nothing(),
    };
    let role = project.role.map_or("viewer", |role| role.as_str());
    let view = View {
        frame: answer::frame(seat.app, Some(seat.person)),
        nav: seat.nav(),
        here: "projects",
        notice,
        name: Shown::new(&project.name),
        slug: project.slug.clone(),
        standing: format!(
            "You are {} of this {}.",
            super::one_of(role),
            seat.app.brand().words.project
        ),
        older: older.then(|| format!("{}/tokens", seat.home())),
        mints,
        people,
        office: seat.may(KEYS_MANAGE).then(|| seat.home()),
        secrets: secrets.map(|kept| Shown::new(&kept.name)).collect(),
        settings: seat.may(SETTINGS_MANAGE),
        gives: seat.standing.may_in_org(ORG_MANAGE),
    };
    answer::page(status, &view)
}

async fn act(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Path((org, project)): Path<(String, String)>,
    Form(form): Form,
) -> Page {
    let seat = Seat::post(&app, &visitor, (&org, Some(&project))).await?;
    deed::check(&seat, &form)?;
    let error = match done(&seat, &form, &origin).await {
        Ok(Some(done)) => return Ok(done.respond(&seat.home())),
        Ok(None) => return Ok(answer::see_other(&seat.home())),
        Err(error) => error,
    };
    let (status, notice) = deed::refused(&seat, &error)?;
    let typed = form.get("email").unwrap_or_default();
    Ok(page(&seat, status, Some(notice), None, typed).await)
}

async fn done(seat: &Seat<'_>, form: &Params, origin: &Origin) -> Result<Option<Deed>, OrgError> {
    let (issuer, actor) = (seat.app.issuer(), seat.actor());
    let (org, project) = seat.names();
    let at = (org, project.unwrap_or_default());
    let field = |name| form.get(name).map(str::trim).unwrap_or_default();
    Ok(Some(match field("act") {
        "rename" => {
            let change = PlaceChange {
                slug: Some(field("slug").to_owned()),
                name: Some(field("name").to_owned()),
            };
            let renamed = issuer.rename_project(&actor, at, &change, origin).await?;
            Deed::Go(format!("/orgs/{}/projects/{}?done=renamed", renamed.org, renamed.slug))
        }
        "transfer" => {
            let moved = issuer.transfer_project(&actor, at, field("org"), origin).await?;
            Deed::Go(format!("/orgs/{}?done=moved", moved.org))
        }
        "archive" => {
            issuer.archive_project(&actor, at, origin).await?;
            Deed::Go(format!("/orgs/{org}?done=archived"))
        }
        other => return people::act(seat, other, form, origin).await,
    }))
}
