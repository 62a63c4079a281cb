//! `/api/v1/sessions`: everything that is signed in to the account, and ending it.

use hallpass_core::wire::api::{Page, Session};
use hallpass_core::wire::path::SESSIONS;
use hallpass_issuer::Origin;
use hallpass_issuer::session::Current;
use http::{Method, StatusCode};

use super::answer::{Done, Shown};
use super::argument::Path;
use super::refused::Refused;
use super::right::{Account, Needs};
use super::route::Route;
use super::{only_people, problem};
use crate::app::App;

const ONE: &str = "/api/v1/sessions/{id}";

pub(super) fn table() -> Vec<Route> {
    vec![
        Route::new(Method::GET, SESSIONS, "listSessions", "List sign-ins", list),
        Route::new(Method::DELETE, ONE, "endSession", "End a sign-in", end),
    ]
}

/// An account has few of them: one page holds all.
async fn list(app: App, Needs(caller): Needs<Account>) -> Result<Shown<Page<Session>>, Refused> {
    let user = caller.user().ok_or_else(|| Refused(only_people()))?;
    let items = app.issuer().sessions_of(user, caller.grant.map(Current::Grant)).await?;
    Ok(Shown(Page { items, next_cursor: None }))
}

/// Somebody else's is answered like one that does not exist.
async fn end(
    app: App,
    Needs(caller): Needs<Account>,
    origin: Origin,
    Path([id]): Path<1>,
) -> Result<Done, Refused> {
    let user = caller.user().ok_or_else(|| Refused(only_people()))?;
    if app.issuer().end_session(user, &id, &origin).await? {
        return Ok(Done);
    }
    Err(Refused(problem(
        StatusCode::NOT_FOUND,
        "not_found",
        "There is no such sign-in, or it has ended; GET /api/v1/sessions lists those that are there.",
    )))
}
