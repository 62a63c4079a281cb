//! `/orgs/{org}`: its projects, its plan, and what one is there.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use hallpass_core::wire::params::Params;
use hallpass_core::wire::tokens::Project;
use hallpass_issuer::Origin;
use hallpass_issuer::orgs::{OrgError, PROJECTS_CREATE};
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

/// Projects on a page.
const SHOWN: u32 = 50;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/orgs/{org}", get(show).post(act))
}

/// A project, in the list.
struct Line {
    id: String,
    name: Shown,
    /// `ORG/PROJECT`.
    place: String,
    href: String,
    role: &'static str,
}

#[derive(Template)]
#[template(path = "orgs/one.html")]
struct View {
    frame: Frame,
    nav: Nav,
    here: &'static str,
    notice: Option<Notice>,
    csrf: String,
    base: String,
    name: Shown,
    plan: Option<Shown>,
    standing: String,
    projects: Vec<Line>,
    archived: Vec<Line>,
    may_create: bool,
    /// The form is open: something in it was wrong.
    making: bool,
    typed: Shown,
    create_command: Option<String>,
    more: Option<String>,
}

fn line(project: Project) -> Line {
    Line {
        id: project.id,
        name: Shown::new(&project.name),
        href: format!("/orgs/{}/projects/{}", project.org, project.slug),
        role: project.role.map_or("", |role| role.as_str()),
        place: format!("{}/{}", project.org, project.slug),
    }
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
    Ok(page(&seat, StatusCode::OK, notice, asked.get("after"), None).await)
}

async fn page(
    seat: &Seat<'_>,
    status: StatusCode,
    notice: Option<Notice>,
    after: Option<&str>,
    typed: Option<&str>,
) -> Response {
    let (issuer, actor, found) = (seat.app.issuer(), seat.actor(), &seat.standing.org);
    let base = format!("/orgs/{}", found.slug);
    // A page is shown whatever stands in its address: a cursor that is none begins anew.
    let cursor = after.filter(|after| after.starts_with("prj_"));
    let read = async {
        let listed = issuer.projects_of(&actor, &found.slug, cursor, SHOWN).await?;
        Ok::<_, OrgError>((listed, issuer.archived_projects_of(&actor, &found.slug).await?))
    };
    let (listed, archived) = match read.await {
        Ok(read) => read,
        Err(OrgError::Invalid { .. }) => return answer::see_other(&base),
        Err(error) => return seat.failed(&error),
    };
    let standing = match found.role {
        Some(role) => format!("You are {} of it.", super::one_of(role.as_str())),
        None => "You have a role in some of its projects.".to_owned(),
    };
    let view = View {
        frame: answer::frame(seat.app, Some(seat.person)),
        nav: seat.nav(),
        here: "projects",
        notice,
        csrf: csrf::token(seat.app, seat.cookie, Purpose::Place(seat.id())),
        name: Shown::new(&found.name),
        plan: Shown::some(Some(&found.plan)),
        standing,
        projects: listed.items.into_iter().map(line).collect(),
        archived: archived.into_iter().map(line).collect(),
        may_create: seat.may(PROJECTS_CREATE),
        making: typed.is_some(),
        typed: Shown::typed(typed.unwrap_or_default()),
        create_command: seat.app.command(&format!("project create {}/atlas", found.slug)),
        more: listed.next_cursor.map(|next| format!("{base}?after={next}")),
        base,
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
    let base = format!("/orgs/{}", seat.standing.org.slug);
    let error = match done(&seat, &form, &origin).await {
        Ok(done) => return Ok(done.respond(&base)),
        Err(error) => error,
    };
    let (status, notice) = deed::refused(&seat, &error)?;
    let typed = form.get("slug").unwrap_or_default();
    Ok(page(&seat, status, Some(notice), None, Some(typed)).await)
}

async fn done(seat: &Seat<'_>, form: &Params, origin: &Origin) -> Result<Deed, OrgError> {
    let (issuer, actor, org) = (seat.app.issuer(), seat.actor(), &*seat.standing.org.slug);
    let field = |name| form.get(name).map(str::trim).unwrap_or_default();
    Ok(match field("act") {
        "create" => {
            let made = issuer.create_project(org, field("slug"), None, &actor, origin).await?;
            Deed::Go(format!("/orgs/{org}/projects/{}?done=made", made.slug))
        }
        "unarchive" => {
            let at = (org, field("project"));
            let back = issuer.unarchive_project(&actor, at, origin).await?;
            Deed::Go(format!("/orgs/{org}/projects/{}?done=back", back.slug))
        }
        _ => Deed::Go(format!("/orgs/{org}")),
    })
}
