//! `…/keys`: keys of an organization and of its projects, for whoever manages them.

use hallpass_core::wire::api::Page;
use hallpass_core::wire::keys::{CreatedKey, Key, KeyText, NewKey};
use hallpass_core::wire::tokens::RotateToken;
use hallpass_issuer::Origin;
use hallpass_issuer::tokens::Actor;
use http::Method;

use super::answer::{Done, Made, Shown};
use super::argument::{Body, Paging, Path};
use super::refused::Refused;
use super::right::{KeyManager, ManageKeys, Needs};
use super::route::Route;
use crate::app::App;

const OF_ORG: &str = "/api/v1/orgs/{org}/keys";
const OF_PROJECT: &str = "/api/v1/orgs/{org}/projects/{project}/keys";
const LOOKUP: &str = "/api/v1/keys/lookup";
const ONE: &str = "/api/v1/keys/{id}";
const ROTATE: &str = "/api/v1/keys/{id}/rotate";

pub(super) fn table() -> Vec<Route> {
    vec![
        Route::new(Method::GET, OF_ORG, "listOrgKeys", "List keys", of_org),
        Route::new(Method::POST, OF_ORG, "createOrgKey", "Make a key", create_in_org).or([409]),
        Route::new(Method::GET, OF_PROJECT, "listProjectKeys", "List keys", of_project),
        Route::new(Method::POST, OF_PROJECT, "createProjectKey", "Make a key", create_in_project)
            .or([409]),
        Route::new(Method::POST, LOOKUP, "lookUpKey", "Which key a text is", look_up).or([404]),
        Route::new(Method::GET, ONE, "getKey", "Show a key", show),
        Route::new(Method::DELETE, ONE, "revokeKey", "Revoke a key", revoke),
        Route::new(Method::POST, ROTATE, "rotateKey", "Rotate a key", rotate).or([409]),
    ]
}

async fn of_org(
    app: App,
    Needs(caller): Needs<ManageKeys>,
    Path([org]): Path<1>,
    Paging { limit, cursor }: Paging,
) -> Result<Shown<Page<Key>>, Refused> {
    let (actor, cursor) = (Actor::Bearer(&caller), cursor.as_deref());
    Ok(Shown(app.issuer().keys_of(&actor, &org, None, cursor, limit).await?))
}

async fn of_project(
    app: App,
    Needs(caller): Needs<ManageKeys>,
    Path([org, project]): Path<2>,
    Paging { limit, cursor }: Paging,
) -> Result<Shown<Page<Key>>, Refused> {
    let (actor, cursor) = (Actor::Bearer(&caller), cursor.as_deref());
    Ok(Shown(app.issuer().keys_of(&actor, &org, Some(&project), cursor, limit).await?))
}

async fn create_in_org(
    app: App,
    Needs(caller): Needs<ManageKeys>,
    origin: Origin,
    Path([org]): Path<1>,
    Body(new): Body<NewKey>,
) -> Result<Made<CreatedKey>, Refused> {
    Ok(Made(app.issuer().create_key(&Actor::Bearer(&caller), &org, None, new, &origin).await?))
}

async fn create_in_project(
    app: App,
    Needs(caller): Needs<ManageKeys>,
    origin: Origin,
    Path([org, project]): Path<2>,
    Body(new): Body<NewKey>,
) -> Result<Made<CreatedKey>, Refused> {
    let (issuer, actor) = (app.issuer(), Actor::Bearer(&caller));
    Ok(Made(issuer.create_key(&actor, &org, Some(&project), new, &origin).await?))
}

async fn look_up(
    app: App,
    Needs(caller): Needs<KeyManager>,
    Body(KeyText { value }): Body<KeyText>,
) -> Result<Shown<Key>, Refused> {
    Ok(Shown(app.issuer().key_with_text(&Actor::Bearer(&caller), &value).await?))
}

async fn show(
    app: App,
    Needs(caller): Needs<KeyManager>,
    Path([id]): Path<1>,
) -> Result<Shown<Key>, Refused> {
    Ok(Shown(app.issuer().key(&Actor::Bearer(&caller), &id).await?))
}

async fn revoke(
    app: App,
    Needs(caller): Needs<KeyManager>,
    origin: Origin,
    Path([id]): Path<1>,
) -> Result<Done, Refused> {
    app.issuer().revoke_key(&Actor::Bearer(&caller), &id, &origin).await?;
    Ok(Done)
}

async fn rotate(
    app: App,
    Needs(caller): Needs<KeyManager>,
    origin: Origin,
    Path([id]): Path<1>,
    Body(how): Body<RotateToken>,
) -> Result<Made<CreatedKey>, Refused> {
    Ok(Made(app.issuer().rotate_key(&Actor::Bearer(&caller), &id, how, &origin).await?))
}
