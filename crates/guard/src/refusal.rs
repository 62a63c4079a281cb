//! The answers when a request is not let through.

use bytes::Bytes;
use hallpass_core::dpop::{ALG, SCHEME};
use hallpass_core::wire::api::Problem;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};

use crate::Unverified;

/// Why a request is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 401 with a bare challenge.
    #[error("no access token was presented")]
    NoCredential,
    /// 400.
    #[error("the Authorization header is not well-formed")]
    Malformed,
    /// 400.
    #[error("more than one credential was presented")]
    TwoCredentials,
    /// 400.
    #[error("an access token does not belong in a URL; it may be in logs now, so replace it")]
    TokenInUrl,
    /// 401.
    #[error("the access token is expired, revoked or not valid here")]
    NotGood,
    /// 401: it is bound to a key, and came as a bearer token (RFC 9449 §7.2).
    #[error("the access token is bound to a key, and is good only with a proof of it")]
    KeyMissing,
    /// 401: the proof proves nothing (RFC 9449 §7.1).
    #[error("the DPoP proof is missing, malformed, used already, or of another request or key")]
    BadProof,
    /// 401: the proof needs a nonce, which the answer brings (RFC 9449 §9).
    #[error("the DPoP proof needs the nonce of the DPoP-Nonce header")]
    NonceMissing,
    /// 403.
    #[error("the access token lacks the scope that is needed here")]
    ScopeMissing,
    /// 403: the role at the place does not allow it, or there is none: no other token would help.
    #[error("whoever holds this token has no role here that allows this")]
    NotAllowed,
    /// 503.
    #[error("the access token cannot be checked right now")]
    Unavailable,
}

impl From<Unverified> for Refusal {
    fn from(unverified: Unverified) -> Self {
        match unverified {
            Unverified::NotGood => Self::NotGood,
            Unverified::Unavailable => Self::Unavailable,
        }
    }
}

/// A bare challenge for tokens that are bound to a key.
const BOUND: &str = r#"DPoP algs="ES256""#;

/// What a challenge tells: where the resource's metadata is (RFC 9728 §5.1) and which
/// scope is needed (RFC 6750 §3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    /// URL of the protected resource's metadata.
    pub resource_metadata: Option<String>,
    /// Scope tokens, separated by spaces.
    pub scope: Option<String>,
    /// Whether tokens that are bound to a key are taken here (RFC 9449 §7.1).
    pub dpop: bool,
}

