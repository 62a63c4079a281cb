//! All routes and what stands around them.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use hallpass_core::wire::oauth::ErrorCode;
use hallpass_issuer::OAuthError;
use http::StatusCode;
use http::header::ACCEPT;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;
use crate::http::{headers, transport};
use crate::oauth::Refusal;
use crate::{api, health, metrics, oauth, observe, web};

/// The whole server as one service.
pub fn router(app: App) -> Router {
    let stateful = |app: &App| app.clone();
    Router::new()
        .merge(oauth::routes())
        .merge(api::routes(&app))
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(web::routes(&app))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        // The last layer is the outermost.
        .layer(middleware::from_fn_with_state(stateful(&app), in_time))
        .layer(no_panic())
        .layer(middleware::from_fn_with_state(stateful(&app), transport::required))
        .layer(middleware::from_fn_with_state(stateful(&app), headers::secure))
        .layer(middleware::from_fn_with_state(stateful(&app), observe::observe))
        .with_state(app)
}

/// An answer that is not found in time will not be found: 503, and the work is dropped.
async fn in_time(State(app): State<App>, request: Request, next: Next) -> Response {
    let kind = Kind::of(&request);
    let patience: Duration = app.settings().request_timeout;
    match tokio::time::timeout(patience, next.run(request)).await {
        Ok(response) => response,
        Err(_) => kind.answer(
            &app,
            StatusCode::SERVICE_UNAVAILABLE,
            "took_too_long",
            "The answer took too long",
            "Try again in a moment.",
        ),
    }
}

async fn not_found(State(app): State<App>, request: Request) -> Response {
    Kind::of(&request).answer(
        &app,
        StatusCode::NOT_FOUND,
        "not_found",
        "There is nothing here",
        "Check the address.",
    )
}

/// The router adds `Allow` (RFC 9110 §15.5.6).
async fn method_not_allowed(State(app): State<App>, request: Request) -> Response {
    Kind::of(&request).answer(
        &app,
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address does not take that method",
        "The Allow header says which it takes.",
    )
}

/// A handler that panics is answered for, and the connection lives on.
pub(crate) fn no_panic() -> CatchPanicLayer<fn(Box<dyn Any + Send>) -> Response> {
    CatchPanicLayer::custom(panicked)
}

/// Says nothing of the panic itself; the process's panic hook has put it to the log.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    let text = "Something is broken in this server; nothing that was acknowledged is lost.\n";
    (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
}

/// Who is being answered, and so in which form.
#[derive(Clone, Copy)]
enum Kind {
    /// RFC 6749 §5.2 under `/oauth`.
    OAuth,
    /// RFC 9457 under `/api`.
    Api,
    /// A page.
    Person,
    /// A line.
    Plain,
}

impl Kind {
    fn of(request: &Request) -> Self {
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

    fn answer(
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
