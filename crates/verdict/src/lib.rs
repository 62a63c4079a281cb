//! Is it good, now? Pure decisions, the clock as an argument.
//!
//! What is presented is read and its signature checked elsewhere; what is known
//! about it is looked up elsewhere. Here the two meet: [`decide`] takes what the
//! credential says of itself ([`Presented`]), what stands about it now
//! ([`Standing`]) and the time, and answers with a [`Decision`] or a [`Refusal`].
//! The issuer's `verify`, userinfo and introspection all answer from it, so that
//! they cannot disagree.
//!
//! | module | what |
//! |---|---|
//! | [`decision`] | [`Decision`], [`Refusal`]: the answers |
//! | [`access`] | [`Presented`], [`Standing`], [`decide`]: an access token against its grant |
//! | [`cache`] | what a guard in another process remembers |
//! | [`lease`], [`feed`] | for how long it may, and how a revocation reaches it |

pub mod access;
pub mod cache;
pub mod decision;
pub mod feed;
pub mod lease;

pub use access::{Presented, Standing, decide};
pub use decision::{CredentialKind, Decision, Place, Refusal, Who};
