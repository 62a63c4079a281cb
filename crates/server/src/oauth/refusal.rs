//! RFC 6749 §5.2: JSON with a registered code, never cached, and a challenge with 401.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use hallpass_core::wire::oauth::{ErrorCode, ErrorResponse};
use hallpass_issuer::OAuthError;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use crate::http::FormError;
use crate::limit::{RefusedCredential, seconds};

/// An error answer of an OAuth endpoint.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: ErrorCode,
    status: StatusCode,
    body: ErrorResponse,
    challenge: Option<&'static str>,
    retry_after: Option<Duration>,
}

impl Refusal {
    /// 400 `invalid_request`.
    pub(crate) fn invalid_request(description: &str) -> Self {
        OAuthError::new(ErrorCode::InvalidRequest, description.to_owned()).into()
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}

impl From<OAuthError> for Refusal {
    fn from(error: OAuthError) -> Self {
        if let Some(cause) = &error.cause {
            crate::http::failure::log(cause);
        }
        Self {
            code: error.code,
            status: StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST),
            challenge: error.challenge(),
            retry_after: error.retry_after,
            body: error.body(),
        }
    }
}

impl From<FormError> for Refusal {
    fn from(error: FormError) -> Self {
        Self::invalid_request(&error.to_string()).with_status(error.status())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(wait) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds(wait)));
        }
        // A missing nonce is no mistake: whoever comes for the first time has none.
        if matches!(
            self.code,
            ErrorCode::InvalidClient | ErrorCode::InvalidGrant | ErrorCode::InvalidDpopProof
        ) {
            response.extensions_mut().insert(RefusedCredential);
        }
        response
    }
}
