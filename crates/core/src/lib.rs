//! The words of hallpass: what everything else is said in.
//!
//! No I/O, no clock, no environment: time and chance are arguments ([`Clock`], [`Random`]).
//! Client and server meet only here, in [`wire`], so they cannot drift apart.
//!
//! | module | what it names |
//! |---|---|
//! | [`action`] | one exact action that is to be approved: its one spelling, its digest (RFC 9396) |
//! | [`id`] | typed ids: prefix + ULID, never reused |
//! | [`time`] | [`Timestamp`], [`Clock`] |
//! | [`ends`] | when something shall end, as a person says it |
//! | [`chance`] | [`Random`] |
//! | [`secret`] | [`Secret`]: redacted, zeroized, one way out |
//! | [`token`] | token text: prefix, body, check; [`Digest`] is what is kept at rest |
//! | [`user_code`] | the code that a person types (RFC 8628 §6.1) and the sums behind its length |
//! | [`pin`] | what a directory says about itself |
//! | [`pkce`] | verifier and challenge (RFC 7636) |
//! | [`dpop`] | proofs of possession: tokens that are bound to a key (RFC 9449) |
//! | [`redirect`] | registering and matching redirect URIs (RFC 8252 §7.3) |
//! | [`scope`] | scope sets (RFC 6749 §3.3) |
//! | [`role`] | organization and project roles |
//! | [`permission`] | what a role may do, as a table |
//! | [`brand`] | a tool's names, paths and texts, as data |
//! | [`public_url`] | the one address of a deployment, which is also its issuer |
//! | [`strict`] | JSON without repeated members, for tokens |
//! | [`text`] | making foreign text safe to show |
//! | [`trust`] | which outside identities are let in, and why not |
//! | [`wire`] | what goes over HTTP: metadata, token answers, errors |

pub mod action;
pub mod brand;
pub mod chance;
pub mod dpop;
pub mod ends;
pub mod id;
pub mod permission;
pub mod pin;
pub mod pkce;
pub mod public_url;
pub mod redirect;
pub mod role;
pub mod scope;
pub mod secret;
pub mod strict;
pub mod text;
pub mod time;
pub mod token;
pub mod trust;
pub mod user_code;
pub mod wire;

pub use chance::Random;
pub use public_url::PublicUrl;
pub use scope::Scope;
pub use secret::Secret;
pub use time::{Clock, Timestamp};
pub use token::{Digest, Kind, TokenText};
