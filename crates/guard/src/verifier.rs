//! Who is asked whether a token is good.

use std::future::Future;

use hallpass_verdict::Decision;

/// Answers whether a token is good, now, at one resource.
///
/// Implementations know which resource they speak for, and refuse tokens that are made
/// out for another one (RFC 9068 §4, RFC 9700 §2.3).
pub trait Verifier: Clone + Send + Sync + 'static {
    /// Who presents `token`, and what it was scoped to.
    fn verify(&self, token: &str) -> impl Future<Output = Result<Decision, Unverified>> + Send;
}

/// There is no decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// Expired, revoked, made out for somebody else, or never a token.
    #[error("the token is not good here")]
    NotGood,
    /// Nobody could be asked; the caller may try again.
    #[error("the token cannot be checked right now")]
    Unavailable,
}
