//! Is it good, now? Pure decisions, the clock as an argument.
//!
//! What is presented is read and its signature checked elsewhere. Here it meets what
//! stands about it now: [`live`] holds that in memory, for every credential there is, and
//! answers with a [`Decision`] or a [`Refusal`]. [`decide`] is the part of it about JWTs.
//! The issuer's `verify`, userinfo, introspection and forward auth all answer from it, so
//! that they cannot disagree.
//!
//! | module | what |
//! |---|---|
//! | [`decision`] | [`Decision`], [`Refusal`]: the answers |
//! | [`access`] | [`Presented`], [`Standing`], [`decide`]: an access token against its grant; [`Vouched`] |
//! | [`cache`] | what a guard in another process remembers |
//! | [`lease`], [`feed`] | for how long it may, and how a revocation reaches it |
//! | [`live`] | [`Live`]: everything that decides, in memory |

pub mod access;
pub mod cache;
pub mod decision;
pub mod feed;
pub mod lease;
pub mod live;

pub use access::{Presented, Standing, Vouched, decide};
pub use decision::{Agent, CredentialKind, Decision, Place, Refusal, Who};
pub use live::{Ask, Fact, Live, PlaceAsked, Rules};
