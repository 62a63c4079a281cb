//! Token revocation (RFC 7009).

use hallpass_core::wire::params::Params;

use crate::{ClientCredentials, Issuer, OAuthError, Origin};

impl Issuer {
    /// Answers a revocation request. `Ok` also for a token that nobody knows (§2.2).
    pub async fn revoke(
        &self,
        _request: &Params,
        _credentials: ClientCredentials,
        _origin: &Origin,
    ) -> Result<(), OAuthError> {
        todo!()
    }
}
