//! At which desk one stands: one's own tokens, or as an administrator somebody else's.
//!
//! The pages are the same; where they are, and of whom they speak, is not. To whoever is no
//! administrator there is no desk but their own.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::{IntoResponse, Response};
use hallpass_core::Secret;
use hallpass_core::id::UserId;
use hallpass_issuer::SignedIn;
use hallpass_issuer::tokens::{Actor, TokenError};
use hallpass_store::User;
use http::StatusCode;
use http::request::Parts;

use super::super::answer::Refusal;
use super::super::shown::Shown;
use super::super::views::{Frame, Way};
use super::super::{answer, not_found, people};
use super::PAGE;
use crate::app::App;
use crate::http::{Visitor, failure};

/// What the address of a page names.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    /// Whose tokens; one's own if nobody is named.
    user: Option<String>,
    /// Which of them.
    pub(super) id: String,
}

impl Named {
    /// Where this desk's list is.
    pub(super) fn base(&self) -> String {
        // Only an id becomes part of an address.
        let user = self.user.as_deref().map(str::parse::<UserId>);
        match user {
            None => PAGE.to_owned(),
            Some(Ok(id)) => base_of(id),
            Some(Err(_)) => people::PAGE.to_owned(),
        }
    }
}

impl FromRequestParts<App> for Named {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let values = RawPathParams::from_request_parts(parts, app).await;
        let values = values.map_err(IntoResponse::into_response)?;
        let named = |wanted: &str| {
            values.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
        };
        Ok(Self { user: named("user"), id: named("id").unwrap_or_default() })
    }
}

/// The list of this person's tokens, for administrators.
pub(in crate::web) fn base_of(id: UserId) -> String {
    format!("{}/{id}/tokens", people::PAGE)
}

/// A desk, and who stands there.
pub(super) struct Desk<'a> {
    pub(super) app: &'a App,
    pub(super) cookie: &'a Secret,
    pub(super) person: &'a SignedIn,
    /// Whose tokens they are, if not this person's own.
    other: Option<User>,
    /// Where the list is.
    pub(super) base: String,
}

impl<'a> Desk<'a> {
    /// For somebody who looks: who is signed out signs in first, and comes back to `here`.
    pub(super) async fn visit(
        app: &'a App,
        visitor: &'a Visitor,
        named: &Named,
        here: &str,
    ) -> Result<Self, Refusal> {
        let known = answer::person(visitor, app, &format!("{}{here}", named.base()))?;
        Self::of(app, known, named).await
    }

    /// For somebody who posts a form.
    pub(super) async fn post(
        app: &'a App,
        visitor: &'a Visitor,
        named: &Named,
        here: &str,
    ) -> Result<Self, Refusal> {
        let known = answer::poster(visitor, app, &format!("{}{here}", named.base()))?;
        Self::of(app, known, named).await
    }

    async fn of(
        app: &'a App,
        (cookie, person): (&'a Secret, &'a SignedIn),
        named: &Named,
    ) -> Result<Self, Refusal> {
        let desk = |other| Self { app, cookie, person, other, base: named.base() };
        let Some(user) = &named.user else { return Ok(desk(None)) };
        match app.issuer().person_for(&Actor::Person(&person.user), user).await {
            // One's own tokens are one's own business at any desk.
            Ok(user) if user.id == person.user.id => Err(Refusal::from(answer::see_other(PAGE))),
            Ok(user) => Ok(desk(Some(user))),
            Err(TokenError::Failed(error)) => Err(Refusal::from(failure::page(app, &error))),
            Err(_) if person.user.admin => Err(Refusal::from(people::nobody(app, person))),
            Err(_) => Err(Refusal::from(not_found())),
        }
    }

    pub(super) fn actor(&self) -> Actor<'a> {
        Actor::Person(&self.person.user)
    }

    /// Whose tokens they are.
    pub(super) fn owner(&self) -> &User {
        self.other.as_ref().unwrap_or(&self.person.user)
    }

    /// As the issuer is told whose they are; one's own go without saying.
    pub(super) fn owner_id(&self) -> Option<String> {
        self.other.as_ref().map(|user| user.id.to_string())
    }

    /// For the page.
    pub(super) fn sign(&self) -> Sign {
        Sign {
            base: self.base.clone(),
            owner: self.other.as_ref().map(|user| Shown::new(&user.email)),
            of_project: false,
            of_keys: false,
        }
    }

    /// One token's page.
    pub(super) fn page_of(&self, id: &str) -> String {
        format!("{}/{id}", self.base)
    }

    fn list(&self) -> Option<Way> {
        Some(Way { href: self.base.clone(), label: "All tokens" })
    }

    /// There is no such token, or it is somebody else's.
    pub(super) fn unknown(&self) -> Response {
        let whose = match self.other {
            None => "It was revoked or has ended, or it is not yours. Nothing was changed.",
            Some(_) => "It was revoked or has ended, or it is not theirs. Nothing was changed.",
        };
        let (heading, person) = ("There is no such token", Some(self.person));
        let mut response =
            answer::outcome(self.app, person, "error-404", heading, &[whose], self.list());
        *response.status_mut() = StatusCode::NOT_FOUND;
        response
    }

    /// A form that shows a token's text came a second time.
    pub(super) fn sent_before(&self, what: &str) -> Response {
        answer::sent_before(self.app, self.person, "token", what, self.list())
    }

    /// What a person cannot set right on the page that they have filled in.
    pub(super) fn refused(&self, error: TokenError) -> Response {
        match error {
            TokenError::Failed(error) => failure::page(self.app, &error),
            TokenError::Unknown => self.unknown(),
            other => answer::error(
                self.app,
                Some(self.person),
                StatusCode::FORBIDDEN,
                "That is not possible",
                &[&other.to_string(), "Nothing was changed."],
            ),
        }
    }
}

/// What stands over a desk's pages.
#[derive(Clone, Debug)]
pub(in crate::web) struct Sign {
    /// Where the list is.
    pub(in crate::web) base: String,
    /// Whose tokens they are: an e-mail address, or a project; `None`: those of whoever looks.
    pub(super) owner: Option<Shown>,
    /// It is a project, or an organization.
    pub(super) of_project: bool,
    /// They are keys.
    pub(super) of_keys: bool,
}

impl Sign {
    /// Over the pages about a project's tokens.
    pub(in crate::web) fn place(base: &str, place: &str) -> Self {
        Self {
            base: base.to_owned(),
            owner: Some(Shown::new(place)),
            of_project: true,
            of_keys: false,
        }
    }

    /// Over the pages about a place's keys.
    pub(in crate::web) fn keys(base: &str, place: &str) -> Self {
        Self { of_keys: true, ..Self::place(base, place) }
    }

    /// `Tokens`, or what the brand calls keys.
    pub(super) fn what<'f>(&self, frame: &'f Frame) -> &'f str {
        if self.of_keys { frame.called_or("/settings/keys", "Keys") } else { "Tokens" }
    }

    /// One of them.
    pub(super) fn one(&self) -> &'static str {
        if self.of_keys { "key" } else { "token" }
    }

    /// Whether an administrator acts for somebody else.
    pub(super) fn for_other(&self) -> bool {
        self.owner.is_some() && !self.of_project
    }

    /// `you`, or `they`.
    pub(super) fn you(&self) -> &'static str {
        if self.owner.is_some() { "they" } else { "you" }
    }
}
