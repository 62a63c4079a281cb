//! Pages about one matter of an organization or a project, for whoever may see to it there: its
//! keys, the jobs that it lets in, an older system's tokens.

use std::ops::Deref;

use axum::Router;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use http::request::Parts;

use super::super::answer::Refusal;
use super::Seat;
use crate::app::App;
use crate::http::Visitor;

/// What such pages are about.
pub(in crate::web) struct Matter {
    /// As it stands in their addresses, and in the navigation.
    pub(in crate::web) name: &'static str,
    /// Who may see to it.
    pub(in crate::web) permission: &'static str,
}

impl Matter {
    /// The same page for an organization and for one project.
    pub(in crate::web) fn in_both(
        &self,
        at: &str,
        page: impl Fn() -> MethodRouter<App>,
    ) -> Router<App> {
        let name = self.name;
        Router::new()
            .route(&format!("/orgs/{{org}}/{name}{at}"), page())
            .route(&format!("/orgs/{{org}}/projects/{{project}}/{name}{at}"), page())
    }
}

/// What the address of such a page names.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Named {
    org: String,
    project: Option<String>,
    /// Which of what the place has of it.
    pub(in crate::web) id: String,
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

/// A place, and somebody who sees to a matter there.
pub(in crate::web) struct Office<'a> {
    seat: Seat<'a>,
    /// Where its first page is.
    pub(in crate::web) base: String,
}

impl<'a> Deref for Office<'a> {
    type Target = Seat<'a>;

    fn deref(&self) -> &Seat<'a> {
        &self.seat
    }
}

impl<'a> Office<'a> {
    /// For somebody who looks: who is signed out signs in first, and comes back to `here`.
    pub(in crate::web) async fn visit(
        matter: &Matter,
        (app, visitor): (&'a App, &'a Visitor),
        named: &Named,
        here: &str,
    ) -> Result<Self, Refusal> {
        let at = (&*named.org, named.project.as_deref());
        Self::of(matter, Seat::visit(app, visitor, at, here).await?)
    }

    /// For somebody who posts a form.
    pub(in crate::web) async fn post(
        matter: &Matter,
        (app, visitor): (&'a App, &'a Visitor),
        named: &Named,
    ) -> Result<Self, Refusal> {
        let at = (&*named.org, named.project.as_deref());
        Self::of(matter, Seat::post(app, visitor, at).await?)
    }

    /// To anybody who may not see to it there is no such page (attack-27).
    fn of(matter: &Matter, seat: Seat<'a>) -> Result<Self, Refusal> {
        if !seat.may(matter.permission) {
            return Err(Refusal::from(seat.nothing()));
        }
        let name = matter.name;
        let base = match seat.names() {
            (org, None) => format!("/orgs/{org}/{name}"),
            (org, Some(project)) => format!("/orgs/{org}/projects/{project}/{name}"),
        };
        Ok(Self { seat, base })
    }
}
