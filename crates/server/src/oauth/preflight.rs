//! Cross-origin reads of what needs no cookie (A22: never at the authorization endpoint).
//!
//! These answers depend on nothing that a browser adds by itself, so any page may read
//! them: `*`, and no credentials.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::http::headers::ANY_ORIGIN;

/// Answers `OPTIONS` of an endpoint that takes `GET`.
pub(crate) async fn get() -> Response {
    preflight("GET, HEAD")
}

/// Answers `OPTIONS` of an endpoint that takes `POST`.
pub(crate) async fn post() -> Response {
    preflight("POST")
}

/// Answers `OPTIONS` of an endpoint that takes both.
pub(crate) async fn get_or_post() -> Response {
    preflight("GET, HEAD, POST")
}

fn preflight(methods: &'static str) -> Response {
    let headers: [(HeaderName, HeaderValue); 5] = [
        ANY_ORIGIN,
        (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods)),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("authorization, content-type, dpop"),
        ),
        (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600")),
        (header::ALLOW, allow(methods)),
    ];
    (StatusCode::NO_CONTENT, HeaderMap::from_iter(headers)).into_response()
}

fn allow(methods: &'static str) -> HeaderValue {
    HeaderValue::from_str(&format!("{methods}, OPTIONS"))
        .unwrap_or_else(|_| HeaderValue::from_static(methods))
}

/// Middleware for those endpoints: every answer, refusals included, may be read.
pub(crate) async fn readable(mut response: Response) -> Response {
    let (name, value) = ANY_ORIGIN;
    response.headers_mut().insert(name, value);
    response.headers_mut().insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("dpop-nonce, retry-after, www-authenticate, x-request-id"),
    );
    response
}
