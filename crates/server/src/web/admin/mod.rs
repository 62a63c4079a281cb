//! `/admin`: what an administrator of the deployment sees and does. To everybody else there are
//! no such pages.
//!
//! | module | page |
//! |---|---|
//! | [`health`] | `/admin`: how the server is |
//! | [`person`] | `/admin/users/…`: somebody's sign-ins and places; disabling, ending everything |
//! | [`orgs`] | `/admin/orgs`: organizations |
//! | [`clients`] | `/admin/clients`: programs that ask for tokens |
//! | [`keys`] | `/admin/keys`: keys that sign tokens |
//! | [`audit`] | `/admin/audit`, `/orgs/…/audit`: the log of changes, and its export |

use axum::Router;
use hallpass_core::Secret;
use hallpass_core::wire::params::Params;
use hallpass_issuer::SignedIn;
use hallpass_issuer::tokens::Actor;

use super::answer::Refusal;
use super::csrf::{self, Purpose};
use super::{answer, not_found};
use crate::app::App;
use crate::http::Visitor;

mod audit;
mod clients;
mod health;
mod keys;
mod orgs;
mod person;

pub(super) use person::page_of as person_page;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .merge(health::routes())
        .merge(person::routes())
        .merge(orgs::routes())
        .merge(clients::routes())
        .merge(keys::routes())
        .merge(audit::routes())
}

/// An administrator at a page of theirs.
struct Administrator<'a> {
    app: &'a App,
    cookie: &'a Secret,
    person: &'a SignedIn,
}

impl<'a> Administrator<'a> {
    /// For somebody who looks: who is signed out signs in first, and comes back to `here`.
    fn visit(app: &'a App, visitor: &'a Visitor, here: &str) -> Result<Self, Refusal> {
        Self::of(app, answer::person(visitor, app, here)?)
    }

    /// For somebody who posts a form.
    fn post(
        app: &'a App,
        visitor: &'a Visitor,
        here: &str,
        purpose: Purpose<'_>,
        form: &Params,
    ) -> Result<Self, Refusal> {
        let administrator = Self::of(app, answer::poster(visitor, app, here)?)?;
        csrf::check(app, Some(administrator.cookie), purpose, form)?;
        Ok(administrator)
    }

    fn of(app: &'a App, (cookie, person): (&'a Secret, &'a SignedIn)) -> Result<Self, Refusal> {
        if !person.user.admin {
            return Err(Refusal::from(not_found()));
        }
        Ok(Self { app, cookie, person })
    }

    fn actor(&self) -> Actor<'a> {
        Actor::Person(&self.person.user)
    }

    fn csrf(&self, purpose: Purpose<'_>) -> String {
        csrf::token(self.app, self.cookie, purpose)
    }

    fn frame(&self) -> super::views::Frame {
        answer::frame(self.app, Some(self.person))
    }
}
