//! What handlers answer, each with its status.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde::Serialize;

use super::refused::Refused;
use super::route::Operation;
use super::schema::{Described, refer};

/// What a handler can answer.
pub(super) trait Answer: Send {
    /// Adds its status and schema.
    fn describe(operation: &mut Operation);

    /// As HTTP.
    fn respond(self) -> Response;
}

/// 200, with this.
pub(super) struct Shown<T>(pub(super) T);

impl<T: Described + Serialize + Send> Answer for Shown<T> {
    fn describe(operation: &mut Operation) {
        operation.answers.insert(200, ("It is so.", Some(refer::<T>)));
    }

    fn respond(self) -> Response {
        Json(self.0).into_response()
    }
}

/// 201, with what was made. It may hold a secret that is shown this once: nobody keeps it.
pub(super) struct Made<T>(pub(super) T);

impl<T: Described + Serialize + Send> Answer for Made<T> {
    fn describe(operation: &mut Operation) {
        operation.answers.insert(201, ("It was made.", Some(refer::<T>)));
    }

    fn respond(self) -> Response {
        (StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(self.0)).into_response()
    }
}

/// 204: it is done, and there is nothing to say.
pub(super) struct Done;

impl Answer for Done {
    fn describe(operation: &mut Operation) {
        operation.answers.insert(204, ("It is done.", None));
    }

    fn respond(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl<A: Answer> Answer for Result<A, Refused> {
    fn describe(operation: &mut Operation) {
        A::describe(operation);
    }

    fn respond(self) -> Response {
        self.map_or_else(|Refused(response)| response, A::respond)
    }
}
