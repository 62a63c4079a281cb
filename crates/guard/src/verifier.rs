//! Who is asked whether a token is good, and about what.

use std::future::Future;

use hallpass_core::Timestamp;
use hallpass_verdict::Decision;

use crate::dpop::Prover;
use crate::shape::Shapes;

/// The organization or project that a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// An organization, by slug or id.
    Org(String),
    /// A project in an organization, both by slug or id.
    Project {
        /// The organization.
        org: String,
        /// The project.
        project: String,
    },
}

impl Where {
    /// A project in an organization.
    pub fn project(org: impl Into<String>, project: impl Into<String>) -> Self {
        Self::Project { org: org.into(), project: project.into() }
    }
}

/// Answers whether a token is good, now, at one resource.
///
/// Implementations know which resource they speak for, and refuse tokens that are made
/// out for another one (RFC 9068 §4, RFC 9700 §2.3).
pub trait Verifier: Clone + Send + Sync + 'static {
    /// Reads proofs of possession; [`Nobody`] if tokens that are bound to a key are not taken.
    type Prover: Prover;

    /// Who presents `token`, and what it was scoped to.
    fn verify(&self, token: &str) -> impl Future<Output = Result<Decision, Unverified>> + Send;

    /// As [`Verifier::verify`], and what they may do at `place`, now. A verifier that knows
    /// nothing of organizations and projects answers without, and nobody may do anything.
    fn verify_at(
        &self,
        token: &str,
        place: &Where,
    ) -> impl Future<Output = Result<Decision, Unverified>> + Send {
        let _ = place;
        self.verify(token)
    }

    /// The time, by which answers to a credential that ends soon say so. A verifier without a
    /// clock says nothing.
    fn now(&self) -> Option<Timestamp> {
        None
    }

    /// Who reads proofs of possession here (RFC 9449). `None`: nobody, and what is bound to a
    /// key is good for nobody.
    fn prover(&self) -> Option<&Self::Prover> {
        None
    }

    /// What is worth asking about; all else is refused without.
    fn shapes(&self) -> &Shapes {
        const JWT: &Shapes = &Shapes::jwt();
        JWT
    }
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
