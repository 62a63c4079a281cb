//! `/health/live`: the process answers. `/health/ready`: so does its database.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;

use crate::app::App;

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/health/live", get("ok\n")).route("/health/ready", get(ready))
}

async fn ready(State(app): State<App>) -> Response {
    match app.store().ping().await {
        Ok(()) => "ok\n".into_response(),
        Err(error) => {
            tracing::warn!(cause = %error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}
