//! Of which place the keys are, and who looks at them.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::{IntoResponse, Response};
use hallpass_core::wire::keys::{Key, KeyKind};
use hallpass_core::wire::tokens::Token;
use hallpass_core::{Kind, Secret};
use hallpass_issuer::SignedIn;
use hallpass_issuer::keys::{KEYS_MANAGE, KeyError};
use hallpass_issuer::orgs::OrgError;
use hallpass_issuer::tokens::{Actor, TokenError};
use http::StatusCode;
use http::request::Parts;

use super::super::answer::{self, Refusal};
use super::super::shown::Shown;
use super::super::tokens::{Line, Sign};
use super::super::views::Way;
use crate::app::App;
use crate::http::{Visitor, failure};

/// What the address of a page names.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    org: String,
    project: Option<String>,
    /// Which of its keys.
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
    pub(super) app: &'a App,
    pub(super) cookie: &'a Secret,
    pub(super) person: &'a SignedIn,
    /// The organization's slug.
    pub(super) org: String,
    /// The slug of the one project that it is about.
    pub(super) project: Option<String>,
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
        let known = answer::person(visitor, app, here)?;
        Self::of(app, known, named).await
    }

    /// For somebody who posts a form.
    pub(super) async fn post(
        app: &'a App,
        visitor: &'a Visitor,
        named: &Named,
    ) -> Result<Self, Refusal> {
        let known = answer::poster(visitor, app, "/")?;
        Self::of(app, known, named).await
    }

    /// The place, if this person manages its keys now. To anybody else there is no such page.
    async fn of(
        app: &'a App,
        (cookie, person): (&'a Secret, &'a SignedIn),
        named: &Named,
    ) -> Result<Self, Refusal> {
        let (issuer, actor) = (app.issuer(), Actor::Person(&person.user));
        let project = named.project.as_deref();
        let found = async {
            issuer.must_be_at(&actor, &named.org, project, Some(KEYS_MANAGE)).await?;
            match project {
                Some(project) => {
                    let found = issuer.project(&actor, &named.org, project).await?;
                    Ok::<_, OrgError>((found.org, Some(found.slug)))
                }
                None => Ok((issuer.org(&actor, &named.org).await?.slug, None)),
            }
        };
        match found.await {
            Ok((org, project)) => {
                let base = match &project {
                    Some(project) => format!("/orgs/{org}/projects/{project}/keys"),
                    None => format!("/orgs/{org}/keys"),
                };
                Ok(Self { app, cookie, person, org, project, base })
            }
            Err(OrgError::Failed(error)) => Err(Refusal::from(failure::page(app, &error))),
            Err(_) => Err(Refusal::from(nothing(app, person))),
        }
    }

    pub(super) fn actor(&self) -> Actor<'a> {
        Actor::Person(&self.person.user)
    }

    /// `acme`, or `acme/warehouse`.
    pub(super) fn place(&self) -> String {
        match &self.project {
            Some(project) => format!("{}/{project}", self.org),
            None => self.org.clone(),
        }
    }

    /// For the page that shows a text once.
    pub(super) fn sign(&self) -> Sign {
        Sign::keys(&self.base, &self.place())
    }

    fn list(&self) -> Option<Way> {
        Some(Way { href: self.base.clone(), label: "All keys" })
    }

    /// There is no such key here.
    pub(super) fn unknown(&self) -> Response {
        let lines =
            ["It was revoked or has ended, or it is not one of this place. Nothing was changed."];
        let (heading, person) = ("There is no such key", Some(self.person));
        let mut response =
            answer::outcome(self.app, person, "error-404", heading, &lines, self.list());
        *response.status_mut() = StatusCode::NOT_FOUND;
        response
    }

    /// A form that shows a key's text came a second time.
    pub(super) fn sent_before(&self, what: &str) -> Response {
        let lines = [what, "If the text was not copied, revoke that key and make another."];
        let (heading, person) = ("This form was sent before", Some(self.person));
        let mut response =
            answer::outcome(self.app, person, "sent-before", heading, &lines, self.list());
        *response.status_mut() = StatusCode::CONFLICT;
        response
    }

    /// What a person cannot set right on the page that they have filled in.
    pub(super) fn refused(&self, error: KeyError) -> Response {
        match error {
            KeyError::Token(TokenError::Failed(error))
            | KeyError::Place(OrgError::Failed(error)) => failure::page(self.app, &error),
            KeyError::Place(OrgError::Unknown(_)) => self.unknown(),
            other => answer::error(
                self.app,
                Some(self.person),
                StatusCode::FORBIDDEN,
                "That is not possible",
                &[&super::super::setup::sentence(&other.to_string()), "Nothing was changed."],
            ),
        }
    }

    /// A key as a person reads it, among the others of its list.
    pub(super) fn lines(&self, keys: &[Key]) -> Vec<Line> {
        let tokens: Vec<Token> = keys.iter().map(token).collect();
        let mut lines = super::super::tokens::lines_of(self.app, &tokens);
        for line in &mut lines {
            if let Some(key) = keys.iter().find(|key| key.id == line.id) {
                line.may = Shown::typed(&self.may(key));
                line.made_by = Some(maker(key));
            }
        }
        lines
    }

    /// What a key may do, in a line.
    pub(super) fn may(&self, key: &Key) -> String {
        let (kind, place) = match (key.kind, &key.project) {
            (KeyKind::ProjectKey, Some(project)) => {
                (Kind::ProjectKey, format!("in {}/{project} alone", key.org))
            }
            _ => (Kind::OrgKey, format!("in all of {}, as an admin", key.org)),
        };
        let what = match &key.scope {
            Some(scope) => format!("only {}", scope.iter().collect::<Vec<_>>().join(", ")),
            None => {
                let all = self.app.issuer().key_permissions(kind);
                all.into_iter().collect::<Vec<_>>().join(", ")
            }
        };
        format!("{place}: {what}")
    }
}

/// Who made a key.
fn maker(key: &Key) -> Shown {
    match (&key.creator, key.created_by.as_str()) {
        (Some(address), _) => Shown::new(address),
        (None, "system") => Shown::new("whoever runs this server"),
        (None, _) => Shown::new("another key"),
    }
}

/// In the words of a token: how it stands, when it was used, when it ends.
pub(super) fn token(key: &Key) -> Token {
    Token {
        id: key.id.clone(),
        name: key.name.clone(),
        prefix: key.prefix.clone(),
        last_four: key.last_four.clone(),
        scope: key.scope.clone(),
        projects: Vec::new(),
        created_at: key.created_at,
        created_by: None,
        expires_at: key.expires_at,
        last_used_at: key.last_used_at,
        last_used_address: key.last_used_address.clone(),
        rotated_from: key.rotated_from.clone(),
        overlap_until: key.overlap_until,
        leaked_at: None,
    }
}

/// The same for a place that is not there and for one whose keys are not theirs (attack-27).
fn nothing(app: &App, person: &SignedIn) -> Response {
    let lines = ["There is no such place, or you do not manage its keys. Ask one of its owners."];
    answer::error(app, Some(person), StatusCode::NOT_FOUND, "There is no such page for you", &lines)
}
