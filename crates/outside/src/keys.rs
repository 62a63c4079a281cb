//! An issuer's metadata and keys (OIDC Discovery §4, RFC 8414 §3, RFC 7517 §5).

use std::collections::HashMap;
use std::sync::Arc;

use hallpass_core::wire::path::OPENID_CONFIGURATION;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

/// The most keys of an issuer that are looked at.
const MOST_KEYS: usize = 100;

/// A key, and the one algorithm that it is for (RFC 8725 §3.1).
pub struct VerifyingKey {
    /// The key.
    pub key: DecodingKey,
    /// Its algorithm.
    pub algorithm: Algorithm,
}

/// Keys by their id.
pub type ById = HashMap<String, Arc<VerifyingKey>>;

/// Why an answer of an issuer says nothing about its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// It is not what was asked for.
    #[error("its metadata or keys cannot be read")]
    Unreadable,
    /// RFC 8414 §3.3: the issuer in it MUST be the one that was asked.
    #[error("its metadata names another issuer")]
    OtherIssuer,
}

/// Of the metadata, what is needed (OIDC Discovery §3).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

/// A key set of which each key is read by itself: one that is unknown to us harms no other.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

/// Where an issuer's metadata are. OIDC Discovery §4.1: a slash at the end is left out before the
/// path is added.
pub fn metadata_address(issuer: &str) -> String {
    format!("{}{OPENID_CONFIGURATION}", issuer.trim_end_matches('/'))
}

/// Where the metadata of `issuer` say that its keys are.
///
/// # Errors
/// If they cannot be read, or are another issuer's.
pub fn jwks_uri(metadata: &[u8], issuer: &str) -> Result<String, BadAnswer> {
    let metadata: Metadata = serde_json::from_slice(metadata).map_err(|_| BadAnswer::Unreadable)?;
    if metadata.issuer != issuer {
        return Err(BadAnswer::OtherIssuer);
    }
    Ok(metadata.jwks_uri)
}

/// The keys in a key set that may verify a token.
///
/// # Errors
/// If it is none.
pub fn keys_in(set: &[u8]) -> Result<ById, BadAnswer> {
    let set: KeySet = serde_json::from_slice(set).map_err(|_| BadAnswer::Unreadable)?;
    Ok(usable(set.keys))
}

/// The keys that may verify a token, by their id. Of two with the same id neither: which one a
/// token means would be the attacker's choice.
pub fn usable(set: Vec<serde_json::Value>) -> ById {
    let mut keys: HashMap<String, Option<Arc<VerifyingKey>>> = HashMap::new();
    for key in set.into_iter().take(MOST_KEYS) {
        let Ok(key) = serde_json::from_value::<Jwk>(key) else { continue };
        let Some(id) = key.common.key_id.clone() else { continue };
        let Some(algorithm) = algorithm(&key) else { continue };
        let Ok(key) = DecodingKey::from_jwk(&key) else { continue };
        let key = Arc::new(VerifyingKey { key, algorithm });
        keys.entry(id).and_modify(|known| *known = None).or_insert(Some(key));
    }
    keys.into_iter().filter_map(|(id, key)| Some((id, key?))).collect()
}

/// The one algorithm that a key is for: what it says, if its type fits, and otherwise what its
/// type is for; RSA keys without a word are for RS256 (OIDC Core §15.1). Never a symmetric one.
fn algorithm(key: &Jwk) -> Option<Algorithm> {
    let common = &key.common;
    let signs = common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
    let said = common.key_algorithm;
    let fits = |only: KeyAlgorithm| said.is_none_or(|said| said == only);
    let found = match &key.algorithm {
        AlgorithmParameters::RSA(_) => match said {
            None | Some(KeyAlgorithm::RS256) => Some(Algorithm::RS256),
            Some(KeyAlgorithm::RS384) => Some(Algorithm::RS384),
            Some(KeyAlgorithm::RS512) => Some(Algorithm::RS512),
            Some(KeyAlgorithm::PS256) => Some(Algorithm::PS256),
            Some(KeyAlgorithm::PS384) => Some(Algorithm::PS384),
            Some(KeyAlgorithm::PS512) => Some(Algorithm::PS512),
            Some(_) => None,
        },
        AlgorithmParameters::EllipticCurve(point) => match point.curve {
            EllipticCurve::P256 if fits(KeyAlgorithm::ES256) => Some(Algorithm::ES256),
            EllipticCurve::P384 if fits(KeyAlgorithm::ES384) => Some(Algorithm::ES384),
            _ => None,
        },
        AlgorithmParameters::OctetKeyPair(pair) => (pair.curve == EllipticCurve::Ed25519
            && fits(KeyAlgorithm::EdDSA))
        .then_some(Algorithm::EdDSA),
        _ => None,
    };
    found.filter(|_| signs)
}
