//! The keys of outside issuers: from the issuer's own metadata (OIDC Discovery §4, RFC 8414 §3),
//! kept for a while, and asked for again when a token names an unknown one, but not more often
//! than every [`FLOOR`]: how often we ask is never up to whoever sends tokens (RFC 8725 §3.10).
//! A fetch goes on when the request that began it is given up.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use hallpass_core::Timestamp;
use hallpass_core::wire::path::OPENID_CONFIGURATION;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use super::token::VerifyingKey;

/// Between two attempts at fetching keys lies at least this.
const FLOOR: Duration = Duration::from_secs(30);
/// Keys are fetched anew when they are older.
const FRESH: Duration = Duration::from_secs(300);
/// Keys that could not be fetched anew for so long are not used any more.
const STALE: Duration = Duration::from_secs(3600);
/// The most keys of an issuer that are looked at.
const MOST_KEYS: usize = 100;

/// Why nothing was fetched. For logs; it holds nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotFetched(pub String);

/// Who asks an issuer. It follows no redirect, gives up after some seconds and some size, and
/// connects to no private address that `issuer` was not allowed by name.
pub trait Fetcher: Send + Sync + 'static {
    /// What stands at `url`, which `issuer` has or has named.
    fn fetch<'a>(
        &'a self,
        issuer: &'a str,
        url: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, NotFetched>> + Send + 'a>>;
}

type ById = HashMap<String, Arc<VerifyingKey>>;

/// A key, or why there is none.
pub(super) enum Found {
    Key(Arc<VerifyingKey>),
    /// Its issuer publishes no such key.
    Nowhere,
    /// The issuer's keys are not known now.
    Unknown,
}

/// Everybody's keys, and who fetches them.
#[derive(Default)]
pub(crate) struct Outside {
    fetcher: OnceLock<Arc<dyn Fetcher>>,
    issuers: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Known>>>>,
}

/// The keys of one issuer. Locked while they are fetched, so that one fetch does for all.
#[derive(Default)]
struct Known {
    keys: ById,
    fetched: Option<Timestamp>,
    tried: Option<Timestamp>,
}

impl Known {
    fn key(&self, kid: &str, now: Timestamp, within: Duration) -> Option<Arc<VerifyingKey>> {
        let current = self.is_within(now, within);
        self.keys.get(kid).filter(|_| current).cloned()
    }

    fn is_within(&self, now: Timestamp, within: Duration) -> bool {
        self.fetched.is_some_and(|at| now < at + within)
    }
}

impl Outside {
    /// Names who fetches keys, once.
    pub(super) fn fetch_through(&self, fetcher: Arc<dyn Fetcher>) {
        let _ = self.fetcher.set(fetcher);
    }

    /// The key `kid` of `issuer`, which some policy names: nobody else is asked.
    pub(super) async fn key(&self, issuer: &str, kid: &str, now: Timestamp) -> Found {
        let Some(fetcher) = self.fetcher.get().cloned() else { return Found::Unknown };
        let known = {
            let mut all = self.issuers.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(issuer.to_owned()).or_default().clone()
        };
        let mut known = known.lock_owned().await;
        if let Some(key) = known.key(kid, now, FRESH) {
            return Found::Key(key);
        }
        if known.tried.is_some_and(|tried| now < tried + FLOOR) {
            return known.answer(kid, now);
        }
        known.tried = Some(now);
        let (issuer, kid) = (issuer.to_owned(), kid.to_owned());
        let fetching = async move {
            match fetch(&*fetcher, &issuer).await {
                Ok(keys) => (known.keys, known.fetched) = (keys, Some(now)),
                Err(error) => {
                    tracing::warn!(%issuer, %error, "the keys of an outside issuer could not be fetched");
                }
            }
            known.answer(&kid, now)
        };
        // Fails only when the runtime ends.
        tokio::spawn(fetching).await.unwrap_or(Found::Unknown)
    }
}

impl Known {
    fn answer(&self, kid: &str, now: Timestamp) -> Found {
        match self.key(kid, now, STALE) {
            Some(key) => Found::Key(key),
            None if self.is_within(now, STALE) => Found::Nowhere,
            None => Found::Unknown,
        }
    }
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

async fn fetch(fetcher: &dyn Fetcher, issuer: &str) -> Result<ById, NotFetched> {
    let unreadable = |what: &str| NotFetched(format!("its {what} cannot be read"));
    // OIDC Discovery §4.1: a slash at the end is left out before the path is added.
    let address = format!("{}{OPENID_CONFIGURATION}", issuer.trim_end_matches('/'));
    let metadata = fetcher.fetch(issuer, &address).await?;
    let metadata: Metadata =
        serde_json::from_slice(&metadata).map_err(|_| unreadable("metadata"))?;
    // RFC 8414 §3.3: the issuer in it MUST be the one that was asked.
    if metadata.issuer != issuer {
        return Err(NotFetched("its metadata names another issuer".to_owned()));
    }
    let set = fetcher.fetch(issuer, &metadata.jwks_uri).await?;
    let set: KeySet = serde_json::from_slice(&set).map_err(|_| unreadable("key set"))?;
    Ok(usable(set.keys))
}

/// The keys that may verify a token, by their id. Of two with the same id neither: which one a
/// token means would be the attacker's choice.
fn usable(set: Vec<serde_json::Value>) -> ById {
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
