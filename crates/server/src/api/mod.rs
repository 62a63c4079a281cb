//! `/api/v1`: the account of whoever presents an access token.
//!
//! Requests come through the guard layer, with a verifier of our own over the issuer.
//! Errors are RFC 9457 problems with a stable `code`; lists are `{items, next_cursor}`.
//!
//! | module | what |
//! |---|---|
//! | [`whoami`] | `GET /api/v1/whoami` |
//! | [`sessions`] | `GET /api/v1/sessions`, `DELETE /api/v1/sessions/{id}` |
//! | [`resource`] | the protected resource's metadata (RFC 9728) |
//! | [`local`] | the [`Verifier`](hallpass_guard::Verifier) over the issuer |

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, middleware};
use hallpass_core::scope::ACCOUNT;
use hallpass_core::wire::api::Problem;
use hallpass_guard::{Decision, Guard};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use crate::app::App;
use crate::limit;

mod local;
mod resource;
mod sessions;
mod whoami;

pub(crate) use resource::metadata_url;

pub(crate) fn routes(app: &App) -> Router<App> {
    let guard = Guard::new(local::Local::new(app), metadata_url(app.public_url())).require(ACCOUNT);
    Router::new()
        .merge(whoami::routes())
        .merge(sessions::routes())
        .route_layer(guard)
        .route_layer(middleware::from_fn_with_state(app.clone(), limit::refused_credentials))
        .merge(resource::routes())
}

/// Whoever the guard let through.
pub(crate) struct Caller(pub(crate) Decision);

impl FromRequestParts<App> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Response> {
        // A route outside of the guard would be a mistake of ours; it stays shut.
        parts.extensions.get::<Decision>().cloned().map(Self).ok_or_else(|| {
            problem(StatusCode::INTERNAL_SERVER_ERROR, "broken", "This route is not guarded.")
        })
    }
}

/// An RFC 9457 answer. `code` is stable; `detail` says what to do next.
pub(crate) fn problem(
    status: StatusCode,
    code: &'static str,
    detail: impl Into<String>,
) -> Response {
    let problem = Problem {
        kind: "about:blank".to_owned(),
        title: status.canonical_reason().unwrap_or_default().to_owned(),
        status: status.as_u16(),
        code: code.to_owned(),
        detail: Some(detail.into()),
    };
    let mut response = (status, Json(problem)).into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

/// A key or an older system's token asked for what belongs to a person.
pub(crate) fn only_people() -> Response {
    problem(
        StatusCode::FORBIDDEN,
        "not_a_person",
        "Only a person has that; present a personal token or sign in.",
    )
}

/// The store cannot be asked, or something of ours is broken.
pub(crate) fn failure(error: &hallpass_issuer::Error) -> Response {
    crate::http::failure::log(error);
    match crate::http::failure::status(error) {
        StatusCode::SERVICE_UNAVAILABLE => {
            let detail =
                "The database does not answer. Nothing was changed; try again in a moment.";
            problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
        }
        status => problem(status, "broken", "The operator of this server has to look into it."),
    }
}
