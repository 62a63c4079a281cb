//! The last tokens that look like an older system's: made in phase A, for those who cannot
//! change their programs yet (FEATURES ST13).
//!
//! They are kept as those that were taken over: good for one project, with a role there, and no
//! more than whoever made them may do there now.

use hallpass_core::id::TokenId;
use hallpass_core::role::ProjectRole;
use hallpass_core::wire::tokens::{CreatedLegacyToken, NewLegacyToken};
use hallpass_core::{Timestamp, TokenText};
use hallpass_store::{LegacyHash, NewLegacy};

use super::{KEY, Move, Phase};
use crate::orgs::{OrgError, TOKENS_MANAGE};
use crate::tokens::{self, Actor, TokenError};
use crate::{Issuer, Origin};

/// Why none was made. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// The one who asks may not, or what was sent cannot be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// There is no such project for them, or their role does not allow it.
    #[error(transparent)]
    Place(#[from] OrgError),
    /// No such tokens are made here, or not any more.
    #[error("{0}")]
    Over(&'static str),
}

impl From<hallpass_store::Error> for MintError {
    fn from(error: hallpass_store::Error) -> Self {
        Self::Place(error.into())
    }
}

const NO_SYSTEM: &str =
    "there was no older system here; make a personal token instead: POST /api/v1/tokens";
const NOT_BEGUN: &str = "the move away from the older system has not begun; ask the operator (hallpass admin legacy phase A), or make a personal token instead";
const OVER: &str = "tokens of the older system are not made any more; make a personal token, narrowed to this project";

impl Issuer {
    /// Whether somebody who owns a project can have a new token of this kind now, as far as
    /// this process knows.
    pub fn mints_legacy(&self) -> bool {
        self.0.config.brand.tokens.legacy_prefix.is_some()
            && self.legacy_move().is_some_and(|known| allows(&known, self.now()))
    }

    /// Makes a token like those of the older system, good for one project. Its text is in the
    /// answer, this once. Only somebody who is signed in makes one: no token does.
    pub async fn mint_legacy(
        &self,
        actor: &Actor<'_>,
        (org, project): (&str, &str),
        new: NewLegacyToken,
        origin: &Origin,
    ) -> Result<CreatedLegacyToken, MintError> {
        let seat = self.seat_with(actor, org, Some(project), TOKENS_MANAGE).await?;
        actor.must_manage_tokens()?;
        let Some((owner, ..)) = actor.person().filter(|_| actor.is_signed_in()) else {
            return Err(TokenError::not_allowed(
                "no token makes tokens of this kind; sign in to do this",
            )
            .into());
        };
        let project = seat.project.ok_or(OrgError::Unknown("project"))?;
        let role = new.role.unwrap_or(super::import::ROLE);
        if seat.role.is_none_or(|own: ProjectRole| own < role) {
            let why = "nobody gives a role above their own; ask an owner of the project";
            return Err(TokenError::not_allowed(why).into());
        }
        let name = tokens::name(&new.name)?;
        let prefix = self.0.config.brand.tokens.legacy_prefix.clone();
        let prefix = prefix.ok_or(MintError::Over(NO_SYSTEM))?;
        let kept = self.kept_move().await.map_err(TokenError::from)?;
        let (was, known) = kept.ok_or(MintError::Over(NOT_BEGUN))?;
        if !allows(&known, self.now()) {
            return Err(MintError::Over(OVER));
        }
        let text = TokenText::mint_with_prefix(&prefix, &*self.0.random);
        let token = NewLegacy {
            id: self.new_id(TokenId::new),
            hash: LegacyHash::Digest(text.digest()),
            name,
            prefix,
            last_four: text.last_four().to_owned(),
            role,
            owner: Some(owner),
            created_at: None,
            expires_at: known.sunset,
        };
        let by = self.by(&actor.name(), None, Some(origin));
        // Only if the move is still where it was read: nobody gets one after the last day.
        let made = self.0.store.legacy().mint(KEY, was, project.id, token, &by).await?;
        let made = made.ok_or(MintError::Over(OVER))?;
        Ok(CreatedLegacyToken {
            id: made.id.to_string(),
            name: made.name,
            project: format!("{}/{}", seat.org.slug, project.slug),
            role,
            prefix: made.prefix,
            last_four: made.last_four,
            created_at: made.created_at,
            expires_at: made.expires_at,
            value: text.into_secret(),
        })
    }
}

fn allows(known: &Move, now: Timestamp) -> bool {
    known.phase == Phase::A && known.sunset.is_none_or(|end| now < end)
}
