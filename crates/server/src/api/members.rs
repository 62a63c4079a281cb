//! `…/members`: who has which role in an organization or a project.

use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_core::wire::api::Page;
use hallpass_core::wire::tokens::{Member as Somebody, SetRole};
use hallpass_issuer::Origin;
use hallpass_issuer::tokens::Actor;
use hallpass_store::{Role, User};
use http::Method;

use super::answer::{Done, Shown};
use super::argument::{Body, KeysOfLeaver, Paging, Path};
use super::refused::Refused;
use super::right::{ManageMembers, Member, Needs, ReadMembers};
use super::route::Route;
use crate::app::App;

const OF_ORG: &str = "/api/v1/orgs/{org}/members";
const IN_ORG: &str = "/api/v1/orgs/{org}/members/{user}";
const OF_PROJECT: &str = "/api/v1/orgs/{org}/projects/{project}/members";
const IN_PROJECT: &str = "/api/v1/orgs/{org}/projects/{project}/members/{user}";
const OWN_IN_ORG: &str = "/api/v1/orgs/{org}/membership";
const OWN_IN_PROJECT: &str = "/api/v1/orgs/{org}/projects/{project}/membership";

pub(super) fn table() -> Vec<Route> {
    vec![
        Route::new(Method::GET, OF_ORG, "listOrgMembers", "List members", of_org),
        Route::new(Method::PUT, IN_ORG, "setOrgMember", "Give a role", set_in_org).or([409]),
        Route::new(Method::DELETE, IN_ORG, "removeOrgMember", "Take a role away", remove_from_org)
            .or([409]),
        Route::new(Method::GET, OF_PROJECT, "listProjectMembers", "List members", of_project),
        Route::new(Method::PUT, IN_PROJECT, "setProjectMember", "Give a role", set_in_project),
        Route::new(
            Method::DELETE,
            IN_PROJECT,
            "removeProjectMember",
            "Take a role away",
            remove_from_project,
        ),
        Route::new(Method::DELETE, OWN_IN_ORG, "leaveOrg", "Give up one's role", leave_org)
            .or([409]),
        Route::new(
            Method::DELETE,
            OWN_IN_PROJECT,
            "leaveProject",
            "Give up one's role",
            leave_project,
        ),
    ]
}

async fn of_org(
    app: App,
    Needs(caller): Needs<ReadMembers>,
    Path([org]): Path<1>,
    Paging { limit, cursor }: Paging,
) -> Result<Shown<Page<Somebody<OrgRole>>>, Refused> {
    let (actor, cursor) = (Actor::Bearer(&caller), cursor.as_deref());
    let page = app.issuer().members_of(&actor, &org, None, cursor, limit).await?;
    let in_org = |(user, role)| match role {
        Role::Org(role) => Some(somebody(user, role)),
        Role::Project(..) => None,
    };
    let items = page.items.into_iter().filter_map(in_org).collect();
    Ok(Shown(Page { items, next_cursor: page.next_cursor }))
}

async fn of_project(
    app: App,
    Needs(caller): Needs<ReadMembers>,
    Path([org, project]): Path<2>,
    Paging { limit, cursor }: Paging,
) -> Result<Shown<Page<Somebody<ProjectRole>>>, Refused> {
    let (actor, cursor) = (Actor::Bearer(&caller), cursor.as_deref());
    let page = app.issuer().members_of(&actor, &org, Some(&project), cursor, limit).await?;
    let in_project = |(user, role)| match role {
        Role::Project(_, role) => Some(somebody(user, role)),
        Role::Org(_) => None,
    };
    let items = page.items.into_iter().filter_map(in_project).collect();
    Ok(Shown(Page { items, next_cursor: page.next_cursor }))
}

async fn set_in_org(
    app: App,
    Needs(caller): Needs<ManageMembers>,
    origin: Origin,
    Path([org, user]): Path<2>,
    Body(SetRole { role }): Body<SetRole<OrgRole>>,
) -> Result<Shown<Somebody<OrgRole>>, Refused> {
    let actor = Actor::Bearer(&caller);
    let user = app.issuer().set_org_member(&actor, &org, &user, role, &origin).await?;
    Ok(Shown(somebody(user, role)))
}

async fn set_in_project(
    app: App,
    Needs(caller): Needs<ManageMembers>,
    origin: Origin,
    Path([org, project, user]): Path<3>,
    Body(SetRole { role }): Body<SetRole<ProjectRole>>,
) -> Result<Shown<Somebody<ProjectRole>>, Refused> {
    let (issuer, actor) = (app.issuer(), Actor::Bearer(&caller));
    let user = issuer.set_project_member(&actor, &org, &project, &user, role, &origin).await?;
    Ok(Shown(somebody(user, role)))
}

async fn remove_from_org(
    app: App,
    Needs(caller): Needs<ManageMembers>,
    origin: Origin,
    Path([org, user]): Path<2>,
    KeysOfLeaver(keys): KeysOfLeaver,
) -> Result<Done, Refused> {
    let actor = Actor::Bearer(&caller);
    app.issuer().let_go(&actor, (&org, None), &user, keys, &origin).await?;
    Ok(Done)
}

async fn remove_from_project(
    app: App,
    Needs(caller): Needs<ManageMembers>,
    origin: Origin,
    Path([org, project, user]): Path<3>,
    KeysOfLeaver(keys): KeysOfLeaver,
) -> Result<Done, Refused> {
    let actor = Actor::Bearer(&caller);
    app.issuer().let_go(&actor, (&org, Some(&project)), &user, keys, &origin).await?;
    Ok(Done)
}

async fn leave_org(
    app: App,
    Needs(caller): Needs<Member>,
    origin: Origin,
    Path([org]): Path<1>,
    KeysOfLeaver(keys): KeysOfLeaver,
) -> Result<Done, Refused> {
    app.issuer().leave(&Actor::Bearer(&caller), (&org, None), keys, &origin).await?;
    Ok(Done)
}

/// Only a role that was given there: one that comes with the organization stays with it.
async fn leave_project(
    app: App,
    Needs(caller): Needs<Member>,
    origin: Origin,
    Path([org, project]): Path<2>,
    KeysOfLeaver(keys): KeysOfLeaver,
) -> Result<Done, Refused> {
    app.issuer().leave(&Actor::Bearer(&caller), (&org, Some(&project)), keys, &origin).await?;
    Ok(Done)
}

fn somebody<R>(user: User, role: R) -> Somebody<R> {
    Somebody { user: user.id.to_string(), email: user.email, name: user.name, role }
}
