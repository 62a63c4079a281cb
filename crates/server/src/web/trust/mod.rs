//! `/orgs/{org}/trust`: which jobs are let into the projects of an organization, for whoever
//! manages their keys; `/orgs/{org}/projects/{project}/trust`: the same for one project.
//!
//! | module | what |
//! |---|---|
//! | [`list`] | policies, who came and who was denied |
//! | [`act`] | a policy is made, or ended |
//! | [`denied`] | one denied exchange, each condition with pass or fail |
//! | [`lines`] | what those say of each |

mod act;
mod denied;
mod lines;
mod list;

use axum::Router;
use hallpass_issuer::keys::KEYS_MANAGE;

use super::csrf::{self, Purpose};
use super::orgs::{Matter, Office};
use crate::app::App;

/// Of all projects of an organization, or of one.
const TRUST: Matter = Matter { name: "trust", permission: KEYS_MANAGE };

pub(super) fn routes() -> Router<App> {
    Router::new().merge(list::routes()).merge(denied::routes())
}

/// For the forms about a place's trust.
fn form_of(office: &Office<'_>) -> String {
    csrf::token(office.app, office.cookie, Purpose::Trust(office.id()))
}
