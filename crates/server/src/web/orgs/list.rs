//! `/orgs`: the organizations in which somebody has a role, and one more of their own.

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use hallpass_core::Secret;
use hallpass_core::wire::tokens::Org;
use hallpass_issuer::SignedIn;
use hallpass_issuer::orgs::OrgError;
use hallpass_issuer::tokens::Actor;
use http::StatusCode;

use super::super::answer::{self, Page};
use super::super::csrf::{self, Purpose};
use super::super::home::query;
use super::super::setup::sentence;
use super::super::shown::Shown;
use super::super::views::{Frame, Notice};
use super::deed;
use crate::app::App;
use crate::http::{Form, Peer, Visitor, failure};

/// Where it is.
pub(in crate::web) const PAGE: &str = "/orgs";

pub(super) fn routes() -> Router<App> {
    Router::new().route(PAGE, get(show).post(act))
}

/// An organization, in the list.
struct Line {
    id: String,
    /// Plain by its making: it stands in an address.
    slug: String,
    name: Shown,
    plan: Option<Shown>,
    role: &'static str,
}

#[derive(Template)]
#[template(path = "orgs/list.html")]
struct View {
    frame: Frame,
    here: &'static str,
    notice: Option<Notice>,
    csrf: String,
    orgs: Vec<Line>,
    archived: Vec<Line>,
    /// The form is open: something in it was wrong.
    making: bool,
    typed: Shown,
    create_command: Option<String>,
}

fn line(org: Org) -> Line {
    Line {
        id: org.id,
        slug: org.slug,
        name: Shown::new(&org.name),
        plan: Shown::some(Some(&org.plan)),
        role: org.role.map_or("in projects", |role| role.as_str()),
    }
}

async fn show(State(app): State<App>, visitor: Visitor, request: Request) -> Page {
    let known = answer::person(&visitor, &app, PAGE)?;
    let notice = deed::said(query(request.uri()).get("done").unwrap_or_default());
    Ok(page(&app, known, StatusCode::OK, notice, None).await)
}

async fn page(
    app: &App,
    (cookie, person): (&Secret, &SignedIn),
    status: StatusCode,
    notice: Option<Notice>,
    typed: Option<&str>,
) -> Response {
    let (issuer, actor) = (app.issuer(), Actor::Person(&person.user));
    let read = async {
        let orgs = issuer.orgs_of(&actor).await?;
        Ok::<_, OrgError>((orgs, issuer.archived_orgs_of(&actor).await?))
    };
    let (orgs, archived) = match read.await {
        Ok(read) => read,
        Err(OrgError::Failed(error)) => return failure::page(app, &error),
        Err(_) => return super::nothing(app, person),
    };
    let view = View {
        frame: answer::frame(app, Some(person)),
        here: "orgs",
        notice,
        csrf: csrf::token(app, cookie, Purpose::Place("")),
        orgs: orgs.into_iter().map(line).collect(),
        archived: archived.into_iter().map(line).collect(),
        making: typed.is_some(),
        typed: Shown::typed(typed.unwrap_or_default()),
        create_command: app.command("org create acme"),
    };
    answer::page(status, &view)
}

async fn act(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Form(form): Form,
) -> Page {
    let known = answer::posted(&visitor, &app, PAGE, Purpose::Place(""), &form)?;
    let (issuer, actor) = (app.issuer(), Actor::Person(&known.1.user));
    let slug = form.get("slug").unwrap_or_default().trim();
    let done = match form.get("act").unwrap_or_default() {
        "create" => {
            let made = issuer.create_org(slug, None, None, &actor, &origin).await;
            made.map(|org| format!("/orgs/{}?done=made", org.slug))
        }
        "unarchive" => {
            let id = form.get("org").unwrap_or_default();
            let back = issuer.unarchive_org(&actor, id, &origin).await;
            back.map(|org| format!("/orgs/{}?done=back", org.slug))
        }
        _ => Ok(PAGE.to_owned()),
    };
    Ok(match done {
        Ok(path) => answer::see_other(&path),
        Err(OrgError::Failed(error)) => failure::page(&app, &error),
        Err(error) => {
            let notice = Notice::problem(sentence(&error.to_string()), "Nothing was made.");
            page(&app, known, StatusCode::UNPROCESSABLE_ENTITY, Some(notice), Some(slug)).await
        }
    })
}
