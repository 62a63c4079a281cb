//! `/orgs/{org}/trust`: which jobs are let into the projects of an organization, for whoever
//! manages their keys; `/orgs/{org}/projects/{project}/trust`: the same for one project.
//!
//! | module | what |
//! |---|---|
//! | [`office`] | of which place it is, and who looks |
//! | [`list`] | policies, who came and who was denied |
//! | [`act`] | a policy is made, or ended |
//! | [`denied`] | one denied exchange, each condition with pass or fail |
//! | [`lines`] | what those say of each |

mod act;
mod denied;
mod lines;
mod list;
mod office;

use axum::Router;
use axum::routing::MethodRouter;

use crate::app::App;

/// Of all projects of an organization.
const OF_ORG: &str = "/orgs/{org}/trust";
/// Of one project.
const OF_PROJECT: &str = "/orgs/{org}/projects/{project}/trust";
/// Which tab of the organization this is.
const HERE: &str = "trust";

pub(super) fn routes() -> Router<App> {
    Router::new().merge(list::routes()).merge(denied::routes())
}

/// The same page in both offices.
fn in_both(at: &str, page: impl Fn() -> MethodRouter<App>) -> Router<App> {
    Router::new()
        .route(&format!("{OF_ORG}{at}"), page())
        .route(&format!("{OF_PROJECT}{at}"), page())
}
