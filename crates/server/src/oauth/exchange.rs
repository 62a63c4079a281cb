//! `POST /auth/oidc/exchange`: a job's own token for a pass.
//!
//! The token itself is all that is presented. Who is not let in is told the same for every
//! reason but a request that cannot be read.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use hallpass_core::wire::path::OIDC_EXCHANGE;
use hallpass_core::wire::trust::{Exchange, ExchangeRefused};
use hallpass_issuer::federation::Refusal;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};

use crate::app::App;
use crate::http::peer;

/// A request is no longer.
const MAX_BODY: usize = 64 * 1024;

pub(super) fn routes() -> Router<App> {
    Router::new().route(OIDC_EXCHANGE, post(exchange))
}

async fn exchange(State(app): State<App>, request: Request) -> Response {
    let origin = peer::origin(request.extensions(), request.headers(), &app);
    let asked = match read(&app, request).await {
        Ok(asked) => asked,
        Err(why) => return refused(StatusCode::BAD_REQUEST, "invalid_request", why.to_owned()),
    };
    let answer = app.issuer().exchange_outside(&asked, &origin).await;
    match answer {
        Ok(pass) => ([(CACHE_CONTROL, "no-store")], Json(pass)).into_response(),
        Err(refusal) => {
            let said = format!("{refusal}.");
            match refusal {
                Refusal::Unreadable => refused(StatusCode::BAD_REQUEST, "invalid_request", said),
                Refusal::Denied => refused(StatusCode::FORBIDDEN, "access_denied", said),
                Refusal::Ambiguous => refused(StatusCode::BAD_REQUEST, "ambiguous_project", said),
                Refusal::Target(_) => refused(StatusCode::BAD_REQUEST, "invalid_target", said),
                Refusal::Scope => refused(StatusCode::FORBIDDEN, "invalid_scope", said),
                Refusal::Unavailable => later(said),
                Refusal::Failed(error) => {
                    tracing::error!(%error, "an exchange failed");
                    later("this server cannot do it at this moment; try again.".to_owned())
                }
            }
        }
    }
}

/// The body, in time and within its size.
async fn read(app: &App, request: Request) -> Result<Exchange, &'static str> {
    let json = request.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let json =
        json.is_some_and(|it| it.split(';').next().map(str::trim) == Some("application/json"));
    if !json {
        return Err("send JSON, as application/json: {\"token\": \"…\"}");
    }
    let body = axum::body::to_bytes(request.into_body(), MAX_BODY);
    let body = tokio::time::timeout(app.settings().body_timeout, body).await;
    let body = body.ok().and_then(Result::ok).ok_or("the body is too long, or took too long")?;
    let asked = hallpass_core::strict::from_slice(&body);
    asked.ok_or(
        "the body is not {\"token\": \"…\"}, with project, permissions and resources if you like",
    )
}

fn later(said: String) -> Response {
    let mut response = refused(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", said);
    response.headers_mut().insert(RETRY_AFTER, http::HeaderValue::from_static("30"));
    response
}

fn refused(status: StatusCode, error: &str, error_description: String) -> Response {
    let body = ExchangeRefused { error: error.to_owned(), error_description };
    (status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
