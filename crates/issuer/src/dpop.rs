//! Proofs of possession (RFC 9449), as our endpoints and our own API take them.
//!
//! A proof is checked in two steps. *Read*: signature, method, address, nonce, time, token.
//! That costs no look-up, and comes before anything else is looked at. *Spend*: each proof is
//! taken once (§11.1), by whichever server it reaches first. That is a change in the store, so
//! it comes when all else is good: who has nothing to spend writes nothing.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use hallpass_core::dpop::{self, BadProof, Crypto, Expected, Proven, PublicKey, Thumbprint};
use hallpass_core::wire::oauth::ErrorCode;
use hallpass_core::wire::params::Params;
use hallpass_core::wire::path;

use crate::seal::Keys;
use crate::{Error, Issuer, OAuthError};

/// What stood in the `DPoP` header of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presented<'r> {
    /// There was none.
    #[default]
    Nothing,
    /// One value.
    Proof(&'r str),
    /// Several, or none that is text.
    Unusable,
}

/// Signatures by aws-lc, MACs under the deployment's own key.
struct Ours<'k>(&'k Keys);

impl Crypto for Ours<'_> {
    fn es256(&self, key: &PublicKey, signed: &[u8], signature: &[u8; 64]) -> bool {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.point());
        key.verify(signed, signature).is_ok()
    }

    fn mac(&self, message: &[u8]) -> [u8; 32] {
        self.0.dpop_nonce(message)
    }
}

impl Issuer {
    /// A nonce for the next proof (§8, §9). Every server of the deployment takes it.
    pub fn dpop_nonce(&self) -> String {
        dpop::nonce(self.now(), &Ours(&self.0.keys))
    }

    /// Reads and checks a proof that came with a request to `url` (§4.3).
    pub fn read_proof(
        &self,
        proof: &str,
        method: &str,
        url: &str,
        access_token: Option<&str>,
    ) -> Result<Proven, BadProof> {
        let expected = Expected { method, url, now: self.now(), access_token };
        dpop::check(proof, &expected, &Ours(&self.0.keys))
    }

    /// Takes a proof, this once. `false`: it was taken before.
    pub async fn spend_proof(&self, proven: &Proven) -> Result<bool, Error> {
        Ok(self.0.store.proofs().spend(&proven.replay, proven.until).await?)
    }

    /// The proof of a token request, if it came with one.
    pub(crate) fn proof_of_request(
        &self,
        presented: Presented<'_>,
    ) -> Result<Option<Proven>, OAuthError> {
        match presented {
            Presented::Nothing => Ok(None),
            Presented::Unusable => Err(bad(BadProof::NotOne)),
            Presented::Proof(proof) => {
                let url = self.0.config.public_url.join(path::TOKEN);
                self.read_proof(proof, "POST", &url, None).map(Some).map_err(bad)
            }
        }
    }
}

/// §5, §8.
pub(crate) fn bad(why: BadProof) -> OAuthError {
    let code = match why {
        BadProof::Nonce => ErrorCode::UseDpopNonce,
        _ => ErrorCode::InvalidDpopProof,
    };
    OAuthError::new(code, why.to_string())
}

/// Whether who proved may use what is bound to `bound`: the same key, or none is needed.
pub(crate) fn same_key(bound: Option<Thumbprint>, proven: Option<&Proven>) -> Result<(), BadProof> {
    match (bound, proven) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(BadProof::Missing),
        (Some(bound), Some(proven)) if proven.jkt == bound => Ok(()),
        (Some(_), Some(_)) => Err(BadProof::OtherKey),
    }
}

/// The same, for a code or token that is spent. Another key is a wrong grant (§10).
pub(crate) fn check_key(
    bound: Option<Thumbprint>,
    proven: Option<&Proven>,
) -> Result<(), OAuthError> {
    same_key(bound, proven).map_err(|why| match why {
        BadProof::OtherKey => OAuthError::new(
            ErrorCode::InvalidGrant,
            "it is bound to another key than the one of the DPoP proof",
        ),
        why => bad(why),
    })
}

/// `dpop_jkt` (§10): the key that alone may redeem what the request leads to. Ours takes it at
/// device authorization too.
pub(crate) fn asked_key(params: &Params) -> Result<Option<Thumbprint>, OAuthError> {
    let asked = params.get("dpop_jkt").map(Thumbprint::parse).transpose();
    asked.map_err(|why| OAuthError::new(ErrorCode::InvalidRequest, format!("dpop_jkt: {why}")))
}
