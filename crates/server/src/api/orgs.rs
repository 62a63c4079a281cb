//! `/api/v1/orgs`: organizations and their projects.

use hallpass_core::wire::api::Page;
use hallpass_core::wire::path::ORGS;
use hallpass_core::wire::tokens::{NewPlace, Org, Project};
use hallpass_issuer::Origin;
use hallpass_issuer::tokens::Actor;
use http::Method;

use super::answer::{Made, Shown};
use super::argument::{Body, Paging, Path, Places};
use super::refused::Refused;
use super::right::{Account, CreateProjects, Needs, ReadOrg, ReadProject, ReadProjects};
use super::route::Route;
use crate::app::App;

const ONE: &str = "/api/v1/orgs/{org}";
const PROJECTS: &str = "/api/v1/orgs/{org}/projects";
const PROJECT: &str = "/api/v1/orgs/{org}/projects/{project}";

pub(super) fn table() -> Vec<Route> {
    vec![
        Route::new(Method::GET, ORGS, "listOrgs", "List organizations", list),
        Route::new(Method::POST, ORGS, "createOrg", "Make an organization", create).or([409]),
        Route::new(Method::GET, ONE, "getOrg", "Show an organization", show),
        Route::new(Method::GET, PROJECTS, "listProjects", "List projects", projects),
        Route::new(Method::POST, PROJECTS, "createProject", "Make a project", create_project)
            .or([409]),
        Route::new(Method::GET, PROJECT, "getProject", "Show a project", project),
    ]
}

/// Somebody is in few of them: one page holds all.
async fn list(
    app: App,
    Needs(caller): Needs<ReadOrg>,
    Places { archived, .. }: Places,
) -> Result<Shown<Page<Org>>, Refused> {
    let actor = Actor::Bearer(&caller);
    let items = match archived {
        false => app.issuer().orgs_of(&actor).await?,
        true => app.issuer().archived_orgs_of(&actor).await?,
    };
    Ok(Shown(Page { items, next_cursor: None }))
}

async fn create(
    app: App,
    Needs(caller): Needs<Account>,
    origin: Origin,
    Body(NewPlace { slug, name }): Body<NewPlace>,
) -> Result<Made<Org>, Refused> {
    let actor = Actor::Bearer(&caller);
    Ok(Made(app.issuer().create_org(&slug, name.as_deref(), None, &actor, &origin).await?))
}

/// Also for somebody who only has a role in one of its projects.
async fn show(
    app: App,
    Needs(caller): Needs<ReadOrg>,
    Path([org]): Path<1>,
) -> Result<Shown<Org>, Refused> {
    Ok(Shown(app.issuer().org(&Actor::Bearer(&caller), &org).await?))
}

async fn projects(
    app: App,
    Needs(caller): Needs<ReadProjects>,
    Path([org]): Path<1>,
    Places { paging: Paging { limit, cursor }, archived }: Places,
) -> Result<Shown<Page<Project>>, Refused> {
    let actor = Actor::Bearer(&caller);
    if archived {
        let items = app.issuer().archived_projects_of(&actor, &org).await?;
        return Ok(Shown(Page { items, next_cursor: None }));
    }
    Ok(Shown(app.issuer().projects_of(&actor, &org, cursor.as_deref(), limit).await?))
}

async fn create_project(
    app: App,
    Needs(caller): Needs<CreateProjects>,
    origin: Origin,
    Path([org]): Path<1>,
    Body(NewPlace { slug, name }): Body<NewPlace>,
) -> Result<Made<Project>, Refused> {
    let actor = Actor::Bearer(&caller);
    let made = app.issuer().create_project(&org, &slug, name.as_deref(), &actor, &origin).await?;
    Ok(Made(made))
}

async fn project(
    app: App,
    Needs(caller): Needs<ReadProject>,
    Path([org, project]): Path<2>,
) -> Result<Shown<Project>, Refused> {
    Ok(Shown(app.issuer().project(&Actor::Bearer(&caller), &org, &project).await?))
}
