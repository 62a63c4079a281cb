//! The answers: who it is and what they may do, or why not.

use hallpass_core::id::{GrantId, UserId};
use hallpass_core::{Scope, Timestamp};

/// What kind of credential was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// A JWT access token (RFC 9068).
    AccessToken,
}

/// Who the caller is and what the credential was scoped to. Good now, not later:
/// it is computed for each request and kept by nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What was presented.
    pub kind: CredentialKind,
    /// Whose it is: the `sub`.
    pub subject: UserId,
    /// The person's e-mail address, as it is now.
    pub email: String,
    /// The person's display name, as it is now.
    pub name: String,
    /// Whether the person administers this deployment, as it is now.
    pub admin: bool,
    /// The client that it was issued to.
    pub client_id: String,
    /// What it was scoped to.
    pub scope: Scope,
    /// The grant behind it; ending that ends it.
    pub grant: GrantId,
    /// The resources that it was made out for (RFC 8707).
    pub audience: Vec<String>,
    /// Its own id (`jti`).
    pub jti: String,
    /// When the person signed in.
    pub auth_time: Timestamp,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Why a credential is not good. For logs and tests: callers are told no more than
/// `invalid_token` (RFC 6750 §3.1) or `{"active":false}` (RFC 7662 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Its `exp` has passed.
    #[error("it has expired")]
    Expired,
    /// Its `nbf` or `iat` lies in the future.
    #[error("it is not valid yet")]
    NotYet,
    /// It was made out for somebody else (RFC 9068 §4).
    #[error("it is made out for another audience")]
    Audience,
    /// There is no grant behind it.
    #[error("nothing is known about its grant")]
    Unknown,
    /// Its grant belongs to another person or client than it says.
    #[error("it does not agree with its grant")]
    Mismatch,
    /// Its grant was ended: signed out, revoked, reused.
    #[error("its grant has ended")]
    GrantEnded,
    /// Its grant's time is over.
    #[error("its grant has expired")]
    GrantExpired,
    /// It was revoked by itself (RFC 7009).
    #[error("it was revoked")]
    Revoked,
    /// The person's account is disabled.
    #[error("the account is disabled")]
    UserDisabled,
    /// The client is disabled.
    #[error("the client is disabled")]
    ClientDisabled,
}
