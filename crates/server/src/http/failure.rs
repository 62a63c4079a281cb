//! What is answered when the store cannot be asked, or something of ours is broken.
//! The cause goes to the log; the visitor learns what to do.

use axum::response::Response;
use hallpass_issuer::Error;
use http::{HeaderValue, StatusCode, header};

use crate::app::App;

/// 503 if waiting helps, else 500.
pub fn status(error: &Error) -> StatusCode {
    match error {
        Error::Store(_) | Error::Busy => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Writes the cause down. That there is much to do is no fault, and anybody can see to it.
pub fn log(error: &Error) {
    match error {
        Error::Busy => tracing::debug!(cause = %error, "a request was turned away"),
        _ => tracing::error!(cause = %error, "a request failed"),
    }
}

/// As a page.
pub fn page(app: &App, error: &Error) -> Response {
    log(error);
    let status = status(error);
    let mut response = crate::web::error_page(
        app,
        status,
        "This did not work just now",
        "Nothing was changed. Try again in a moment; if it stays, tell the operator of this server.",
    );
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}
