//! `/orgs/{org}/keys`: keys of an organization and of its projects, for whoever manages them;
//! `/orgs/{org}/projects/{project}/keys`: the same pages for the owners of one project.
//!
//! | module | what |
//! |---|---|
//! | [`office`] | of which place the keys are, and who looks |
//! | [`list`] | all of them, newest first, each generation with its last use |
//! | [`make`] | making one |
//! | [`one`] | one of them: rotate, revoke |
//!
//! A key's text is on one page, as a token's is: the answer to the post that made it.

mod list;
mod make;
mod office;
mod one;

use axum::Router;
use axum::routing::MethodRouter;

use crate::app::App;

/// The keys of an organization and of its projects.
const OF_ORG: &str = "/orgs/{org}/keys";
/// The keys of one project.
const OF_PROJECT: &str = "/orgs/{org}/projects/{project}/keys";
/// Which tab of the organization this is.
const HERE: &str = "keys";

pub(super) fn routes() -> Router<App> {
    Router::new().merge(list::routes()).merge(make::routes()).merge(one::routes())
}

/// The same page in both offices.
fn in_both(at: &str, page: impl Fn() -> MethodRouter<App>) -> Router<App> {
    Router::new()
        .route(&format!("{OF_ORG}{at}"), page())
        .route(&format!("{OF_PROJECT}{at}"), page())
}
