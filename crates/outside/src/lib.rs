//! What another issuer says: its metadata and keys, its tokens, and every reason to refuse them.
//! No I/O and no clock: whoever reads has fetched, and says what time it is.
//!
//! ```text
//! a text → Unverified → (a key that its issuer publishes) → claims → somebody who signed in there
//! ```
//!
//! The issuer reads tokens of CI platforms and of the provider where people sign in with this, the
//! guard ID tokens of providers that an API trusts. What a platform's claims mean for a policy is
//! [`hallpass_core::trust`].
//!
//! | module | what |
//! |---|---|
//! | [`keys`] | metadata and key set: which key is for which one algorithm |
//! | [`token`] | a token is taken apart, then held against a key |
//! | [`id_token`] | an ID token's claims (OIDC Core §3.1.3.7) |

pub mod id_token;
pub mod keys;
pub mod token;

pub use keys::{BadAnswer, ById, VerifyingKey};
pub use token::{Bad, SKEW, Unverified};

/// The claims of a token: nothing in it is there twice.
pub type Claims = serde_json::Map<String, serde_json::Value>;
