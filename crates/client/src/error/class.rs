//! What an error means for whoever called: its class, which becomes an exit code, and its stable
//! name.

use super::Error;
use crate::vault::VaultError;

/// What an error means for the caller; the command line maps it to an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The call itself was wrong (exit 2).
    Usage,
    /// There is no usable credential (exit 3).
    NotSignedIn,
    /// The server refused (exit 4).
    Rejected,
    /// The server could not be asked (exit 5).
    CannotVerify,
    /// A login did not end in a sign-in (exit 6).
    LoginFailed,
    /// The store (exit 7).
    Store,
    /// Anything else (exit 1).
    Other,
}

impl Error {
    /// What it means for the caller.
    pub fn class(&self) -> Class {
        match self {
            Error::NobodyToAsk { .. }
            | Error::BadServer { .. }
            | Error::BadPath { .. }
            | Error::SeveralToResume { .. }
            | Error::BadMode { .. }
            | Error::ForeignProfile { .. }
            | Error::BadProfileName { .. }
            | Error::BadToken(_)
            | Error::OlderToken { .. }
            | Error::NothingToNarrow
            | Error::NoWorkload { .. }
            | Error::TakenOnce { .. }
            | Error::NothingToResume { .. } => Class::Usage,
            Error::UnknownProfile { .. }
            | Error::NotSignedIn { .. }
            | Error::SessionEnded { .. }
            | Error::Expired { .. }
            | Error::MalformedToken { .. }
            | Error::TokenFile { .. }
            | Error::KeyMissing { .. } => Class::NotSignedIn,
            Error::Rejected { .. }
            | Error::NotTrusted { .. }
            | Error::NarrowToken { .. }
            | Error::Problem { status: 401 | 403, .. } => Class::Rejected,
            Error::Http(_) | Error::PlatformSilent { .. } | Error::Busy | Error::TooSlow { .. } => {
                Class::CannotVerify
            }
            Error::NoFlow { .. }
            | Error::OtherAccount { .. }
            | Error::Denied
            | Error::NoIdentity { .. }
            | Error::CodeExpired
            | Error::TimedOut { .. }
            | Error::Cancelled
            | Error::PortInUse { .. }
            | Error::NoListener { .. }
            | Error::Authorization { .. }
            | Error::IssuerMismatch { .. }
            | Error::ForeignPage { .. } => Class::LoginFailed,
            // What was said is no place, whatever state the store is in.
            Error::Vault(VaultError::UnknownPolicy(_)) => Class::Usage,
            Error::Vault(_) => Class::Store,
            Error::LocalMode { .. }
            | Error::NotConfigured { .. }
            | Error::Problem { .. }
            | Error::Discovery(_) => Class::Other,
        }
    }

    /// A stable name for programs (CLIENT C9, G3).
    pub fn code(&self) -> &str {
        match self {
            Error::NobodyToAsk { .. } => "nobody_to_ask",
            Error::NoFlow { .. } => "no_flow",
            Error::BadServer { .. } => "bad_server",
            Error::BadPath { .. } => "bad_path",
            Error::MalformedToken { .. } => "malformed",
            Error::SeveralToResume { .. } => "several_to_resume",
            Error::TooSlow { .. } => "too_slow",
            Error::NotConfigured { .. } => "not_configured",
            Error::BadMode { .. } => "bad_mode",
            Error::TokenFile { .. } => "token_file_unreadable",
            Error::UnknownProfile { .. } => "unknown_profile",
            Error::BadProfileName { .. } => "bad_profile_name",
            Error::ForeignProfile { .. } => "foreign_profile",
            Error::OtherAccount { .. } => "other_account",
            Error::BadToken(_) | Error::OlderToken { .. } => "bad_token",
            Error::NarrowToken { .. } => "insufficient_scope",
            Error::LocalMode { .. } => "local_mode",
            Error::NotSignedIn { .. } => "not_signed_in",
            Error::SessionEnded { .. } => "session_ended",
            Error::Expired { .. } => "expired",
            Error::KeyMissing { .. } => "key_missing",
            Error::NothingToNarrow => "nothing_to_narrow",
            Error::NoWorkload { .. } => "no_workload",
            Error::TakenOnce { .. } => "taken_once",
            Error::NoIdentity { .. } => "no_identity",
            Error::PlatformSilent { .. } => "cannot_reach_platform",
            // A person's "no" has the same code, and is another one.
            Error::NotTrusted { code, .. } if code == "access_denied" => "not_trusted",
            Error::Rejected { code, .. }
            | Error::NotTrusted { code, .. }
            | Error::Problem { code, .. }
            | Error::Authorization { code, .. } => code,
            Error::Http(_) => "cannot_reach_server",
            Error::Busy => "refresh_in_progress",
            Error::Discovery(_) => "bad_metadata",
            Error::Denied => "access_denied",
            Error::CodeExpired => "expired_token",
            Error::TimedOut { .. } => "timed_out",
            Error::Cancelled => "cancelled",
            Error::PortInUse { .. } => "port_in_use",
            Error::NoListener { .. } => "no_listener",
            Error::IssuerMismatch { .. } => "issuer_mismatch",
            Error::ForeignPage { .. } => "foreign_page",
            Error::NothingToResume { .. } => "nothing_to_resume",
            Error::Vault(error) => error.code(),
        }
    }
}
