//! A key in words, and what its pages refuse.

use axum::response::Response;
use hallpass_core::Kind;
use hallpass_core::wire::keys::{Key, KeyKind};
use hallpass_core::wire::tokens::Token;
use hallpass_issuer::keys::KeyError;
use hallpass_issuer::orgs::OrgError;
use hallpass_issuer::tokens::TokenError;
use http::StatusCode;

use super::super::answer;
use super::super::orgs::Office;
use super::super::shown::Shown;
use super::super::tokens::{Line, Sign};
use super::super::views::Way;
use crate::http::failure;

impl Office<'_> {
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
        answer::sent_before(self.app, self.person, "key", what, self.list())
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
        let tokens: Vec<Token> = keys.iter().map(Token::from).collect();
        let mut lines = super::super::tokens::lines_of(self.app, &tokens);
        for line in &mut lines {
            if let Some(key) = keys.iter().find(|key| key.id == line.id) {
                line.may = Shown::typed(&self.may_do(key));
                line.made_by = Some(maker(key));
            }
        }
        lines
    }

    /// What a key may do, in a line.
    pub(super) fn may_do(&self, key: &Key) -> String {
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
