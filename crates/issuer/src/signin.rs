//! A person signs in with e-mail and password.

use std::time::Duration;

use hallpass_core::Secret;

use crate::{Error, Issuer, Origin, SignedIn};

/// A new session: its cookie's value, and what it stands for.
#[derive(Clone, Debug)]
pub struct SignedInCookie {
    /// The value to set as the session cookie.
    pub cookie: Secret,
    /// Who is signed in now.
    pub signed_in: SignedIn,
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Unknown, disabled, or another password: always the same answer.
    #[error("e-mail address or password is wrong")]
    Wrong,
    /// Too many wrong passwords.
    #[error("too many wrong passwords; wait a while and try again")]
    Limited {
        /// When to come back.
        retry_after: Duration,
    },
    /// Too many people are signing in at this moment.
    #[error("the server is busy; try again in a moment")]
    Busy,
    /// Nobody could be asked.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// Why a password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The present password was not given correctly, or that was tried too often.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The new one cannot be used.
    #[error(transparent)]
    Password(#[from] crate::passwords::BadPassword),
}

impl Issuer {
    /// Signs a person in. The session behind `old_cookie`, if any, is ended: a session's
    /// id never survives a sign-in.
    pub async fn sign_in(
        &self,
        _email: &str,
        _password: &Secret,
        _old_cookie: Option<&Secret>,
        _origin: &Origin,
    ) -> Result<SignedInCookie, SignInError> {
        todo!()
    }

    /// Changes the password of a signed-in person. Every grant and every other session of
    /// theirs ends.
    pub async fn change_password(
        &self,
        _signed_in: &SignedIn,
        _present: &Secret,
        _new: &Secret,
        _origin: &Origin,
    ) -> Result<(), ChangePasswordError> {
        todo!()
    }
}
