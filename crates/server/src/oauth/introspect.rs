//! `POST /oauth/introspect` (RFC 7662).

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use hallpass_core::wire::oauth::Introspection;
use hallpass_core::wire::path::INTROSPECT;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use super::Refusal;
use super::call::{Call, Memo};
use crate::app::App;
use crate::http::headers;

pub(super) fn routes() -> Router<App> {
    Router::new().route(INTROSPECT, post(introspect))
}

async fn introspect(State(app): State<App>, request: Request) -> Response {
    answer(&app, &Memo::default(), request).await
}

/// Also called by the [lane](crate::lane), which this route is usually reached through.
pub(crate) async fn answer(app: &App, memo: &Memo, request: Request) -> Response {
    match introspection(app, memo, request).await {
        Ok(answer) => json(&answer),
        Err(refusal) => refusal.into_response(),
    }
}

/// As [`axum::Json`], with room for all of it and all headers at once.
fn json(answer: &Introspection) -> Response {
    let mut text = Vec::with_capacity(1024);
    if serde_json::to_writer(&mut text, answer).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let mut response = Response::new(Body::from(text));
    *response.headers_mut() = headers::of_data();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn introspection(app: &App, memo: &Memo, request: Request) -> Result<Introspection, Refusal> {
    let credentials = memo.credentials(request.headers());
    let Call { params, credentials, origin, .. } = Call::read(app, request, credentials).await?;
    Ok(app.issuer().introspect(&params, credentials, &origin).await?)
}
