//! `/api/v1`: the account of whoever presents a credential, their tokens, their
//! organizations.
//!
//! Every route is a row of one [table], made from the type of its handler: the right that it
//! needs, what it reads, what it answers. The router and the OpenAPI document are both
//! written from that table. Requests come through the guard layer, with a verifier of our own
//! over the issuer. Errors are RFC 9457 problems with a stable `code`; lists are
//! `{items, next_cursor}`.
//!
//! | module | what |
//! |---|---|
//! | [`route`] | a row of the table, from a handler's type |
//! | [`right`], [`argument`], [`answer`], [`refused`] | those types: what is needed, read, answered, refused |
//! | [`schema`], [`openapi`] | the schemas and the document |
//! | [`whoami`], [`sessions`], [`tokens`] | the account |
//! | [`orgs`], [`members`] | organizations, projects, roles |
//! | [`places`], [`invitations`] | what becomes of the first two; links that give a role |
//! | [`audit`] | the log of changes |
//! | [`operator`] | people, clients and keys, for administrators |
//! | [`keys`] | keys of organizations and projects |
//! | [`agents`] | agents of one's own, and what an agent asks for itself |
//! | [`approvals`] | actions that agents ask their owners to approve |
//! | [`legacy`] | the last tokens that look like an older system's |
//! | [`feed`] | guards in other processes |
//! | [`leaks`], [`scanning`] | tokens that leaked |
//! | [`deprecation`] | what is said with every answer to an older system's token |
//! | [`resource`] | the protected resource's metadata (RFC 9728) |
//! | [`local`] | the [`Verifier`](hallpass_guard::Verifier) over the issuer |
//!
//! To add a route: a handler that names a [`right`] first, and a row in its file's `table`.

use axum::response::{IntoResponse, Response};
use axum::{Json, Router, middleware};
use hallpass_core::wire::api::Problem;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use self::route::Route;
use crate::app::App;
use crate::limit;

mod agents;
mod answer;
mod approvals;
mod argument;
mod audit;
pub(crate) mod deprecation;
mod feed;
mod invitations;
mod keys;
mod leaks;
mod legacy;
mod local;
mod members;
mod openapi;
mod operator;
mod orgs;
mod places;
mod refused;
mod resource;
mod right;
mod route;
mod scanning;
mod schema;
mod sessions;
mod tokens;
mod trust;
mod whoami;

pub(crate) use leaks::LeakDesk;
pub(crate) use local::Local;
pub(crate) use resource::metadata_url;
pub(crate) use scanning::Keys as ScanningKeys;

/// All routes below `/api`.
fn table() -> Vec<Route> {
    let tables = [
        whoami::table(),
        sessions::table(),
        tokens::table(),
        orgs::table(),
        places::table(),
        members::table(),
        invitations::table(),
        audit::table(),
        operator::table(),
        keys::table(),
        trust::table(),
        agents::table(),
        approvals::table(),
        legacy::table(),
        leaks::table(),
        feed::table(),
        scanning::table(),
        openapi::table(),
    ];
    tables.into_iter().flatten().collect()
}

pub(crate) fn routes(app: &App) -> Router<App> {
    table()
        .iter()
        .fold(Router::new(), |router, route| router.route(route.operation.path, route.on(app)))
        .route_layer(middleware::from_fn_with_state(app.clone(), deprecation::announce))
        .route_layer(middleware::from_fn_with_state(app.clone(), limit::refused_credentials))
        .merge(resource::routes())
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

/// For whom a route is not.
#[derive(Clone, Copy)]
pub(crate) enum NotFor {
    Agents,
    Jobs,
    /// Whoever is no agent.
    Others,
}

/// Another kind of caller than the route is for (attack 49): what belongs to people and their
/// keys is not an agent's or a job's, whatever its scope, and the other way round.
pub(crate) fn not_for(whom: NotFor) -> Response {
    let detail = match whom {
        NotFor::Agents => {
            "An agent has no say here; whose agent it is has, with a sign-in of their own."
        }
        NotFor::Jobs => "The pass of a job has no say here; a person has, with a sign-in.",
        NotFor::Others => "Only an agent asks this, with its own token.",
    };
    problem(StatusCode::FORBIDDEN, "not_for_this_caller", detail)
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
