//! `/api/v1/orgs/{org}/projects/{project}/legacy-tokens`: the last tokens that look like an
//! older system's, while the move away from it is in phase A.

use hallpass_core::wire::tokens::{CreatedLegacyToken, NewLegacyToken};
use hallpass_issuer::Origin;
use hallpass_issuer::tokens::Actor;
use http::Method;

use super::answer::Made;
use super::argument::{Body, Path};
use super::refused::Refused;
use super::right::{Needs, ProjectTokens};
use super::route::Route;
use crate::app::App;

const ALL: &str = "/api/v1/orgs/{org}/projects/{project}/legacy-tokens";

pub(super) fn table() -> Vec<Route> {
    let summary = "Make a token like those of an older system";
    vec![Route::new(Method::POST, ALL, "createLegacyToken", summary, create).or([409])]
}

async fn create(
    app: App,
    Needs(caller): Needs<ProjectTokens>,
    origin: Origin,
    Path([org, project]): Path<2>,
    Body(new): Body<NewLegacyToken>,
) -> Result<Made<CreatedLegacyToken>, Refused> {
    let actor = Actor::Bearer(&caller);
    Ok(Made(app.issuer().mint_legacy(&actor, (&org, &project), new, &origin).await?))
}
