//! The issuer's refusals as RFC 9457 problems.

use axum::response::Response;
use hallpass_core::wire::trust::{DANGEROUS, EXISTS, MOVED};
use hallpass_issuer::agents::AgentError;
use hallpass_issuer::federation::policies::TrustError;
use hallpass_issuer::keys::KeyError;
use hallpass_issuer::legacy::MintError;
use hallpass_issuer::orgs::OrgError;
use hallpass_issuer::tokens::TokenError;
use http::StatusCode;

use super::{failure, problem};

/// A problem that a handler answers with.
pub(super) struct Refused(pub(super) Response);

impl From<TokenError> for Refused {
    fn from(error: TokenError) -> Self {
        Self(token(error))
    }
}

impl From<OrgError> for Refused {
    fn from(error: OrgError) -> Self {
        Self(org(error))
    }
}

impl From<MintError> for Refused {
    fn from(error: MintError) -> Self {
        match error {
            MintError::Token(error) => error.into(),
            MintError::Place(error) => error.into(),
            MintError::Over(why) => {
                Self(problem(StatusCode::CONFLICT, "not_made_any_more", format!("{why}.")))
            }
        }
    }
}

impl From<KeyError> for Refused {
    fn from(error: KeyError) -> Self {
        let detail = format!("{error}.");
        match error {
            KeyError::Token(error) => error.into(),
            KeyError::Place(error) => error.into(),
            KeyError::NameTaken => Self(problem(StatusCode::CONFLICT, "name_taken", detail)),
            KeyError::Rotated => Self(problem(StatusCode::CONFLICT, "already_rotated", detail)),
        }
    }
}

impl From<TrustError> for Refused {
    fn from(error: TrustError) -> Self {
        let detail = format!("{error}.");
        match error {
            TrustError::Token(error) => error.into(),
            TrustError::Place(error) => error.into(),
            TrustError::Exists(_) => Self(problem(StatusCode::CONFLICT, EXISTS, detail)),
            TrustError::Moved | TrustError::Pinned { .. } => {
                Self(problem(StatusCode::CONFLICT, MOVED, detail))
            }
            TrustError::Dangerous(_) => Self(problem(StatusCode::CONFLICT, DANGEROUS, detail)),
        }
    }
}

impl From<AgentError> for Refused {
    fn from(error: AgentError) -> Self {
        let detail = format!("{error}.");
        match error {
            AgentError::Place(error) => error.into(),
            AgentError::Failed(error) => error.into(),
            AgentError::NotAllowed(_) => {
                Self(problem(StatusCode::FORBIDDEN, "not_allowed", detail))
            }
            AgentError::Unknown | AgentError::UnknownSecret | AgentError::NoQuestion => {
                Self(problem(StatusCode::NOT_FOUND, "not_found", detail))
            }
            AgentError::Waiting => Self(problem(StatusCode::CONFLICT, "too_many", detail)),
            AgentError::Decided => Self(problem(StatusCode::CONFLICT, "already_decided", detail)),
            AgentError::TooLate => Self(problem(StatusCode::CONFLICT, "too_late", detail)),
            AgentError::TooMany(_) => Self(problem(StatusCode::CONFLICT, "too_many", detail)),
            AgentError::Invalid { code, .. } => {
                Self(problem(StatusCode::BAD_REQUEST, code, detail))
            }
        }
    }
}

impl From<hallpass_issuer::Error> for Refused {
    fn from(error: hallpass_issuer::Error) -> Self {
        Self(failure(&error))
    }
}

fn token(error: TokenError) -> Response {
    let detail = format!("{error}.");
    match error {
        TokenError::NotAllowed(_) => problem(StatusCode::FORBIDDEN, "not_allowed", detail),
        TokenError::Unknown => problem(StatusCode::NOT_FOUND, "not_found", detail),
        TokenError::NameTaken => problem(StatusCode::CONFLICT, "name_taken", detail),
        TokenError::Rotated => problem(StatusCode::CONFLICT, "already_rotated", detail),
        TokenError::Invalid { code, .. } => problem(StatusCode::BAD_REQUEST, code, detail),
        TokenError::Failed(error) => failure(&error),
    }
}

pub(super) fn org(error: OrgError) -> Response {
    let detail = format!("{error}.");
    match error {
        OrgError::NotAllowed(_) => problem(StatusCode::FORBIDDEN, "not_allowed", detail),
        // RFC 6750 §3.1.
        OrgError::NotScoped => problem(StatusCode::FORBIDDEN, "insufficient_scope", detail),
        OrgError::Unknown(_) => problem(StatusCode::NOT_FOUND, "not_found", detail),
        OrgError::NoUser => problem(StatusCode::NOT_FOUND, "no_such_user", detail),
        OrgError::NoMember => problem(StatusCode::NOT_FOUND, "no_such_member", detail),
        OrgError::SlugTaken => problem(StatusCode::CONFLICT, "slug_taken", detail),
        OrgError::KeysMade(_) => problem(StatusCode::CONFLICT, "keys_undecided", detail),
        OrgError::LastOwner => problem(StatusCode::CONFLICT, "last_owner", detail),
        OrgError::Invalid { code, .. } => problem(StatusCode::BAD_REQUEST, code, detail),
        OrgError::Failed(error) => failure(&error),
    }
}
