//! Signing out (CLIENT group K).

use hallpass_core::Timestamp;

use crate::status::Account;

/// What one sign-out did. The local copy is gone in any case.
#[derive(Clone, Debug)]
pub struct Logout {
    /// The profile.
    pub profile: String,
    /// Its server.
    pub server: String,
    /// Whose it was.
    pub account: Account,
    /// What happened at the server.
    pub revocation: Revocation,
}

/// What happened at the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// It was revoked: no verifier admits it any more.
    Revoked,
    /// The server had already ended it.
    AlreadyEnded,
    /// It was handed over with `--with-token`, so it is not ours to revoke.
    NotOurs,
    /// It could not be revoked.
    LocalOnly {
        /// Why.
        reason: String,
        /// Until when the access token may still be good.
        access_token_valid_until: Option<Timestamp>,
    },
}

/// What `logout` did.
#[derive(Clone, Debug, Default)]
pub struct LogoutReport {
    /// Each profile that was signed out; empty if none was signed in.
    pub ended: Vec<Logout>,
    /// A variable that still authenticates (CLIENT K2).
    pub variable: Option<String>,
    /// Where an unreadable store was moved to (CLIENT D10).
    pub set_aside: Option<std::path::PathBuf>,
}
