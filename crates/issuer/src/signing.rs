//! Signing keys: made, published, used, retired.

use serde::Serialize;

use crate::Issuer;

/// RFC 7517 §5: the public keys, as `/oauth/jwks` publishes them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Jwks {
    /// Each a public JWK.
    pub keys: Vec<serde_json::Value>,
}

impl Issuer {
    /// The keys that sign now, the next ones, and those whose tokens may still live.
    pub fn jwks(&self) -> Jwks {
        todo!()
    }
}
