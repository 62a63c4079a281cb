//! The security headers of every answer, in one place.
//!
//! A handler that needs another value sets it itself; what is set is left alone.

use std::sync::LazyLock;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    self, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue};

use crate::app::App;

/// Pages: our own stylesheet, images and forms, and nothing else; never in a frame
/// (A20, attack-32, attack-34).
const PAGE: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";
/// A page that also has a script of ours. What it may not do with text stays forbidden.
const PAGE_WITH_SCRIPT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";
/// Data: nothing at all.
const DATA: &str = "default-src 'none'; frame-ancestors 'none'";
/// As many as an answer usually has, and a few more.
const MOST_HEADERS: usize = 24;
/// Two years (RFC 6797 §6.1), only sent over https.
const HSTS: &str = "max-age=63072000";

const CROSS_ORIGIN_OPENER_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-opener-policy");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// For pages that see a code: not even our own pages learn their address (A21).
pub const NO_REFERRER: (HeaderName, HeaderValue) =
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
/// For a page that has a script of ours; all others have none.
pub const OUR_SCRIPT: (HeaderName, HeaderValue) =
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_WITH_SCRIPT));
/// For public documents that caches may keep.
pub const FIVE_MINUTES: (HeaderName, HeaderValue) =
    (CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
/// For answers that any page may read: they carry no cookie and need none.
pub const ANY_ORIGIN: (HeaderName, HeaderValue) =
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));

/// Middleware around everything.
pub async fn secure(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    complete(response.headers_mut(), app.public_url().is_https());
    response
}

/// What an answer that is data begins with, if it has much to say itself.
pub(crate) fn of_data() -> HeaderMap {
    OF_DATA.clone()
}

/// Adds to an answer what it does not say itself.
pub(crate) fn complete(headers: &mut HeaderMap, https: bool) {
    if https {
        headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(HeaderValue::from_static(HSTS));
    }
    if headers.contains_key(X_CONTENT_TYPE_OPTIONS) {
        return;
    }
    let page =
        headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let any_origin = headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    let said = std::mem::replace(headers, if page { &*OF_PAGES } else { &*OF_DATA }.clone());
    if any_origin {
        headers.remove(CROSS_ORIGIN_RESOURCE_POLICY);
    }
    // What the answer says itself takes the place of ours.
    headers.extend(said);
}

static OF_PAGES: LazyLock<HeaderMap> = LazyLock::new(|| {
    // Form pages need `same-origin`: with `no-referrer` browsers send `Origin: null`
    // on our own posts.
    always(PAGE, "same-origin")
});
static OF_DATA: LazyLock<HeaderMap> = LazyLock::new(|| always(DATA, "no-referrer"));

/// Made once: copying them is cheaper than adding one after the other to each answer.
fn always(policy: &'static str, referrer: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(MOST_HEADERS);
    headers.extend([
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (REFERRER_POLICY, HeaderValue::from_static(referrer)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin")),
        (CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
    ]);
    headers
}
