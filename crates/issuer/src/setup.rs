//! The first administrator: a one-time code that the first start prints.

use hallpass_core::Secret;

use crate::signin::SignedInCookie;
use crate::{Error, Issuer, Origin};

/// Why no administrator was made.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// Not the code that was printed last.
    #[error("this setup link is not valid; use the one that the last start of the server printed")]
    WrongCode,
    /// There is a user already.
    #[error("this server has been set up already; sign in")]
    AlreadySetUp,
    /// The e-mail address cannot be used.
    #[error(transparent)]
    Email(#[from] crate::email::BadEmail),
    /// The password cannot be used.
    #[error(transparent)]
    Password(#[from] crate::passwords::BadPassword),
    /// The server is hashing too many passwords.
    #[error("the server is busy; try again in a moment")]
    Busy,
    /// Nobody could be asked.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Issuer {
    /// The setup code of this start, made at the first call; `None` once there is a user.
    /// A code of an earlier start is worth nothing from then on.
    pub async fn setup_code(&self) -> Result<Option<Secret>, Error> {
        todo!()
    }

    /// Whether there is no user yet.
    pub async fn needs_setup(&self) -> Result<bool, Error> {
        todo!()
    }

    /// Makes the first administrator and signs them in.
    pub async fn set_up(
        &self,
        _code: &str,
        _email: &str,
        _name: &str,
        _password: &Secret,
        _origin: &Origin,
    ) -> Result<SignedInCookie, SetUpError> {
        todo!()
    }
}
