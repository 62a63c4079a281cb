//! Whether this invocation is signed in, and as whom (CLIENT group G).

use hallpass_core::{Scope, Timestamp};

use crate::source::Source;
use crate::vault::Place;

/// The answer of `status`.
#[derive(Clone, Debug)]
pub struct Status {
    /// Whether there is a usable credential.
    pub state: State,
    /// Where the credential of this invocation comes from.
    pub source: Source,
    /// Where credentials are kept.
    pub store: Place,
    /// The server that calls would go to.
    pub server: String,
    /// Who issued the credential.
    pub issuer: Option<String>,
    /// Whose it is.
    pub account: Option<Account>,
    /// What it was scoped to.
    pub scope: Option<Scope>,
    /// When the access token ends, as far as the wall clock can say.
    pub expires_at: Option<Timestamp>,
    /// What else is worth knowing.
    pub warnings: Vec<Warning>,
}

/// Whether there is a usable credential (CLIENT G1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// There is none.
    NotSignedIn,
    /// There is one, and it is not known to be over. Offline, a token from a variable is this.
    Valid,
    /// The access token is over, and the next use gets another one. Usable.
    Refreshable,
    /// The access token is over and nothing can be done about it.
    Expired,
    /// The server ended the session.
    Ended {
        /// What the server said.
        reason: String,
        /// When we learnt of it.
        at: Timestamp,
    },
    /// The server was asked and refused.
    Rejected {
        /// What the server said.
        reason: String,
    },
    /// The server was to be asked and could not be.
    CannotVerify {
        /// Why not.
        reason: String,
    },
    /// The store cannot be read.
    StoreUnavailable {
        /// Why not; names the file.
        reason: String,
    },
}

impl State {
    /// A stable name for programs (CLIENT G3).
    pub fn name(&self) -> &'static str {
        match self {
            State::NotSignedIn => "not_signed_in",
            State::Valid => "valid",
            State::Refreshable => "refreshable",
            State::Expired => "expired",
            State::Ended { .. } => "ended",
            State::Rejected { .. } => "rejected",
            State::CannotVerify { .. } => "cannot_verify",
            State::StoreUnavailable { .. } => "store_unavailable",
        }
    }

    /// What it means for the caller; `None` is usable (exit 0).
    pub fn class(&self) -> Option<crate::Class> {
        match self {
            State::Valid | State::Refreshable => None,
            State::NotSignedIn | State::Expired | State::Ended { .. } => {
                Some(crate::Class::NotSignedIn)
            }
            State::Rejected { .. } => Some(crate::Class::Rejected),
            State::CannotVerify { .. } => Some(crate::Class::CannotVerify),
            State::StoreUnavailable { .. } => Some(crate::Class::Store),
        }
    }
}

/// Whose a credential is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The issuer's name for the account: OIDC `sub`.
    pub id: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Display name.
    pub name: Option<String>,
}

impl Account {
    /// The best name for people: e-mail, else display name, else id.
    pub fn label(&self) -> &str {
        self.email.as_deref().or(self.name.as_deref()).unwrap_or(&self.id)
    }
}

/// Something worth knowing that is no error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// A variable wins over what is stored (CLIENT F2).
    #[error("{variable} is set and wins over every stored sign-in")]
    VariableWins {
        /// The variable's name.
        variable: String,
    },
    /// The credential file or its directory may be read by others.
    #[error("{path} can be read by other users (mode {mode:03o}); the next write makes it 600")]
    LooseMode {
        /// What is loose.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// A refreshed token is used but could not be kept (CLIENT D9).
    #[error(
        "the refreshed sign-in could not be saved ({reason}); this command goes on with it, but you may have to sign in again"
    )]
    NotSaved {
        /// What the system said.
        reason: String,
    },
    /// A session that was replaced or refused could not be ended at the server.
    #[error("the previous session could not be ended at the server ({reason})")]
    NotRevoked {
        /// What happened.
        reason: String,
    },
    /// A store that could not be read was moved out of the way (CLIENT D10).
    #[error("the unreadable store was moved to {path}")]
    SetAside {
        /// Where it is now.
        path: String,
    },
    /// This machine's clock and the server's differ by more than a minute (CLIENT J3).
    #[error("this machine's clock is {seconds} s {} the server's", if *.ahead { "ahead of" } else { "behind" })]
    ClockSkew {
        /// By how much.
        seconds: u64,
        /// In which direction.
        ahead: bool,
    },
}
