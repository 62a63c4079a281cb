//! Tokens of the system that was there before: taken over by their hashes, each for its one
//! project, for as long as the move away from them takes.
//!
//! A legacy token authenticates for the project that it was imported for, and nothing else:
//! it has no account, makes no tokens, and may at most what its role allows there *and* what
//! its owner, if one is known, may do there now.
//!
//! | module | what |
//! |---|---|
//! | [`file`] | the file that they come in |
//! | [`hash`], [`salted`] | how the text of one is known |
//! | `adopt` | a salted hash is tried at first use |
//! | [`phase`] | how far the move is, with dates |
//! | `import`, `report` | taking over, and seeing who still uses them |
//! | `owners` | what the owners of a project do about them |
//! | `mint` | the last ones that are made |

use hallpass_core::Digest;
use hallpass_store::{Project, User};

use crate::{Error, Issuer};

pub(crate) mod adopt;
pub mod file;
pub mod hash;
mod import;
mod mint;
mod owners;
pub mod phase;
mod report;
pub mod salted;

pub use file::BadLine;
pub use hash::Hash;
pub use import::{Defaults, Imported};
pub use mint::MintError;
pub use phase::{BadMove, Move, Phase, Step};
pub use report::InUse;

/// Where the move is kept, among the facts about the deployment.
pub(crate) const KEY: &str = "legacy.move";

/// Why nothing became of it. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum LegacyError {
    /// The brand says nothing of an older system.
    #[error(
        "nothing says what an older system's tokens begin with, so none would be recognized; set legacy_prefix under [tokens] in the brand file, start the server with it, and name it with --brand-file"
    )]
    NoPrefix,
    /// A line of the file.
    #[error(transparent)]
    File(#[from] BadLine),
    /// The move does not go there.
    #[error(transparent)]
    Move(#[from] BadMove),
    /// Neither the line nor the command says which project, or there is none such.
    #[error("{0}")]
    Unknown(String),
    /// Somebody else moved at the same moment.
    #[error("somebody else changed it at this moment; look again: hallpass admin legacy phase")]
    Raced,
    /// Nobody could be asked.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<hallpass_store::Error> for LegacyError {
    fn from(error: hallpass_store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Issuer {
    /// The keys that the text of a credential may be kept under: its digest, and for a text
    /// with the older system's prefix a second one ([`hash`]).
    pub fn lookup_keys(&self, text: &str) -> (Digest, Option<Digest>) {
        let legacy = self.is_legacy_text(text).then(|| hash::second_key(text));
        (Digest::of(text.as_bytes()), legacy)
    }

    /// Whether a text begins as the older system's tokens do. It says nothing about whether
    /// it is one.
    pub fn is_legacy_text(&self, text: &str) -> bool {
        let prefix = self.0.config.brand.tokens.legacy_prefix.as_deref();
        prefix.is_some_and(|prefix| text.starts_with(prefix))
    }

    /// Where the move is, as this process knows it: at most a minute old. `None`: there never
    /// was an older system.
    pub fn legacy_move(&self) -> Option<Move> {
        *self.0.legacy.read().unwrap_or_else(|broken| broken.into_inner())
    }

    /// Reads where the move is, and remembers it.
    pub async fn load_legacy_move(&self) -> Result<Option<Move>, Error> {
        let kept = self.kept_move().await?;
        let known = kept.as_ref().map(|(_, known)| *known);
        *self.0.legacy.write().unwrap_or_else(|broken| broken.into_inner()) = known;
        Ok(known)
    }

    /// Takes a step, and says where that leads; false if it was there already. An end that is
    /// set is every live token's: when it comes, none of them works any more.
    pub async fn step_legacy(&self, step: Step, actor: &str) -> Result<(Move, bool), LegacyError> {
        let kept = self.kept_move().await?;
        let from = kept.as_ref().map(|(_, from)| *from);
        let to = Move::step(from, step, self.now())?;
        let changed = from != Some(to);
        if changed {
            let ends = (step.sunset.is_some()).then_some(to.sunset);
            let was = kept.map(|(text, _)| text);
            if !self.keep_move(was, to, ends, actor).await? {
                return Err(LegacyError::Raced);
            }
        }
        self.load_legacy_move().await?;
        Ok((to, changed))
    }

    /// The move, which begins with the first thing that is taken over.
    async fn begun_move(&self, actor: &str) -> Result<Move, LegacyError> {
        if let Some((_, known)) = self.kept_move().await? {
            return Ok(known);
        }
        // Whoever else begins it at this moment does so, too.
        self.keep_move(None, Move::begin(self.now()), None, actor).await?;
        self.load_legacy_move().await?.ok_or(LegacyError::Raced)
    }

    async fn keep_move(
        &self,
        was: Option<String>,
        to: Move,
        ends: Option<Option<hallpass_core::Timestamp>>,
        actor: &str,
    ) -> Result<bool, Error> {
        let Ok(text) = serde_json::to_string(&to) else { return Ok(false) };
        let by = self.by(actor, None, None);
        let legacy = self.0.store.legacy();
        Ok(legacy.advance(KEY, was, text, ends, to.in_words(), &by).await?)
    }

    async fn kept_move(&self) -> Result<Option<(String, Move)>, Error> {
        let Some(text) = self.0.store.settings().get(KEY).await? else { return Ok(None) };
        let read = serde_json::from_str(&text).map_err(|_| hallpass_store::Error::Corrupt {
            what: format!("the setting {KEY} cannot be read"),
        })?;
        Ok(Some((text, read)))
    }

    /// The project that `ORG/PROJECT` names.
    async fn legacy_project(&self, place: &str) -> Result<Project, LegacyError> {
        let unknown = || {
            LegacyError::Unknown(
                "there is no such project; write ORG/PROJECT, and see hallpass admin project list"
                    .to_owned(),
            )
        };
        let (org, project) = place.split_once('/').ok_or_else(unknown)?;
        let found = self.0.store.projects().by_slug(org, project).await?;
        found.filter(|project| project.disabled_at.is_none()).ok_or_else(unknown)
    }

    /// The person that an e-mail address or an id names.
    async fn legacy_owner(&self, who: &str) -> Result<User, LegacyError> {
        let found = match who.parse() {
            Ok(id) => self.0.store.users().by_id(id).await?,
            Err(_) => self.0.store.users().by_email(who).await?,
        };
        let found = found.filter(|user| user.disabled_at.is_none());
        found.ok_or_else(|| {
            let why =
                "there is no such user, or the account is disabled; see hallpass admin user list";
            LegacyError::Unknown(why.to_owned())
        })
    }
}
