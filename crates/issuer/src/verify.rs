//! A token at our own API (RFC 6750, RFC 9068 §4).

use hallpass_verdict::Decision;

use crate::{BearerError, Issuer};

impl Issuer {
    /// Whether `token` is good now at `resource`, and for what.
    pub async fn verify(&self, _token: &str, _resource: &str) -> Result<Decision, BearerError> {
        todo!()
    }
}
