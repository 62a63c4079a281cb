//! An authorized handle: calls an API as the person, and refreshes without notice.

use hallpass_core::Secret;
use hallpass_core::wire::api::{Session as Listed, Whoami};

use crate::Error;
use crate::status::Warning;

/// Calls an API as somebody. Cheap calls from many threads share one refresh.
pub struct Session {}

/// A call to the API.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// A path at the server, `/api/v1/whoami`; a full address must be at the same origin.
    pub path: &'a str,
    /// Further headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body, and its media type.
    pub body: Option<(&'a str, &'a [u8])>,
}

/// The answer to a [`Call`], whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Session {
    /// A token that is good now.
    ///
    /// # Errors
    /// [`Error::SessionEnded`] and [`Error::Expired`] if there is none to be had,
    /// [`Error::Http`] and [`Error::Busy`] if it may be had later.
    pub fn access_token(&self) -> Result<Secret, Error> {
        unimplemented!()
    }

    /// Calls the API. A 401 with `invalid_token` makes one refresh and one more try;
    /// any other status is an [`Answer`].
    pub fn call(&self, call: &Call<'_>) -> Result<Answer, Error> {
        let _ = call;
        unimplemented!()
    }

    /// `GET /api/v1/whoami`.
    pub fn whoami(&self) -> Result<Whoami, Error> {
        unimplemented!()
    }

    /// `GET /api/v1/sessions`, all pages.
    pub fn sessions(&self) -> Result<Vec<Listed>, Error> {
        unimplemented!()
    }

    /// `DELETE /api/v1/sessions/{id}`.
    pub fn end_session(&self, id: &str) -> Result<(), Error> {
        let _ = id;
        unimplemented!()
    }

    /// The server that calls go to.
    pub fn server(&self) -> &str {
        unimplemented!()
    }

    /// What happened on the way that is worth a line on stderr; each is told once.
    pub fn take_warnings(&self) -> Vec<Warning> {
        unimplemented!()
    }
}
