//! Tokens against cross-site request forgery (RFC 6749 §10.12): one for each session and
//! purpose, made and checked without keeping anything.

use crate::Issuer;

impl Issuer {
    /// A token that a form of `purpose` carries in the browser that has `cookie`.
    pub fn csrf_token(&self, _cookie: &str, _purpose: &str) -> String {
        todo!()
    }

    /// Whether `token` was made for this cookie and purpose, not too long ago.
    pub fn csrf_holds(&self, _cookie: &str, _purpose: &str, _token: &str) -> bool {
        todo!()
    }
}
