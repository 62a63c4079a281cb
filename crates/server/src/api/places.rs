//! What becomes of organizations and projects: other names, archives, other hands, a plan.

use hallpass_core::wire::tokens::{
    Org, PlaceChange, Project, SetPlan, TransferOrg, TransferProject,
};
use hallpass_issuer::Origin;
use hallpass_issuer::tokens::Actor;
use http::Method;

use super::answer::{Done, Shown};
use super::argument::{Body, Path};
use super::refused::Refused;
use super::right::{
    Administrator, FormerManager, FormerOwner, ManageOrg, ManageProject, Member, Needs,
};
use super::route::Route;
use crate::app::App;

const ORG: &str = "/api/v1/orgs/{org}";
const PLAN: &str = "/api/v1/orgs/{org}/plan";
const ARCHIVE_ORG: &str = "/api/v1/orgs/{org}/archive";
const UNARCHIVE_ORG: &str = "/api/v1/orgs/{org}/unarchive";
const TRANSFER_ORG: &str = "/api/v1/orgs/{org}/transfer";
const PROJECT: &str = "/api/v1/orgs/{org}/projects/{project}";
const ARCHIVE: &str = "/api/v1/orgs/{org}/projects/{project}/archive";
const UNARCHIVE: &str = "/api/v1/orgs/{org}/projects/{project}/unarchive";
const TRANSFER: &str = "/api/v1/orgs/{org}/projects/{project}/transfer";

pub(super) fn table() -> Vec<Route> {
    vec![
        Route::new(Method::PATCH, ORG, "changeOrg", "Rename an organization", rename_org).or([409]),
        Route::new(Method::PUT, PLAN, "setOrgPlan", "Set an organization's plan", set_plan),
        Route::new(Method::POST, ARCHIVE_ORG, "archiveOrg", "Archive an organization", archive_org),
        Route::new(
            Method::POST,
            UNARCHIVE_ORG,
            "unarchiveOrg",
            "Bring an archived organization back",
            unarchive_org,
        ),
        Route::new(
            Method::POST,
            TRANSFER_ORG,
            "transferOrg",
            "Make somebody else the owner",
            transfer_org,
        ),
        Route::new(Method::PATCH, PROJECT, "changeProject", "Rename a project", rename).or([409]),
        Route::new(Method::POST, ARCHIVE, "archiveProject", "Archive a project", archive),
        Route::new(
            Method::POST,
            UNARCHIVE,
            "unarchiveProject",
            "Bring an archived project back",
            unarchive,
        ),
        Route::new(
            Method::POST,
            TRANSFER,
            "transferProject",
            "Move a project to another organization",
            transfer,
        )
        .or([409]),
    ]
}

async fn rename_org(
    app: App,
    Needs(caller): Needs<ManageOrg>,
    origin: Origin,
    Path([org]): Path<1>,
    Body(change): Body<PlaceChange>,
) -> Result<Shown<Org>, Refused> {
    Ok(Shown(app.issuer().rename_org(&Actor::Bearer(&caller), &org, &change, &origin).await?))
}

/// For administrators of the deployment alone; whoever is none learns nothing of what there is.
async fn set_plan(
    app: App,
    Needs(caller): Needs<Administrator>,
    origin: Origin,
    Path([org]): Path<1>,
    Body(SetPlan { plan }): Body<SetPlan>,
) -> Result<Shown<Org>, Refused> {
    Ok(Shown(app.issuer().set_plan(&Actor::Bearer(&caller), &org, &plan, &origin).await?))
}

async fn archive_org(
    app: App,
    Needs(caller): Needs<ManageOrg>,
    origin: Origin,
    Path([org]): Path<1>,
) -> Result<Done, Refused> {
    app.issuer().archive_org(&Actor::Bearer(&caller), &org, &origin).await?;
    Ok(Done)
}

/// Nobody has any rights at an archived place, so whether the caller could have them back is
/// asked of the issuer; to everybody else there is none.
async fn unarchive_org(
    app: App,
    Needs(caller): Needs<FormerOwner>,
    origin: Origin,
    Path([org]): Path<1>,
) -> Result<Shown<Org>, Refused> {
    Ok(Shown(app.issuer().unarchive_org(&Actor::Bearer(&caller), &org, &origin).await?))
}

async fn transfer_org(
    app: App,
    Needs(caller): Needs<ManageOrg>,
    origin: Origin,
    Path([org]): Path<1>,
    Body(TransferOrg { user }): Body<TransferOrg>,
) -> Result<Done, Refused> {
    app.issuer().transfer_org(&Actor::Bearer(&caller), &org, &user, &origin).await?;
    Ok(Done)
}

async fn rename(
    app: App,
    Needs(caller): Needs<ManageProject>,
    origin: Origin,
    Path([org, project]): Path<2>,
    Body(change): Body<PlaceChange>,
) -> Result<Shown<Project>, Refused> {
    let (actor, at) = (Actor::Bearer(&caller), (&*org, &*project));
    Ok(Shown(app.issuer().rename_project(&actor, at, &change, &origin).await?))
}

async fn archive(
    app: App,
    Needs(caller): Needs<ManageProject>,
    origin: Origin,
    Path([org, project]): Path<2>,
) -> Result<Done, Refused> {
    app.issuer().archive_project(&Actor::Bearer(&caller), (&org, &project), &origin).await?;
    Ok(Done)
}

async fn unarchive(
    app: App,
    Needs(caller): Needs<FormerManager>,
    origin: Origin,
    Path([org, project]): Path<2>,
) -> Result<Shown<Project>, Refused> {
    let (actor, at) = (Actor::Bearer(&caller), (&*org, &*project));
    Ok(Shown(app.issuer().unarchive_project(&actor, at, &origin).await?))
}

/// Also asks for `org:manage` where the project is, and `projects:create` where it goes.
async fn transfer(
    app: App,
    Needs(caller): Needs<Member>,
    origin: Origin,
    Path([org, project]): Path<2>,
    Body(TransferProject { org: to }): Body<TransferProject>,
) -> Result<Shown<Project>, Refused> {
    let (actor, at) = (Actor::Bearer(&caller), (&*org, &*project));
    Ok(Shown(app.issuer().transfer_project(&actor, at, &to, &origin).await?))
}
