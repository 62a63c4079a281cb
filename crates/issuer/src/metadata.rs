//! What we say about ourselves (RFC 8414, OIDC Discovery).

use hallpass_core::wire::metadata::{AuthConfig, ServerMetadata};

use crate::Issuer;

impl Issuer {
    /// The one document behind both well-known paths.
    pub fn metadata(&self) -> ServerMetadata {
        todo!()
    }

    /// `GET /auth/config`: where a command line of this server signs in.
    pub fn auth_config(&self) -> AuthConfig {
        todo!()
    }
}
