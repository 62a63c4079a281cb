//! What can go wrong, one closed enum for each kind of caller: OAuth endpoints
//! ([`OAuthError`]), protected resources ([`BearerError`]), and everything that
//! speaks to a person or an operator ([`Error`]).
//!
//! Public text is apart from the private cause; neither holds a secret.

use std::borrow::Cow;
use std::time::Duration;

use hallpass_core::wire::oauth::{ErrorCode, ErrorResponse};

/// The store could not be asked, or something of ours is broken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store did not do it; nothing was changed.
    #[error(transparent)]
    Store(#[from] hallpass_store::Error),
    /// Sealed data does not open: the master key is not the one that sealed it.
    #[error(
        "{what} does not open with this master key; start with the key file that belongs to this data"
    )]
    Sealed {
        /// What does not open.
        what: &'static str,
    },
    /// So much is being hashed, or so much was guessed wrong, that this waits its turn.
    #[error("too much is being checked at this moment; nothing was changed; try again in a moment")]
    Busy,
    /// Cryptography failed where it never should.
    #[error("cryptography failed while {doing}; nothing was changed")]
    Crypto {
        /// What was being done.
        doing: &'static str,
    },
}

/// An error answer of an OAuth endpoint (RFC 6749 §5.2, RFC 8628 §3.5, RFC 7009 §2.2.1).
#[derive(Debug, thiserror::Error)]
#[error("{}: {description}", code.as_str())]
pub struct OAuthError {
    /// The registered code.
    pub code: ErrorCode,
    /// For the developer at the other end, in the characters that RFC 6749 §5.2 allows.
    pub description: Cow<'static, str>,
    /// When it makes sense to come back, for the `Retry-After` header.
    pub retry_after: Option<Duration>,
    /// For the log of this server only.
    #[source]
    pub cause: Option<Error>,
}

impl OAuthError {
    /// `code` with `description`, whose characters are reduced to those allowed.
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        Self { code, description: printable(description.into()), retry_after: None, cause: None }
    }

    /// With a time after which it makes sense to come back.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The HTTP status (RFC 6749 §5.2).
    pub fn status(&self) -> u16 {
        match self.code {
            // A limit was reached (RFC 6585 §4), whatever the code says.
            _ if self.retry_after.is_some() && self.code != ErrorCode::TemporarilyUnavailable => {
                429
            }
            ErrorCode::InvalidClient => 401,
            ErrorCode::ServerError => 500,
            ErrorCode::TemporarilyUnavailable => 503,
            _ => 400,
        }
    }

    /// `WWW-Authenticate`, which a 401 must carry (RFC 6749 §5.2, RFC 9110 §15.5.2).
    pub fn challenge(&self) -> Option<&'static str> {
        (self.status() == 401).then_some(r#"Basic realm="hallpass""#)
    }

    /// The body.
    pub fn body(&self) -> ErrorResponse {
        ErrorResponse {
            error: self.code.as_str().to_owned(),
            error_description: Some(self.description.clone().into_owned()),
        }
    }
}

impl From<Error> for OAuthError {
    fn from(cause: Error) -> Self {
        let (code, description) = match &cause {
            Error::Store(_) => (
                ErrorCode::TemporarilyUnavailable,
                "the server cannot reach its database right now; try again in a moment",
            ),
            Error::Busy => {
                (ErrorCode::TemporarilyUnavailable, "the server is busy; try again in a moment")
            }
            Error::Sealed { .. } | Error::Crypto { .. } => (
                ErrorCode::ServerError,
                "the server has a problem that only its operator can solve",
            ),
        };
        Self { code, description: description.into(), retry_after: None, cause: Some(cause) }
    }
}

impl From<hallpass_store::Error> for OAuthError {
    fn from(cause: hallpass_store::Error) -> Self {
        Error::from(cause).into()
    }
}

/// Why a protected resource refuses a request (RFC 6750 §3.1).
#[derive(Debug, thiserror::Error)]
pub enum BearerError {
    /// No credential at all: 401 with a bare challenge.
    #[error("no credential was presented")]
    Missing,
    /// More than one credential, or none that can be read: 400 `invalid_request`.
    #[error("the credential is malformed, or there are several")]
    Malformed,
    /// Expired, revoked, made out for somebody else, or never ours: 401 `invalid_token`.
    #[error("the access token is expired, revoked or not valid here")]
    InvalidToken {
        /// Why, for the log of this server only.
        why: Rejected,
    },
    /// Good, but not scoped for this: 403 `insufficient_scope`.
    #[error("the access token lacks the scope {needed}")]
    InsufficientScope {
        /// The scope token that is needed.
        needed: &'static str,
    },
    /// Nobody could be asked: 503.
    #[error("the token cannot be checked right now")]
    Unavailable(#[from] Error),
}

/// Why an access token was rejected; never told to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// It is not one of our access tokens.
    #[error(transparent)]
    Jwt(#[from] crate::jwt::BadJwt),
    /// It is one, and not good now.
    #[error(transparent)]
    Verdict(#[from] hallpass_verdict::Refusal),
}

/// RFC 6749 §5.2: `error_description` MUST NOT include characters outside
/// %x20-21 / %x23-5B / %x5D-7E.
fn printable(text: Cow<'static, str>) -> Cow<'static, str> {
    let allowed = |c: char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
    if text.chars().all(allowed) {
        return text;
    }
    Cow::Owned(text.chars().map(|c| if allowed(c) { c } else { '\'' }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: C07
    #[test]
    fn a_description_has_only_the_characters_that_it_may() {
        let error =
            OAuthError::new(ErrorCode::InvalidRequest, "say \"hi\\\" to Zoë\n\u{202e}".to_owned());
        assert_eq!(error.body().error_description.unwrap(), "say 'hi'' to Zo'''");
        assert_eq!(error.status(), 400);
    }

    // proves: C06
    #[test]
    fn invalid_client_is_a_401_with_a_challenge() {
        let error = OAuthError::new(ErrorCode::InvalidClient, "no");
        assert_eq!((error.status(), error.challenge()), (401, Some(r#"Basic realm="hallpass""#)));
        let error = error.retry_after(Duration::from_secs(1));
        assert_eq!((error.status(), error.challenge()), (429, None));
    }
}
