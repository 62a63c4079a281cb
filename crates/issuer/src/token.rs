//! The token endpoint (RFC 6749 §3.2): authenticate the client, validate, spend, mint.

use hallpass_core::wire::oauth::TokenResponse;
use hallpass_core::wire::params::Params;

use crate::{ClientCredentials, Issuer, OAuthError, Origin};

impl Issuer {
    /// Answers a token request.
    pub async fn token(
        &self,
        _request: &Params,
        _credentials: ClientCredentials,
        _origin: &Origin,
    ) -> Result<TokenResponse, OAuthError> {
        todo!()
    }
}
