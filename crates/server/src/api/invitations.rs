//! `…/invitations`: links that give a role in an organization or a project, once. They are
//! accepted on a page, by a person.

use hallpass_core::wire::api::Page;
use hallpass_core::wire::tokens::{CreatedInvitation, Invitation, NewInvitation};
use hallpass_issuer::Origin;
use hallpass_issuer::tokens::Actor;
use http::Method;

use super::answer::{Done, Made, Shown};
use super::argument::{Body, Paging, Path};
use super::refused::Refused;
use super::right::{ManageMembers, Needs};
use super::route::Route;
use crate::app::App;

const OF_ORG: &str = "/api/v1/orgs/{org}/invitations";
const TO_ORG: &str = "/api/v1/orgs/{org}/invitations/{invitation}";
const OF_PROJECT: &str = "/api/v1/orgs/{org}/projects/{project}/invitations";
const TO_PROJECT: &str = "/api/v1/orgs/{org}/projects/{project}/invitations/{invitation}";

pub(super) fn table() -> Vec<Route> {
    const LIST: &str = "List open invitations";
    const INVITE: &str = "Invite somebody";
    const REVOKE: &str = "Revoke an invitation";
    vec![
        Route::new(Method::GET, OF_ORG, "listOrgInvitations", LIST, of_org),
        Route::new(Method::POST, OF_ORG, "inviteToOrg", INVITE, to_org),
        Route::new(Method::DELETE, TO_ORG, "revokeOrgInvitation", REVOKE, revoke_org),
        Route::new(Method::GET, OF_PROJECT, "listProjectInvitations", LIST, of_project),
        Route::new(Method::POST, OF_PROJECT, "inviteToProject", INVITE, to_project),
        Route::new(Method::DELETE, TO_PROJECT, "revokeProjectInvitation", REVOKE, revoke_project),
    ]
}

async fn of_org(
    app: App,
    Needs(caller): Needs<ManageMembers>,
    Path([org]): Path<1>,
    Paging { limit, cursor }: Paging,
) -> Result<Shown<Page<Invitation>>, Refused> {
    let (actor, cursor) = (Actor::Bearer(&caller), cursor.as_deref());
    Ok(Shown(app.issuer().invitations_of(&actor, (&org, None), cursor, limit).await?))
}

async fn of_project(
    app: App,
    Needs(caller): Needs<ManageMembers>,
    Path([org, project]): Path<2>,
    Paging { limit, cursor }: Paging,
) -> Result<Shown<Page<Invitation>>, Refused> {
    let (actor, cursor) = (Actor::Bearer(&caller), cursor.as_deref());
    let at = (&*org, Some(&*project));
    Ok(Shown(app.issuer().invitations_of(&actor, at, cursor, limit).await?))
}

async fn to_org(
    app: App,
    Needs(caller): Needs<ManageMembers>,
    origin: Origin,
    Path([org]): Path<1>,
    Body(new): Body<NewInvitation>,
) -> Result<Made<CreatedInvitation>, Refused> {
    Ok(Made(app.issuer().invite(&Actor::Bearer(&caller), (&org, None), &new, &origin).await?))
}

async fn to_project(
    app: App,
    Needs(caller): Needs<ManageMembers>,
    origin: Origin,
    Path([org, project]): Path<2>,
    Body(new): Body<NewInvitation>,
) -> Result<Made<CreatedInvitation>, Refused> {
    let (actor, at) = (Actor::Bearer(&caller), (&*org, Some(&*project)));
    Ok(Made(app.issuer().invite(&actor, at, &new, &origin).await?))
}

async fn revoke_org(
    app: App,
    Needs(caller): Needs<ManageMembers>,
    origin: Origin,
    Path([org, id]): Path<2>,
) -> Result<Done, Refused> {
    let actor = Actor::Bearer(&caller);
    app.issuer().revoke_invitation(&actor, (&org, None), &id, &origin).await?;
    Ok(Done)
}

async fn revoke_project(
    app: App,
    Needs(caller): Needs<ManageMembers>,
    origin: Origin,
    Path([org, project, id]): Path<3>,
) -> Result<Done, Refused> {
    let (actor, at) = (Actor::Bearer(&caller), (&*org, Some(&*project)));
    app.issuer().revoke_invitation(&actor, at, &id, &origin).await?;
    Ok(Done)
}
