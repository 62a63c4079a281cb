//! Who is being answered, and so in which form: a program in JSON, a person in a page.

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use hallpass_core::wire::oauth::ErrorCode;
use hallpass_issuer::OAuthError;
use http::StatusCode;
use http::header::ACCEPT;

use crate::app::App;
use crate::oauth::Refusal;
use crate::{api, web};

/// Who is being answered, and so in which form.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Audience {
    /// RFC 6749 §5.2 under `/oauth`.
    OAuth,
    /// RFC 9457 under `/api`.
    Api,
    /// A page.
    Person,
    /// A line.
    Plain,
}

impl Audience {
    pub(crate) fn of(request: &Request) -> Self {
        let path = request.uri().path();
        let wants_page = || {
            let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
            accept.is_some_and(|accept| accept.contains("text/html"))
        };
        if path.starts_with("/api/") || path == "/api" {
            Self::Api
        } else if wants_page() {
            Self::Person
        } else if path.starts_with("/oauth/") {
            Self::OAuth
        } else {
            Self::Plain
        }
    }

    /// `title` says what happened, `next` what to do.
    pub(crate) fn answer(
        self,
        app: &App,
        status: StatusCode,
        code: &'static str,
        title: &str,
        next: &str,
    ) -> Response {
        match self {
            Self::OAuth => {
                let code = match status {
                    StatusCode::SERVICE_UNAVAILABLE => ErrorCode::TemporarilyUnavailable,
                    _ => ErrorCode::InvalidRequest,
                };
                let error = OAuthError::new(code, format!("{title}. {next}"));
                Refusal::from(error).with_status(status).into_response()
            }
            Self::Api => api::problem(status, code, format!("{title}. {next}")),
            Self::Person => web::error_page(app, status, title, next),
            Self::Plain => (status, format!("{title}. {next}\n")).into_response(),
        }
    }
}
