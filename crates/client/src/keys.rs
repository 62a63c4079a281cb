//! Keys of projects and organizations: made, listed, rotated and revoked.
//!
//! The value of a key is in exactly two answers, of [`Session::create_key`] and
//! [`Session::rotate_key`], and is kept nowhere.

use hallpass_core::Secret;
use hallpass_core::wire::keys::{CreatedKey, Key, KeyText, NewKey};
use hallpass_core::wire::path;
use hallpass_core::wire::tokens::RotateToken;

use crate::Error;
use crate::session::{Session, path_segment};

/// Whose keys: an organization's, with those of its projects, or one project's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The organization, by slug or id.
    pub org: &'a str,
    /// The project in it.
    pub project: Option<&'a str>,
}

impl Session {
    /// The live keys of a place, all pages.
    pub fn keys(&self, place: Place<'_>) -> Result<Vec<Key>, Error> {
        self.read_all(&keys_of(place), &[])
    }

    /// `GET /api/v1/keys/{id}`.
    pub fn key_by_id(&self, id: &str) -> Result<Key, Error> {
        self.send("GET", &address(id), None::<&()>)?.json_of()
    }

    /// `POST /api/v1/keys/lookup`: which key this text is. It travels in the body.
    pub fn key_by_text(&self, text: &Secret) -> Result<Key, Error> {
        let body = KeyText { value: Secret::new(text.expose().trim()) };
        self.send("POST", &format!("{}/lookup", path::KEYS), Some(&body))?.json_of()
    }

    /// Makes a key at a place. Asked twice, it makes two; so nothing here asks twice.
    pub fn create_key(&self, place: Place<'_>, new: &NewKey) -> Result<CreatedKey, Error> {
        self.send("POST", &keys_of(place), Some(new))?.json_of()
    }

    /// `DELETE /api/v1/keys/{id}`: it is over when this returns.
    pub fn revoke_key(&self, id: &str) -> Result<(), Error> {
        self.send("DELETE", &address(id), None::<&()>).map(drop)
    }

    /// `POST /api/v1/keys/{id}/rotate`: a new one in its place. The old one stays good for
    /// the overlap, and the new one as long as the old one did, if nothing else is said.
    pub fn rotate_key(&self, id: &str, how: impl Into<RotateToken>) -> Result<CreatedKey, Error> {
        self.send("POST", &format!("{}/rotate", address(id)), Some(&how.into()))?.json_of()
    }
}

fn keys_of(place: Place<'_>) -> String {
    let org = path_segment(place.org);
    match place.project {
        None => format!("{}/{org}/keys", path::ORGS),
        Some(project) => format!("{}/{org}/projects/{}/keys", path::ORGS, path_segment(project)),
    }
}

fn address(id: &str) -> String {
    format!("{}/{}", path::KEYS, path_segment(id))
}
