//! `/orgs/{org}/keys`: keys of an organization and of its projects, for whoever manages them;
//! `/orgs/{org}/projects/{project}/keys`: the same pages for the owners of one project.
//!
//! | module | what |
//! |---|---|
//! | [`words`] | a key in words, and what these pages refuse |
//! | [`list`] | all of them, newest first, each generation with its last use |
//! | [`make`] | making one |
//! | [`one`] | one of them: rotate, revoke |
//!
//! A key's text is on one page, as a token's is: the answer to the post that made it.

mod list;
mod make;
mod one;
mod words;

use axum::Router;
use hallpass_issuer::keys::KEYS_MANAGE;

use super::orgs::Matter;
use crate::app::App;

/// The keys of an organization and of its projects, or of one project.
const KEYS: Matter = Matter { name: "keys", permission: KEYS_MANAGE };

pub(super) fn routes() -> Router<App> {
    Router::new().merge(list::routes()).merge(make::routes()).merge(one::routes())
}