impl Refusal {
    /// RFC 6750 §3.1.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NoCredential
            | Self::NotGood
            | Self::KeyMissing
            | Self::BadProof
            | Self::NonceMissing => StatusCode::UNAUTHORIZED,
            Self::Malformed | Self::TwoCredentials | Self::TokenInUrl => StatusCode::BAD_REQUEST,
            Self::ScopeMissing | Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// RFC 6750 §3.1, RFC 9449 §7.1, §9; none for a request without a credential, and none where
    /// the scope is wide enough and the role is not: a program would ask for a scope in vain.
    pub fn error(self) -> Option<&'static str> {
        match self {
            Self::NoCredential | Self::NotAllowed | Self::Unavailable => None,
            Self::Malformed | Self::TwoCredentials | Self::TokenInUrl => Some("invalid_request"),
            Self::NotGood | Self::KeyMissing => Some("invalid_token"),
            Self::BadProof => Some("invalid_dpop_proof"),
            Self::NonceMissing => Some("use_dpop_nonce"),
            Self::ScopeMissing => Some("insufficient_scope"),
        }
    }

    /// The `WWW-Authenticate` value, if this answer has one.
    pub fn challenge(self, challenge: &Challenge) -> Option<HeaderValue> {
        if self == Self::Unavailable {
            return None;
        }
        let bound = matches!(self, Self::KeyMissing | Self::BadProof | Self::NonceMissing);
        let scheme = if bound { SCHEME } else { "Bearer" };
        let mut parameters = Vec::new();
        if bound {
            parameters.push(format!("algs=\"{ALG}\""));
        }
        if let Some(error) = self.error() {
            parameters.push(format!("error=\"{error}\""));
            parameters.push(format!("error_description=\"{self}\""));
        }
        if let Some(scope) = challenge.scope.as_ref().filter(|_| self != Self::NotAllowed) {
            parameters.push(format!("scope=\"{scope}\""));
        }
        if let Some(url) = &challenge.resource_metadata {
            parameters.push(format!("resource_metadata=\"{url}\""));
        }
        let text = if parameters.is_empty() {
            scheme.to_owned()
        } else {
            format!("{scheme} {}", parameters.join(", "))
        };
        HeaderValue::from_str(&text).ok()
    }

    /// The whole answer, with an RFC 9457 body.
    pub fn response<B: From<Bytes>>(self, challenge: &Challenge) -> Response<B> {
        let status = self.status();
        let problem = Problem {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            code: match self {
                Self::NoCredential => "not_signed_in",
                Self::Unavailable => "cannot_verify",
                Self::NotAllowed => "not_allowed",
                _ => self.error().unwrap_or_default(),
            }
            .to_owned(),
            detail: Some(format!("{self}{}", self.next_step())),
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = Response::new(B::from(Bytes::from(body)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge(challenge) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        // RFC 9449 §7.1: the other way to present one.
        if challenge.dpop && matches!(self, Self::NoCredential | Self::NotGood) {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(BOUND));
        }
        if self == Self::Unavailable {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    fn next_step(self) -> &'static str {
        match self {
            Self::NoCredential => "; send one as Authorization: Bearer",
            Self::Malformed | Self::TwoCredentials => {
                "; send exactly one, as Authorization: Bearer"
            }
            Self::TokenInUrl => "",
            Self::NotGood => "; refresh it or sign in again",
            Self::KeyMissing | Self::BadProof => {
                "; send it as Authorization: DPoP with a new proof"
            }
            Self::NonceMissing => "; make a new proof with it and try again",
            Self::ScopeMissing => "; sign in again and ask for it, or make a token that has it",
            Self::NotAllowed => "; ask an owner of the place for one",
            Self::Unavailable => "; try again in a moment",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> [Refusal; 11] {
        [
            Refusal::NoCredential,
            Refusal::Malformed,
            Refusal::TwoCredentials,
            Refusal::TokenInUrl,
            Refusal::NotGood,
            Refusal::KeyMissing,
            Refusal::BadProof,
            Refusal::NonceMissing,
            Refusal::ScopeMissing,
            Refusal::NotAllowed,
            Refusal::Unavailable,
        ]
    }

    // proves: F07, G12
    #[test]
    fn the_challenge_tells_where_to_read_and_what_to_ask_for() {
        let challenge = Challenge {
            resource_metadata: Some("https://id.example/.well-known/x".to_owned()),
            scope: Some("account".to_owned()),
            dpop: true,
        };
        let says = |refusal: Refusal| {
            let value = refusal.challenge(&challenge).expect("challenge");
            value.to_str().expect("ASCII").to_owned()
        };
        assert_eq!(
            says(Refusal::NoCredential),
            r#"Bearer scope="account", resource_metadata="https://id.example/.well-known/x""#
        );
        assert_eq!(
            says(Refusal::NotGood),
            r#"Bearer error="invalid_token", error_description="the access token is expired, revoked or not valid here", scope="account", resource_metadata="https://id.example/.well-known/x""#
        );
        assert!(says(Refusal::ScopeMissing).starts_with(r#"Bearer error="insufficient_scope""#));
        // No scope helps whoever has no role.
        assert_eq!(
            says(Refusal::NotAllowed),
            r#"Bearer resource_metadata="https://id.example/.well-known/x""#
        );
        assert_eq!(Refusal::NoCredential.challenge(&Challenge::default()).expect("bare"), "Bearer");
        assert!(
            says(Refusal::NonceMissing).starts_with(r#"DPoP algs="ES256", error="use_dpop_nonce""#)
        );
        assert!(
            says(Refusal::BadProof).starts_with(r#"DPoP algs="ES256", error="invalid_dpop_proof""#)
        );
        assert!(
            says(Refusal::KeyMissing).starts_with(r#"DPoP algs="ES256", error="invalid_token""#)
        );
    }

    #[test]
    fn every_refusal_has_its_status_and_a_problem() {
        let statuses = all().map(|refusal| refusal.status().as_u16());
        assert_eq!(statuses, [401, 400, 400, 400, 401, 401, 401, 401, 403, 403, 503]);
        for refusal in all() {
            let response: Response<Vec<u8>> =
                refusal.response::<Body>(&Challenge::default()).map(|body| body.0);
            let problem: Problem = serde_json::from_slice(response.body()).expect("problem");
            assert_eq!(problem.status, refusal.status().as_u16());
            assert!(!problem.code.is_empty());
        }
    }

    struct Body(Vec<u8>);
    impl From<Bytes> for Body {
        fn from(bytes: Bytes) -> Self {
            Self(bytes.to_vec())
        }
    }
}
