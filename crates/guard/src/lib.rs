//! How an API checks a token: a tower layer over a [`Verifier`].
//!
//! ```text
//! request → bearer (one credential, well-formed) → shape (can it be an access token?)
//!         → Verifier (is it good, now, here?) → scope → handler, with a Decision
//! ```
//!
//! Whatever is refused before the [`Verifier`] costs no look-up. A refusal says how to
//! do better: a challenge with the protected resource's metadata and the scope needed
//! (RFC 6750 §3, RFC 9728 §5.1), and an RFC 9457 body. When the verifier cannot ask,
//! the answer is 503, never yes.
//!
//! ```
//! # use hallpass_guard::{Guard, Verifier, Unverified};
//! # use hallpass_verdict::Decision;
//! # #[derive(Clone)] struct Mine;
//! # impl Verifier for Mine {
//! #     type Prover = hallpass_guard::dpop::Nobody;
//! #     async fn verify(&self, _: &str) -> Result<Decision, Unverified> { Err(Unverified::NotGood) }
//! # }
//! let metadata = "https://api.example.com/.well-known/oauth-protected-resource";
//! let layer = Guard::new(Mine, metadata).require("publish");
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`bearer`] | the credential of a request: exactly one, in the header |
//! | [`dpop`] | tokens that are bound to a key: good with a proof of it (RFC 9449) |
//! | [`shape`] | what cannot be an access token is told apart without a look-up |
//! | [`verifier`] | who is asked |
//! | [`layer`] | [`Guard`], the tower layer |
//! | [`refusal`] | the answers when it is not let through |
//! | [`resource`] | the API's metadata (RFC 9728) |
//! | `axum` | extractors and a route, with the feature `axum` |
//! | `remote` | a verifier that asks a server elsewhere, with the feature `remote` |

#[cfg(feature = "axum")]
pub mod axum;
pub mod bearer;
pub mod dpop;
pub mod layer;
pub mod refusal;
#[cfg(feature = "remote")]
pub mod remote;
pub mod resource;
pub mod shape;
pub mod verifier;

pub use hallpass_core::Scope;
pub use hallpass_core::action::{Action, BadAction};
pub use hallpass_verdict::{CredentialKind, Decision, Who};
pub use layer::{Guard, Guarded};
pub use refusal::{Challenge, Refusal};
#[cfg(feature = "remote")]
pub use remote::{Approved, OutsideIssuer, Remote};
pub use resource::Resource;
pub use shape::Shapes;
pub use verifier::{Unverified, Verifier, Where};
