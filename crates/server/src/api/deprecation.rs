//! `Deprecation` (RFC 9745) and `Sunset` (RFC 8594) on answers to an older system's tokens.
//!
//! They are put on every answer to a credential that *looks* like such a token, refusals
//! included: what is deprecated is the kind, and an answer must not tell a good one from one
//! that is made up.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use hallpass_core::Secret;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::app::App;

/// RFC 9745 §2.
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
/// RFC 8594 §3.
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// A layer: puts them on answers to requests with such a token as bearer.
pub(crate) async fn announce(State(app): State<App>, request: Request, next: Next) -> Response {
    let presented = bearer(request.headers()).filter(|text| app.issuer().is_legacy_text(text));
    let presented = presented.map(Secret::new);
    let mut response = next.run(request).await;
    if let Some(text) = presented {
        tell(&app, text.expose(), response.headers_mut());
    }
    response
}

/// Puts them on an answer to `text`, if it looks like such a token; nothing where the move
/// away from the older system has not begun.
pub(crate) fn tell(app: &App, text: &str, headers: &mut HeaderMap) {
    if !app.issuer().is_legacy_text(text) {
        return;
    }
    let Some(known) = app.issuer().legacy_move() else { return };
    // A Date of RFC 9651 §3.3.7: `@` and Unix seconds.
    let since = format!("@{}", known.deprecated_since.secs());
    let sunset = known.sunset.map(hallpass_core::Timestamp::to_http_date);
    for (name, value) in [(DEPRECATION, Some(since)), (SUNSET, sunset)] {
        if let Some(value) = value.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(name, value);
        }
    }
}

/// RFC 6750 §2.1; the scheme's name in any case (RFC 9110 §11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, text) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim_start())
}
