//! Token introspection (RFC 7662).

use hallpass_core::wire::oauth::Introspection;
use hallpass_core::wire::params::Params;

use crate::{ClientCredentials, Issuer, OAuthError, Origin};

impl Issuer {
    /// Answers an introspection request of an authenticated resource server.
    pub async fn introspect(
        &self,
        _request: &Params,
        _credentials: ClientCredentials,
        _origin: &Origin,
    ) -> Result<Introspection, OAuthError> {
        todo!()
    }
}
