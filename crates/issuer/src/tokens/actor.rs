//! Who acts: a person at a page, whoever presents a credential, or the operator.

use hallpass_core::Scope;
use hallpass_core::id::{TokenId, UserId};
use hallpass_core::scope::{ACCOUNT, TOKENS};
use hallpass_store::User;
use hallpass_verdict::{CredentialKind, Decision, Who};

use super::TokenError;
use super::bounds::Bounds;
use crate::Issuer;

/// Who stands in the audit log for the operator.
const OPERATOR: &str = "system";

/// Who wants something done.
#[derive(Clone, Copy, Debug)]
pub enum Actor<'a> {
    /// A person who is signed in with a browser.
    Person(&'a User),
    /// Whoever presented a credential, as it was decided for this request.
    Bearer(&'a Decision),
    /// Whoever runs the server, on its own machine.
    Operator,
}

impl Actor<'_> {
    /// As it stands in the audit log.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Person(user) => user.id.to_string(),
            Self::Bearer(decision) => decision.who.id(),
            Self::Operator => OPERATOR.to_owned(),
        }
    }

    /// The person behind it, with their e-mail address and whether they administer the
    /// deployment now.
    pub(crate) fn person(&self) -> Option<(UserId, &str, bool)> {
        match self {
            Self::Person(user) => Some((user.id, &user.email, user.admin)),
            Self::Bearer(decision) => match &*decision.who {
                Who::User { id, email, admin, .. } => Some((*id, email, *admin)),
                Who::Key { .. } | Who::Agent(_) | Who::Job { .. } | Who::Outside { .. } => None,
            },
            Self::Operator => None,
        }
    }

    /// Whether a person acts with a credential of their own. Keys and an older system's
    /// tokens never change who may do what, not even one that a person stands behind.
    pub(crate) fn is_person(&self) -> bool {
        match self {
            Self::Person(_) => true,
            Self::Bearer(decision) => {
                let own =
                    decision.kind.is_sign_in() || decision.kind == CredentialKind::PersonalToken;
                own && decision.user().is_some()
            }
            Self::Operator => false,
        }
    }

    /// Whether a person is there in full: at a page, or in a program that they signed in to.
    /// A token that lies around somewhere does not speak for an administrator.
    pub(crate) fn is_signed_in(&self) -> bool {
        match self {
            Self::Person(_) => true,
            Self::Bearer(decision) => decision.kind.is_sign_in(),
            Self::Operator => false,
        }
    }

    /// Whether they may do for others what others may do for themselves: an administrator
    /// who is signed in (SM13).
    pub fn administers(&self) -> bool {
        self.is_signed_in() && self.person().is_some_and(|(.., admin)| admin)
    }

    /// Refuses who may not make, change, rotate or revoke tokens.
    pub(crate) fn must_manage_tokens(&self) -> Result<(), TokenError> {
        match self {
            Self::Person(_) | Self::Operator => Ok(()),
            Self::Bearer(_) if !self.is_person() => Err(TokenError::not_allowed(
                "only a person manages tokens; sign in, or present a personal token that may",
            )),
            Self::Bearer(decision) if !decision.scope.contains(TOKENS) => {
                Err(TokenError::not_allowed(
                    "this credential may not make tokens; it lacks the scope tokens",
                ))
            }
            Self::Bearer(_) => Ok(()),
        }
    }
}

impl Issuer {
    /// What an acting token reaches itself, and so at most what it makes; `None` if no token
    /// acts.
    pub(crate) async fn bounds_of(&self, actor: &Actor<'_>) -> Result<Option<Bounds>, TokenError> {
        let Actor::Bearer(decision) = actor else { return Ok(None) };
        if decision.kind.is_sign_in() {
            return Ok(None);
        }
        let id: TokenId = decision.id.parse().map_err(|_| TokenError::Unknown)?;
        let kept = self.0.store.credentials().by_id(id).await?;
        let kept = kept.filter(|kept| kept.is_live(self.now())).ok_or(TokenError::Unknown)?;
        Ok(Some(Bounds { expires_at: kept.ends_at(), scope: kept.scope, projects: kept.projects }))
    }

    /// What a token that was not narrowed may do.
    pub(crate) fn whole_scope(&self) -> Scope {
        let brand = &self.0.config.brand;
        let all = brand.roles.all();
        let more = if brand.tokens.may_make_tokens { &[ACCOUNT, TOKENS][..] } else { &[ACCOUNT] };
        all.iter().map(String::as_str).chain(more.iter().copied()).collect()
    }
}
