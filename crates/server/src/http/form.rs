//! Form bodies: the right type, at most 64 KiB, within the time for bodies, each
//! parameter once (C01, attack-45). Nothing is ever decompressed.

use std::pin::pin;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use hallpass_core::wire::params::{BadParams, Params};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;

use crate::app::App;

/// The largest body that any endpoint reads.
pub const BODY_LIMIT: usize = 64 * 1024;
/// What is too large is still heard out up to here, and thrown away: a client that is cut
/// off while it sends hears no answer.
const HEARD_LIMIT: usize = 1024 * 1024;
/// RFC 6749 appendix B.
const FORM: &str = "application/x-www-form-urlencoded";

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// 415.
    #[error("the body must be application/x-www-form-urlencoded")]
    MediaType,
    /// 413.
    #[error("the body is larger than 64 KiB")]
    TooLarge,
    /// 408.
    #[error("the body took too long to arrive")]
    TooSlow,
    /// 400: the connection broke, or the framing is wrong.
    #[error("the body could not be read")]
    Broken,
    /// 400.
    #[error(transparent)]
    Params(#[from] BadParams),
}

impl FormError {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken | Self::Params(_) => StatusCode::BAD_REQUEST,
        }
    }
}

/// Reads the form body of `request`.
pub async fn read(request: Request, patience: Duration) -> Result<Params, FormError> {
    let (parts, body) = request.into_parts();
    if !is_form(&parts.headers) {
        return Err(FormError::MediaType);
    }
    Ok(Params::parse(&bytes(body, patience).await?)?)
}

/// Reads a body within the limits of size and time.
pub async fn bytes(body: Body, patience: Duration) -> Result<Bytes, FormError> {
    bytes_within(body, BODY_LIMIT, patience).await
}

/// The same with another limit of size, at most 1 MiB.
pub async fn bytes_within(
    body: Body,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, FormError> {
    let read = pin!(collected(body, limit));
    tokio::time::timeout(patience, read).await.map_err(|_| FormError::TooSlow)?
}

async fn collected(mut body: Body, limit: usize) -> Result<Bytes, FormError> {
    if body.size_hint().lower() > HEARD_LIMIT as u64 {
        return Err(FormError::TooLarge);
    }
    // Nearly every body comes in one piece, which is not copied.
    let (mut first, mut all, mut size) = (Bytes::new(), BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| FormError::Broken)?.into_data() else { continue };
        size = size.saturating_add(data.len());
        if size > HEARD_LIMIT {
            break;
        }
        if size <= limit {
            if first.is_empty() {
                first = data;
            } else {
                if all.is_empty() {
                    all.extend_from_slice(&first);
                }
                all.extend_from_slice(&data);
            }
        }
    }
    match size > limit {
        true => Err(FormError::TooLarge),
        false => Ok(if all.is_empty() { first } else { all.freeze() }),
    }
}

/// The media type, in any case, with at most a `charset` of UTF-8; one header.
fn is_form(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else { return false };
    let Ok(kind) = kind.to_str() else { return false };
    let mut parts = kind.split(';').map(str::trim);
    let form = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case(FORM));
    let utf8 = |part: &str| {
        part.split_once('=').is_none_or(|(name, value)| {
            !name.eq_ignore_ascii_case("charset")
                || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    };
    let plain = headers.get(CONTENT_ENCODING).is_none_or(|coding| coding == "identity");
    form && plain && parts.all(utf8)
}

/// The form of one of our own pages; refusals are pages too.
#[derive(Clone, Debug)]
pub struct Form(pub Params);

impl FromRequest<App> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        read(request, app.settings().body_timeout).await.map(Self).map_err(|error| {
            crate::web::error_page(
                app,
                error.status(),
                "The form did not arrive in one piece",
                "Nothing was changed. Go back, reload the page and send the form again.",
            )
            .into_response()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: C01
    #[test]
    fn only_forms_are_forms() {
        let form = |kinds: &[&str]| {
            let mut headers = HeaderMap::new();
            for kind in kinds {
                headers.append(CONTENT_TYPE, kind.parse().expect("header"));
            }
            is_form(&headers)
        };
        assert!(form(&["application/x-www-form-urlencoded"]));
        assert!(form(&["Application/X-WWW-Form-Urlencoded; charset=UTF-8"]));
        assert!(form(&["application/x-www-form-urlencoded;charset=\"utf-8\""]));
        for bad in [
            "",
            "application/json",
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded2",
            "application/x-www-form-urlencoded; charset=utf-16",
        ] {
            assert!(!form(&[bad]), "{bad}");
        }
        assert!(!form(&[]));
        assert!(!form(&[FORM, FORM]));
    }

    // proves: attack-45
    #[tokio::test]
    async fn compressed_bodies_are_not_read() {
        let request =
            Request::post("/").header(CONTENT_TYPE, FORM).header(CONTENT_ENCODING, "gzip");
        let request = request.body(Body::from("a=b")).expect("request");
        let error = read(request, Duration::from_secs(1)).await.expect_err("gzip");
        assert_eq!(error.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }

    // proves: attack-45
    #[tokio::test]
    async fn large_and_endless_bodies_are_refused() {
        let request =
            |body| Request::post("/").header(CONTENT_TYPE, FORM).body(body).expect("request");
        let large = Body::from(vec![b'a'; BODY_LIMIT + 1]);
        let error = read(request(large), Duration::from_secs(5)).await.expect_err("large");
        assert_eq!(error.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let endless =
            Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let error = read(request(endless), Duration::from_millis(1)).await.expect_err("endless");
        assert_eq!(error.status(), StatusCode::REQUEST_TIMEOUT);
    }
}
