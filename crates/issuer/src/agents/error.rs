//! Why nothing became of a request about agents.

use std::borrow::Cow;

use crate::Error;
use crate::orgs::OrgError;
use crate::tokens::TokenError;

/// Why nothing became of a request about agents. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The one who asks may not; says why, and what would help.
    #[error("{0}")]
    NotAllowed(Cow<'static, str>),
    /// There is no such agent, or it is somebody else's: the two are not told apart.
    #[error("there is no such agent, or it has ended; list the agents to see those that run")]
    Unknown,
    /// There is no such secret, or it is for another: the two are not told apart.
    #[error("there is no secret of that name here")]
    UnknownSecret,
    /// Its owner has as many as are allowed.
    #[error("{0} agents of yours run already; stop those that are not needed")]
    TooMany(u32),
    /// So many questions to its owner wait already.
    #[error("too many questions wait for an answer already; wait until some are decided")]
    Waiting,
    /// There is no such question, or it is somebody else's.
    #[error("nobody asked for that here, or it was long ago; list the approvals to see what waits")]
    NoQuestion,
    /// It was decided before, perhaps in another tab.
    #[error("it was decided before; nothing was changed")]
    Decided,
    /// Its time is over, or the agent has ended.
    #[error("its time is over, or the agent that asked has ended; nothing was changed")]
    TooLate,
    /// Something that was sent cannot be used.
    #[error("{why}")]
    Invalid {
        /// Stable, for programs.
        code: &'static str,
        /// What is wrong with it, and what would be right.
        why: Cow<'static, str>,
    },
    /// About the place that it is to be bound to.
    #[error(transparent)]
    Place(OrgError),
    /// Nobody could be asked.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl AgentError {
    pub(crate) fn invalid(code: &'static str, why: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { code, why: why.into() }
    }
}

impl From<OrgError> for AgentError {
    fn from(error: OrgError) -> Self {
        match error {
            OrgError::Failed(error) => Self::Failed(error),
            other => Self::Place(other),
        }
    }
}

impl From<TokenError> for AgentError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Invalid { code, why } => Self::Invalid { code, why },
            TokenError::Failed(error) => Self::Failed(error),
            other => Self::NotAllowed(other.to_string().into()),
        }
    }
}

impl From<hallpass_store::Error> for AgentError {
    fn from(error: hallpass_store::Error) -> Self {
        Self::Failed(error.into())
    }
}
