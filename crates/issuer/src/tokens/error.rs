//! Why nothing became of a request about tokens.

use std::borrow::Cow;

use crate::Error;

/// Why nothing became of a request about tokens. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The one who asks may not; says why, and what would help.
    #[error("{0}")]
    NotAllowed(Cow<'static, str>),
    /// There is no such token, or it is somebody else's: the two are not told apart.
    #[error("there is no such token, or it has ended; list the tokens to see those that are there")]
    Unknown,
    /// Another live token of the owner has this name.
    #[error("another token has this name; choose another name, or revoke that one first")]
    NameTaken,
    /// It was rotated already.
    #[error("this token was rotated already; rotate the one that took over from it")]
    Rotated,
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

impl TokenError {
    pub(crate) fn not_allowed(why: impl Into<Cow<'static, str>>) -> Self {
        Self::NotAllowed(why.into())
    }

    pub(crate) fn invalid(code: &'static str, why: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { code, why: why.into() }
    }
}

impl From<hallpass_store::Error> for TokenError {
    fn from(error: hallpass_store::Error) -> Self {
        match error {
            hallpass_store::Error::Conflict("name") => Self::NameTaken,
            hallpass_store::Error::Missing("user") => {
                Self::invalid("unknown_user", "there is no such user, or the account is disabled")
            }
            other => Self::Failed(other.into()),
        }
    }
}
