//! Why nothing became of a request about organizations and projects.

use std::borrow::Cow;

use crate::Error;

/// Why nothing became of a request about organizations, projects and members. Nothing was
/// changed.
#[derive(Debug, thiserror::Error)]
pub enum OrgError {
    /// The one who asks may not; says what would help.
    #[error("{0}")]
    NotAllowed(&'static str),
    /// The one who asks may, and the credential was made for less.
    #[error("your role there allows this, but this credential was not scoped to it")]
    NotScoped,
    /// There is none, or the one who asks may not know: the two are not told apart.
    #[error("there is no such {0} here, or you have no role in it")]
    Unknown(&'static str),
    /// Nobody who could be given a role has that address or id.
    #[error("nobody who can sign in here has this e-mail address or id; invite them instead")]
    NoUser,
    /// They have no role that could be taken away or handed over to: whether they have an account
    /// is not told.
    #[error("they have no role here")]
    NoMember,
    /// The name in addresses is taken.
    #[error("this slug is taken; choose another")]
    SlugTaken,
    /// An organization always has an owner.
    #[error(
        "an organization keeps an owner, and this is the last owner; make somebody else one first"
    )]
    LastOwner,
    /// What becomes of the keys that somebody made is to be said before they are removed.
    #[error(
        "whoever leaves made keys here that are still good: {}; say what becomes of those, keep or revoke",
        .0.join(", ")
    )]
    KeysMade(Vec<String>),
    /// Something that was sent cannot be used.
    #[error("{why}")]
    Invalid {
        /// Stable, for programs.
        code: &'static str,
        /// What is wrong with it, and what would be right.
        why: Cow<'static, str>,
    },
    /// Nobody could be asked.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl OrgError {
    pub(crate) fn invalid(code: &'static str, why: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { code, why: why.into() }
    }
}

impl From<hallpass_store::Error> for OrgError {
    fn from(error: hallpass_store::Error) -> Self {
        match error {
            // Two at once are told by the index.
            hallpass_store::Error::Conflict("slug" | "an id") => Self::SlugTaken,
            hallpass_store::Error::Missing("user") => Self::NoUser,
            hallpass_store::Error::Missing(what) => Self::Unknown(what),
            other => Self::Failed(other.into()),
        }
    }
}
