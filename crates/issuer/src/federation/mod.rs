//! Jobs sign in with what their platform gives them: the token of an outside issuer is exchanged
//! for a short pass.
//!
//! ```text
//! a text → Unverified → (key of the issuer that a policy names) → Verified → (conditions) → a pass
//! ```
//!
//! Three doors lead here: `/auth/oidc/exchange`, RFC 8693 and RFC 7523 at the token endpoint.
//! What an outsider is told is the same for every reason why they are not let in; whoever manages
//! the keys of the place sees each condition ([`denied`]).
//!
//! | module | what |
//! |---|---|
//! | `token` | a token is read, then verified: two types |
//! | `keys` | the issuer's keys: fetched, kept for a while, never at the caller's will |
//! | `known` | policies as they are held against claims, with what their organization pins |
//! | `exchange` | one engine: policies, single use, the pass |
//! | `door` | the two doors at the token endpoint |
//! | `people` | people who sign in at a provider elsewhere |
//! | [`policies`] | policies are made, listed and revoked |
//! | `repin` | another id counts behind a name |
//! | [`denied`] | who was not let in, and why |

pub mod denied;
mod door;
mod exchange;
mod keys;
mod known;
mod people;
pub mod policies;
mod repin;
mod token;

pub(crate) use door::asked;
pub use exchange::Refusal;
pub(crate) use keys::Outside;
pub use keys::{Fetcher, NotFetched};
pub use people::Provider;
