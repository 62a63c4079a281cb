//! What became of a form at a place: where to go on, or what stood in the way.

use axum::response::Response;
use hallpass_core::wire::params::Params;
use hallpass_issuer::orgs::OrgError;
use http::StatusCode;

use super::super::answer::{self, Refusal};
use super::super::csrf::{self, Purpose};
use super::super::setup::sentence;
use super::super::views::Notice;
use super::Seat;
use crate::http::failure;

/// What was done.
pub(super) enum Deed {
    /// Back to the page, which says this of it.
    Done(&'static str),
    /// Somewhere else.
    Go(String),
    /// A page of its own.
    Answer(Box<Response>),
}

impl Deed {
    /// As the answer to the form's post.
    pub(super) fn respond(self, base: &str) -> Response {
        match self {
            Self::Done(what) => answer::see_other(&format!("{base}?done={what}")),
            Self::Go(path) => answer::see_other(&path),
            Self::Answer(page) => *page,
        }
    }
}

/// Whether `form` is of a page about this place in this very browser.
pub(super) fn check(seat: &Seat<'_>, form: &Params) -> Result<(), Refusal> {
    csrf::check(seat.app, Some(seat.cookie), Purpose::Place(seat.id()), form)
}

/// What stood in the way, to be said on the page; or the answer, where there is no page.
pub(super) fn refused(seat: &Seat<'_>, error: &OrgError) -> Result<(StatusCode, Notice), Refusal> {
    let status = match error {
        OrgError::Failed(error) => return Err(Refusal::from(failure::page(seat.app, error))),
        OrgError::NotAllowed(_) | OrgError::NotScoped => StatusCode::FORBIDDEN,
        OrgError::Unknown(_) | OrgError::NoUser | OrgError::NoMember | OrgError::Invalid { .. } => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        OrgError::SlugTaken | OrgError::LastOwner | OrgError::KeysMade(_) => StatusCode::CONFLICT,
    };
    Ok((status, Notice::problem(sentence(&error.to_string()), "Nothing was changed.")))
}

/// What a page says of what was done before it.
pub(super) fn said(done: &str) -> Option<Notice> {
    let (what, next) = match done {
        "role" => ("They have that role now.", "It counts from the next request on."),
        "removed" => ("They are removed.", "What came with the role is refused from now on."),
        "revoked" => ("The invitation is revoked.", "Its link lets nobody in."),
        "renamed" => ("It has its new name.", ""),
        "moved" => ("The project moved here.", "What was bound to the old place has ended."),
        "handed" => ("It has another owner now.", "You are an admin of it."),
        "archived" => ("It is archived.", "Nothing was lost; it can be brought back below."),
        "back" => ("It is back, with everything that was in it.", ""),
        "left" => ("You have left.", ""),
        "joined" => ("You are in.", "This is what you were invited to."),
        "made" => ("It is made.", ""),
        _ => return None,
    };
    Some(Notice::done(what, next))
}
