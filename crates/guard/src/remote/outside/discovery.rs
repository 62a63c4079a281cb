//! An outside issuer's metadata and keys (OIDC Discovery §4, RFC 8414 §3, RFC 7517 §5).
//!
//! Two requests, of which nothing in a token decides anything: to the address that the API
//! author named, and to the one that its answer names, over https, without redirects, for a few
//! seconds and up to a size.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hallpass_core::wire::path::OPENID_CONFIGURATION;
use jsonwebtoken::jwk::PublicKeyUse;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations};
use jsonwebtoken::{Algorithm, DecodingKey};
use reqwest::header::ACCEPT;
use reqwest::redirect;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::OutsideIssuer;
use crate::remote::keys::ById;

/// For how long each of both answers is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// For how long a connection is.
const CONNECT: Duration = Duration::from_secs(2);
/// Longer than any metadata or key set.
const MAX_ANSWER: usize = 256 * 1024;

/// A key, and the one algorithm that it is for (RFC 8725 §3.1).
pub(super) struct VerifyingKey {
    pub(super) key: DecodingKey,
    pub(super) algorithm: Algorithm,
}

/// Why an issuer's keys are not known. For logs; it holds nothing secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoKeys {
    /// No connection, or no answer in time.
    #[error("{issuer} cannot be reached: {cause}")]
    Unreachable { issuer: String, cause: reqwest::Error },
    /// Another status than 200; a redirect, too.
    #[error("{issuer} answers with status {status}")]
    Status { issuer: String, status: u16 },
    /// Too long, or not what was asked for.
    #[error("the answer of {issuer} cannot be read")]
    Unreadable { issuer: String },
    /// RFC 8414 §3.3: the issuer in it MUST be the one that was asked.
    #[error("the metadata of {issuer} names another issuer")]
    OtherIssuer { issuer: String },
    /// Its keys are where we do not go.
    #[error("the jwks_uri of {issuer} is not https")]
    JwksUri { issuer: String },
}

/// Where the keys of one issuer come from.
pub(super) struct Source {
    http: reqwest::Client,
    issuer: OutsideIssuer,
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

impl Source {
    pub(super) fn new(issuer: &OutsideIssuer) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(CONNECT)
            .https_only(!issuer.is_on_loopback())
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .build()?;
        Ok(Self { http, issuer: issuer.clone() })
    }

    /// The keys that it publishes now.
    pub(super) async fn keys(&self) -> Result<ById<VerifyingKey>, NoKeys> {
        let issuer = self.issuer.issuer();
        let name = || issuer.to_owned();
        // OIDC Discovery §4.1: a slash at the end is left out before the path is added.
        let address = format!("{}{OPENID_CONFIGURATION}", issuer.trim_end_matches('/'));
        let metadata: Metadata = self.get(&address).await?;
        if metadata.issuer != issuer {
            return Err(NoKeys::OtherIssuer { issuer: name() });
        }
        let address = Url::parse(&metadata.jwks_uri).ok();
        let address = address.filter(|url| self.issuer.may_be_asked_at(url));
        let address = address.ok_or_else(|| NoKeys::JwksUri { issuer: name() })?;
        let set: KeySet = self.get(address.as_str()).await?;
        Ok(usable(set.keys))
    }

    async fn get<T: DeserializeOwned>(&self, address: &str) -> Result<T, NoKeys> {
        let issuer = || self.issuer.issuer().to_owned();
        let unreachable = |cause: reqwest::Error| NoKeys::Unreachable {
            issuer: issuer(),
            cause: cause.without_url(),
        };
        let request = self.http.get(address).header(ACCEPT, "application/json");
        let mut response = request.send().await.map_err(unreachable)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(NoKeys::Status { issuer: issuer(), status: response.status().as_u16() });
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                return Err(NoKeys::Unreadable { issuer: issuer() });
            }
        }
        serde_json::from_slice(&body).map_err(|_| NoKeys::Unreadable { issuer: issuer() })
    }
}

/// The keys that may verify an ID token, by their id. Of two with the same id neither: which
/// one a token means would be the attacker's choice.
pub(super) fn usable(set: Vec<serde_json::Value>) -> ById<VerifyingKey> {
    let mut keys: HashMap<String, Option<Arc<VerifyingKey>>> = HashMap::new();
    for key in set {
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
