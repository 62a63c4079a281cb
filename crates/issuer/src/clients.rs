//! Client authentication (RFC 6749 §2.3).

use hallpass_core::Secret;

/// How the `Authorization` header of a request to an OAuth endpoint authenticates its
/// client; what the body says stands in the request's parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientCredentials {
    /// No `Authorization` header.
    #[default]
    None,
    /// `client_secret_basic`, decoded as RFC 6749 §2.3.1 asks.
    Basic {
        /// The client id.
        client_id: String,
        /// The client secret.
        client_secret: Secret,
    },
    /// A header that is malformed, repeated, or of a scheme that we do not speak.
    Unusable,
}
