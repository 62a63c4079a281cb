//! Of which place the policies are, and who looks at them.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::{IntoResponse, Response};
use hallpass_issuer::keys::KEYS_MANAGE;
use http::request::Parts;

use super::super::answer::Refusal;
use super::super::csrf::{self, Purpose};
use super::super::orgs::Seat;
use crate::app::App;
use crate::http::Visitor;

/// What the address of a page names.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    org: String,
    project: Option<String>,
    /// Which denied exchange.
    pub(super) id: String,
}

impl FromRequestParts<App> for Named {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let values = RawPathParams::from_request_parts(parts, app).await;
        let values = values.map_err(IntoResponse::into_response)?;
        let named = |wanted: &str| {
            values.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
        };
        let (org, id) = (named("org").unwrap_or_default(), named("id").unwrap_or_default());
        Ok(Self { org, project: named("project"), id })
    }
}

/// A place, and somebody who manages its keys.
pub(super) struct Office<'a> {
    pub(super) seat: Seat<'a>,
    /// Where the list is.
    pub(super) base: String,
}

impl<'a> Office<'a> {
    /// For somebody who looks: who is signed out signs in first, and comes back to `here`.
    pub(super) async fn visit(
        app: &'a App,
        visitor: &'a Visitor,
        named: &Named,
        here: &str,
    ) -> Result<Self, Refusal> {
        let at = (&*named.org, named.project.as_deref());
        Self::of(Seat::visit(app, visitor, at, here).await?)
    }

    /// For somebody who posts a form.
    pub(super) async fn post(
        app: &'a App,
        visitor: &'a Visitor,
        named: &Named,
    ) -> Result<Self, Refusal> {
        Self::of(Seat::post(app, visitor, (&named.org, named.project.as_deref())).await?)
    }

    /// To anybody who does not manage the keys of the place there is no such page.
    fn of(seat: Seat<'a>) -> Result<Self, Refusal> {
        if !seat.may(KEYS_MANAGE) {
            return Err(Refusal::from(seat.nothing()));
        }
        let base = match seat.names() {
            (org, None) => format!("/orgs/{org}/trust"),
            (org, Some(project)) => format!("/orgs/{org}/projects/{project}/trust"),
        };
        Ok(Self { seat, base })
    }

    pub(super) fn csrf(&self) -> String {
        csrf::token(self.seat.app, self.seat.cookie, Purpose::Trust(self.seat.id()))
    }
}
