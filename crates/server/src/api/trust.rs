//! `…/trust`: whom a project trusts from outside, for whoever manages its keys.

use hallpass_core::trust::Changed;
use hallpass_core::wire::api::Page;
use hallpass_core::wire::trust::{
    DeniedExchange, DeniedExplained, NewTrustPolicy, TrustExchange, TrustPolicy,
};
use hallpass_issuer::Origin;
use hallpass_issuer::tokens::Actor;
use http::Method;

use super::answer::{Done, Made, Shown};
use super::argument::{Body, Paging, Path};
use super::refused::Refused;
use super::right::{KeyManager, ManageKeys, Needs};
use super::route::Route;
use crate::app::App;

const OF_ORG: &str = "/api/v1/orgs/{org}/trust";
const OF_PROJECT: &str = "/api/v1/orgs/{org}/projects/{project}/trust";
const ORG_EXCHANGES: &str = "/api/v1/orgs/{org}/trust/exchanges";
const PROJECT_EXCHANGES: &str = "/api/v1/orgs/{org}/projects/{project}/trust/exchanges";
const ORG_DENIED: &str = "/api/v1/orgs/{org}/trust/denied";
const PROJECT_DENIED: &str = "/api/v1/orgs/{org}/projects/{project}/trust/denied";
const ONE: &str = "/api/v1/trust/{id}";
const REPIN: &str = "/api/v1/trust/{id}/repin";
const ONE_DENIED: &str = "/api/v1/trust/denied/{id}";

pub(super) fn table() -> Vec<Route> {
    vec![
        Route::new(Method::GET, OF_ORG, "listOrgTrust", "List policies", of_org),
        Route::new(Method::GET, OF_PROJECT, "listProjectTrust", "List policies", of_project),
        Route::new(Method::POST, OF_PROJECT, "createTrust", "Make a policy", create).or([409]),
        Route::new(Method::GET, ORG_EXCHANGES, "listOrgExchanges", "Who was let in", org_exchanges),
        Route::new(
            Method::GET,
            PROJECT_EXCHANGES,
            "listProjectExchanges",
            "Who was let in",
            project_exchanges,
        ),
        Route::new(Method::GET, ORG_DENIED, "listOrgDenied", "Who was not let in", org_denied),
        Route::new(
            Method::GET,
            PROJECT_DENIED,
            "listProjectDenied",
            "Who was not let in",
            project_denied,
        ),
        Route::new(Method::GET, ONE, "getTrust", "Show a policy", show),
        Route::new(Method::DELETE, ONE, "revokeTrust", "End a policy and its passes", revoke),
        Route::new(Method::POST, REPIN, "repinTrust", "Let a name go with another id", repin)
            .or([409]),
        Route::new(Method::GET, ONE_DENIED, "explainDenied", "Why not, and what would", explain),
    ]
}

async fn of_org(
    app: App,
    Needs(caller): Needs<ManageKeys>,
    Path([org]): Path<1>,
) -> Result<Shown<Page<TrustPolicy>>, Refused> {
    Ok(Shown(app.issuer().trust_of(&Actor::Bearer(&caller), &org, None).await?))
}

async fn of_project(
    app: App,
    Needs(caller): Needs<ManageKeys>,
    Path([org, project]): Path<2>,
) -> Result<Shown<Page<TrustPolicy>>, Refused> {
    Ok(Shown(app.issuer().trust_of(&Actor::Bearer(&caller), &org, Some(&project)).await?))
}

async fn create(
    app: App,
    Needs(caller): Needs<ManageKeys>,
    origin: Origin,
    Path([org, project]): Path<2>,
    Body(new): Body<NewTrustPolicy>,
) -> Result<Made<TrustPolicy>, Refused> {
    let (issuer, actor) = (app.issuer(), Actor::Bearer(&caller));
    Ok(Made(issuer.create_trust(&actor, &org, &project, new, &origin).await?))
}

async fn org_exchanges(
    app: App,
    Needs(caller): Needs<ManageKeys>,
    Path([org]): Path<1>,
    Paging { limit, cursor }: Paging,
) -> Result<Shown<Page<TrustExchange>>, Refused> {
    let (issuer, actor) = (app.issuer(), Actor::Bearer(&caller));
    Ok(Shown(issuer.trust_exchanges(&actor, &org, None, cursor.as_deref(), limit).await?))
}

async fn project_exchanges(
    app: App,
    Needs(caller): Needs<ManageKeys>,
    Path([org, project]): Path<2>,
    Paging { limit, cursor }: Paging,
) -> Result<Shown<Page<TrustExchange>>, Refused> {
    let (issuer, actor, at) = (app.issuer(), Actor::Bearer(&caller), Some(project.as_str()));
    Ok(Shown(issuer.trust_exchanges(&actor, &org, at, cursor.as_deref(), limit).await?))
}

async fn org_denied(
    app: App,
    Needs(caller): Needs<ManageKeys>,
    Path([org]): Path<1>,
    Paging { limit, cursor }: Paging,
) -> Result<Shown<Page<DeniedExchange>>, Refused> {
    let (issuer, actor) = (app.issuer(), Actor::Bearer(&caller));
    Ok(Shown(issuer.denied_exchanges(&actor, &org, None, cursor.as_deref(), limit).await?))
}

async fn project_denied(
    app: App,
    Needs(caller): Needs<ManageKeys>,
    Path([org, project]): Path<2>,
    Paging { limit, cursor }: Paging,
) -> Result<Shown<Page<DeniedExchange>>, Refused> {
    let (issuer, actor, at) = (app.issuer(), Actor::Bearer(&caller), Some(project.as_str()));
    Ok(Shown(issuer.denied_exchanges(&actor, &org, at, cursor.as_deref(), limit).await?))
}

async fn show(
    app: App,
    Needs(caller): Needs<KeyManager>,
    Path([id]): Path<1>,
) -> Result<Shown<TrustPolicy>, Refused> {
    Ok(Shown(app.issuer().trust(&Actor::Bearer(&caller), &id).await?))
}

async fn revoke(
    app: App,
    Needs(caller): Needs<KeyManager>,
    origin: Origin,
    Path([id]): Path<1>,
) -> Result<Done, Refused> {
    app.issuer().revoke_trust(&Actor::Bearer(&caller), &id, &origin).await?;
    Ok(Done)
}

async fn repin(
    app: App,
    Needs(caller): Needs<KeyManager>,
    origin: Origin,
    Path([id]): Path<1>,
    Body(changed): Body<Changed>,
) -> Result<Shown<TrustPolicy>, Refused> {
    let (issuer, actor) = (app.issuer(), Actor::Bearer(&caller));
    Ok(Shown(issuer.repin_trust(&actor, &id, &changed, &origin).await?))
}

async fn explain(
    app: App,
    Needs(caller): Needs<KeyManager>,
    Path([id]): Path<1>,
) -> Result<Shown<DeniedExplained>, Refused> {
    Ok(Shown(app.issuer().explain_denied(&Actor::Bearer(&caller), &id, None).await?))
}
