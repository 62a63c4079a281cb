//! Personal tokens: made, listed, changed, rotated and revoked at `/api/v1/tokens`.
//!
//! The value of a token is in exactly two answers, of [`Session::create_token`] and
//! [`Session::rotate_token`], and is kept nowhere.

use std::time::Duration;

use hallpass_core::Timestamp;
use hallpass_core::wire::path;
use hallpass_core::wire::tokens::{CreatedToken, NewToken, RotateToken, Token, TokenChange};
use serde::Serialize;

use crate::Error;
use crate::session::{Session, path_segment};

/// A token that ends within this time is spoken of.
pub const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

impl Session {
    /// `GET /api/v1/tokens`, all pages: one's own, or those of `user` (e-mail address or
    /// id), which only an administrator may ask for.
    pub fn tokens(&self, user: Option<&str>) -> Result<Vec<Token>, Error> {
        let query: Vec<_> = user.map(|user| ("user", user)).into_iter().collect();
        self.read_all(path::TOKENS, &query)
    }

    /// `GET /api/v1/tokens/{id}`.
    pub fn token_by_id(&self, id: &str) -> Result<Token, Error> {
        self.send("GET", &address(id), None::<&()>)?.json_of()
    }

    /// `POST /api/v1/tokens`. Asked twice, it makes two; so nothing here asks twice.
    pub fn create_token(&self, new: &NewToken) -> Result<CreatedToken, Error> {
        self.send("POST", path::TOKENS, Some(new))?.json_of()
    }

    /// `PATCH /api/v1/tokens/{id}`: another name.
    pub fn rename_token(&self, id: &str, name: &str) -> Result<Token, Error> {
        let name = Some(name.to_owned());
        self.change(id, &TokenChange { name, ..TokenChange::default() })
    }

    /// `PATCH /api/v1/tokens/{id}`: another end; `None` is never.
    pub fn expire_token(&self, id: &str, at: Option<Timestamp>) -> Result<Token, Error> {
        self.change(id, &TokenChange { expires_at: Some(at), ..TokenChange::default() })
    }

    /// `DELETE /api/v1/tokens/{id}`: it is over when this returns.
    pub fn revoke_token(&self, id: &str) -> Result<(), Error> {
        self.send("DELETE", &address(id), None::<&()>).map(drop)
    }

    /// `POST /api/v1/tokens/{id}/rotate`: a new one in its place. The old one stays good
    /// for the overlap, and the new one as long as the old one did, if nothing else is said.
    pub fn rotate_token(
        &self,
        id: &str,
        how: impl Into<RotateToken>,
    ) -> Result<CreatedToken, Error> {
        self.send("POST", &format!("{}/rotate", address(id)), Some(&how.into()))?.json_of()
    }

    fn change(&self, id: &str, change: &impl Serialize) -> Result<Token, Error> {
        self.send("PATCH", &address(id), Some(change))?.json_of()
    }
}

fn address(id: &str) -> String {
    format!("{}/{}", path::TOKENS, path_segment(id))
}

/// Which of somebody's tokens a word means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<'t> {
    /// This one.
    One(&'t Token),
    /// None of them.
    None,
    /// Any of these.
    Several(Vec<&'t Token>),
}

/// Finds the token that `word` names: its id, its name, or the last four characters of
/// its text.
///
/// Nothing is guessed: a word that is the name of one and the end of another means both.
/// The name of a token that was rotated is its successor's, and one that leaked is over.
pub fn find<'t>(tokens: &'t [Token], word: &str) -> Found<'t> {
    let live = tokens.iter().filter(|token| token.leaked_at.is_none());
    if let Some(token) = live.clone().find(|token| token.id == word) {
        return Found::One(token);
    }
    let called = |token: &&Token| {
        token.last_four == word || token.overlap_until.is_none() && token.name == word
    };
    let several: Vec<_> = live.filter(called).collect();
    match several.as_slice() {
        [] => Found::None,
        [one] => Found::One(one),
        _ => Found::Several(several),
    }
}

#[cfg(test)]
#[path = "tokens_tests.rs"]
mod tests;
