//! `/orgs`: organizations, their projects, and who has which role there.
//!
//! | module | page |
//! |---|---|
//! | [`list`] | `/orgs`: those that one has a role in |
//! | [`one`] | `/orgs/{org}`: its projects and its plan |
//! | [`members`], [`project`] | `/orgs/{org}/members`, `/orgs/{org}/projects/{project}`: people, roles, invitations |
//! | [`settings`] | `/orgs/{org}/settings`: its name, its owner, its archive |
//! | [`people`], [`deed`] | what those share: who is there; what became of a form |
//! | [`nav`] | what leads from one page of an organization to the next |
//! | [`office`] | what the pages about its keys, its jobs and its older tokens share |
//!
//! Whoever has no role at a place is told the same as if it were not there (attack-27).

mod deed;
mod list;
mod members;
mod nav;
mod office;
mod one;
mod people;
mod project;
mod settings;

use axum::Router;
use axum::response::Response;
use hallpass_core::Secret;
use hallpass_issuer::SignedIn;
use hallpass_issuer::orgs::{OrgError, Standing};
use hallpass_issuer::tokens::Actor;
use http::StatusCode;

use super::answer::{self, Refusal};
use crate::app::App;
use crate::http::{Visitor, failure};

pub(in crate::web) use nav::Nav;
pub(in crate::web) use office::{Matter, Named, Office};
pub(in crate::web) use people::keys_made;

pub(super) fn routes() -> Router<App> {
    list::routes()
        .merge(one::routes())
        .merge(members::routes())
        .merge(project::routes())
        .merge(settings::routes())
}

/// Somebody who is signed in and has a role at the place that the address names.
pub(in crate::web) struct Seat<'a> {
    pub(in crate::web) app: &'a App,
    pub(in crate::web) cookie: &'a Secret,
    pub(in crate::web) person: &'a SignedIn,
    /// Where they stand, and what they may do there now.
    pub(in crate::web) standing: Standing,
}

impl<'a> Seat<'a> {
    /// For somebody who looks: who is signed out signs in first, and comes back to `here`.
    pub(in crate::web) async fn visit(
        app: &'a App,
        visitor: &'a Visitor,
        (org, project): (&str, Option<&str>),
        here: &str,
    ) -> Result<Self, Refusal> {
        let known = answer::person(visitor, app, here)?;
        Self::of(app, known, org, project).await
    }

    /// For somebody who posts a form.
    pub(in crate::web) async fn post(
        app: &'a App,
        visitor: &'a Visitor,
        (org, project): (&str, Option<&str>),
    ) -> Result<Self, Refusal> {
        let known = answer::poster(visitor, app, "/orgs")?;
        Self::of(app, known, org, project).await
    }

    async fn of(
        app: &'a App,
        (cookie, person): (&'a Secret, &'a SignedIn),
        org: &str,
        project: Option<&str>,
    ) -> Result<Self, Refusal> {
        let actor = Actor::Person(&person.user);
        match app.issuer().standing_at(&actor, org, project).await {
            Ok(standing) => Ok(Self { app, cookie, person, standing }),
            Err(OrgError::Failed(error)) => Err(Refusal::from(failure::page(app, &error))),
            Err(_) => Err(Refusal::from(nothing(app, person))),
        }
    }

    pub(in crate::web) fn actor(&self) -> Actor<'a> {
        Actor::Person(&self.person.user)
    }

    pub(in crate::web) fn nav(&self) -> Nav {
        Nav::of(&self.standing)
    }

    /// Slug of the organization, and of the project if they stand in one.
    pub(in crate::web) fn names(&self) -> (&str, Option<&str>) {
        let project = self.standing.project.as_ref().map(|project| project.slug.as_str());
        (&self.standing.org.slug, project)
    }

    /// `ORG`, or `ORG/PROJECT`.
    pub(in crate::web) fn place(&self) -> String {
        match self.names() {
            (org, None) => org.to_owned(),
            (org, Some(project)) => format!("{org}/{project}"),
        }
    }

    /// The id of the place.
    pub(in crate::web) fn id(&self) -> &str {
        self.standing.project.as_ref().map_or(&self.standing.org.id, |project| &project.id)
    }

    /// Whether the role at the place allows it there.
    pub(in crate::web) fn may(&self, permission: &str) -> bool {
        match self.standing.project {
            None => self.standing.may_in_org(permission),
            Some(_) => self.standing.may_in_project(permission),
        }
    }

    /// Where the people of the place are.
    fn home(&self) -> String {
        match self.names() {
            (org, None) => format!("/orgs/{org}/members"),
            (org, Some(project)) => format!("/orgs/{org}/projects/{project}"),
        }
    }

    /// The answer where nothing could be read.
    fn failed(&self, error: &OrgError) -> Response {
        match error {
            OrgError::Failed(error) => failure::page(self.app, error),
            _ => self.nothing(),
        }
    }

    /// A page that this person may not see is answered like one that is not there.
    pub(in crate::web) fn nothing(&self) -> Response {
        nothing(self.app, self.person)
    }
}

/// The same for a place that is not there and for one in which they have no role.
pub(in crate::web) fn nothing(app: &App, person: &SignedIn) -> Response {
    let lines = ["There is nothing here, or you have no role in it. Ask one of its owners."];
    answer::error(app, Some(person), StatusCode::NOT_FOUND, "There is no such page for you", &lines)
}

/// `an owner`, `a member`.
fn one_of(role: &str) -> String {
    let article = if role.starts_with(['a', 'o']) { "an" } else { "a" };
    format!("{article} {role}")
}
