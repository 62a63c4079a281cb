//! A request says once, and readably, which host it is for.
//!
//! RFC 9112 §3.2: a server MUST respond with 400 to an HTTP/1.1 request that lacks a Host
//! field, has more than one, or has one that is not valid. Nothing here is decided by it
//! (addresses come from the configuration), but a proxy in front may choose by the first
//! and mean another than we would.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{CONNECTION, HOST};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode, Version};

use super::headers;
use crate::app::App;
use crate::observe::Seen;

/// The route in logs and metrics: it does not matter which was meant.
const NO_ROUTE: &str = "none";

/// The answer to a request off the wire that is not clear about its host.
pub(crate) fn refusal(app: &App, request: &Request) -> Response {
    let seen = Seen::begin(app, request);
    let why = "A request names one host, once.\n";
    let mut response = (StatusCode::BAD_REQUEST, why).into_response();
    // What else this connection says is as doubtful.
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    headers::complete(response.headers_mut(), app.public_url().is_https());
    seen.end(app, NO_ROUTE, response)
}

/// HTTP/1.0 knows no Host, and HTTP/2 says it elsewhere.
pub(crate) fn is_clear(version: Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => version != Version::HTTP_11,
        (Some(host), None) => is_host(host),
        (Some(_), Some(_)) => false,
    }
}

/// RFC 9110 §7.2: a host and perhaps a port; nothing, if the target has no authority.
fn is_host(host: &HeaderValue) -> bool {
    let host = host.as_bytes();
    host.is_empty() || (!host.contains(&b'@') && Authority::try_from(host).is_ok())
}
