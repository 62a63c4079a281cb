//! The token endpoint (RFC 6749 §3.2): one request, and what the answer means. Codes,
//! device codes and refresh tokens are all redeemed here.

use std::time::Duration;

use hallpass_core::Timestamp;
use hallpass_core::dpop::SCHEME;
use hallpass_core::text::presentable;
use hallpass_core::wire::oauth::{ErrorCode, ErrorResponse, TokenResponse};

use crate::Error;
use crate::dpop::{Signer, proven};
use crate::http::{Http, HttpError};

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Granted {
    pub tokens: TokenResponse,
    /// The issuer's clock.
    pub date: Option<Timestamp>,
    /// The access token is bound to the key of the proof (RFC 9449 §5).
    pub bound: bool,
}

/// Why there are no tokens.
#[derive(Debug)]
pub(crate) enum NoTokens {
    /// The server said no, in OAuth's words.
    Refused(Refusal),
    /// The server did not answer, or not in OAuth's words; it may later.
    Unavailable {
        why: HttpError,
        /// When to try again, if the server said so.
        after: Option<Duration>,
    },
}

/// RFC 6749 §5.2, made presentable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub code: String,
    pub description: Option<String>,
}

impl Refusal {
    pub(crate) fn new(answer: ErrorResponse) -> Self {
        Self {
            code: presentable(&answer.error, 60),
            description: answer
                .error_description
                .map(|text| presentable(&text, 200))
                .filter(|text| !text.is_empty()),
        }
    }

    pub(crate) fn is(&self, code: ErrorCode) -> bool {
        self.code == code.as_str()
    }

    pub(crate) fn into_error(self, server: &str, what: &'static str) -> Error {
        Error::Rejected {
            server: server.to_owned(),
            what,
            code: self.code,
            detail: self.description,
        }
    }
}

/// One request to the token endpoint.
pub(crate) fn redeem(
    http: &Http,
    endpoint: &str,
    parameters: &[(&str, &str)],
    signer: Option<Signer<'_>>,
) -> Result<Granted, NoTokens> {
    let unavailable = |why| NoTokens::Unavailable { why, after: None };
    let send = |proof: Option<&str>| http.post_form_proven(endpoint, parameters, proof);
    let reply = proven(http, signer, "POST", endpoint, None, send).map_err(unavailable)?;
    // Some servers send errors with status 200, some send `slow_down` with 429.
    if reply.status < 500
        && let Ok(answer) = reply.json::<ErrorResponse>()
    {
        return Err(NoTokens::Refused(Refusal::new(answer)));
    }
    if reply.status != 200 {
        return Err(NoTokens::Unavailable { why: reply.unexpected(), after: reply.retry_after });
    }
    let tokens: TokenResponse = reply.json().map_err(unavailable)?;
    // RFC 6749 §7.1: a type that we do not understand must not be used. The name is
    // case-insensitive (§5.1).
    let bound = signer.is_some() && tokens.token_type.eq_ignore_ascii_case(SCHEME);
    if !bound && !tokens.token_type.eq_ignore_ascii_case("Bearer") {
        return Err(unavailable(reply.malformed("the token is of a type that is not Bearer")));
    }
    if !is_b64token(tokens.access_token.expose()) {
        return Err(unavailable(reply.malformed("the access token is not one")));
    }
    if tokens.refresh_token.as_ref().is_some_and(|token| token.is_empty()) {
        return Err(unavailable(reply.malformed("the refresh token is empty")));
    }
    Ok(Granted { tokens, date: reply.date, bound })
}

/// RFC 6750 §2.1: what may stand in an `Authorization: Bearer` header.
pub(crate) fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}
