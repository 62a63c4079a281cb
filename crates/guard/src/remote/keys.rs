//! The keys that sign access tokens, fetched when they are needed.
//!
//! A token that names an unknown key makes us look for new ones, but not more often than every
//! [`FLOOR`]: how often we ask is never up to whoever sends tokens (RFC 8725 §3.10: nothing in
//! a token selects where a key comes from).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hallpass_verdict::lease::BootTime;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, JwkSet, KeyAlgorithm};

use super::server::{NoAnswer, Server};

/// Between two attempts at fetching keys lies at least this.
const FLOOR: Duration = Duration::from_secs(30);
/// Keys are fetched anew when they are older; the server says so too (`Cache-Control`).
const FRESH: Duration = Duration::from_secs(300);
/// Keys that could not be fetched anew for so long are not used any more.
const STALE: Duration = Duration::from_secs(3600);

/// A key, or why there is none.
pub(super) enum Found {
    /// The key.
    Key(Arc<DecodingKey>),
    /// The server publishes no such key.
    Nowhere,
    /// The server's keys are not known now.
    Unknown,
}

/// Keys by their id.
#[derive(Default)]
pub(super) struct Keys {
    known: RwLock<Known>,
    /// Held while keys are being fetched, so that one fetch does for all.
    fetching: tokio::sync::Mutex<Option<BootTime>>,
}

#[derive(Clone, Default)]
struct Known {
    keys: HashMap<String, Arc<DecodingKey>>,
    fetched: Option<BootTime>,
}

impl Keys {
    /// The key `kid`. `fetch` is used if it is not known, or not known to be current.
    pub(super) async fn find(&self, kid: &str, server: &Server, now: BootTime) -> Found {
        self.find_with(kid, now, || server.keys()).await
    }

    async fn find_with<F, Fut>(&self, kid: &str, now: BootTime, fetch: F) -> Found
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<JwkSet, NoAnswer>>,
    {
        if let Some(key) = self.known(kid, now, FRESH) {
            return Found::Key(key);
        }
        let mut tried = self.fetching.lock().await;
        // Somebody else may have fetched them while we waited.
        if let Some(key) = self.known(kid, now, FRESH) {
            return Found::Key(key);
        }
        if tried.is_none_or(|tried| now >= tried.after(FLOOR)) {
            *tried = Some(now);
            match fetch().await {
                Ok(set) => {
                    let known = Known { keys: usable(&set), fetched: Some(now) };
                    *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
                }
                Err(error) => tracing::warn!(%error, "signing keys could not be fetched"),
            }
        }
        drop(tried);
        let current = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            known.fetched.is_some_and(|fetched| now < fetched.after(STALE))
        };
        match self.known(kid, now, STALE) {
            Some(key) => Found::Key(key),
            None if current => Found::Nowhere,
            None => Found::Unknown,
        }
    }

    fn known(&self, kid: &str, now: BootTime, within: Duration) -> Option<Arc<DecodingKey>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let current = known.fetched.is_some_and(|fetched| now < fetched.after(within));
        known.keys.get(kid).filter(|_| current).cloned()
    }
}

/// Keys of the one kind that signs our access tokens: ES256 (RFC 8725 §3.1: one key, one
/// algorithm, and not the token's choice).
fn usable(set: &JwkSet) -> HashMap<String, Arc<DecodingKey>> {
    let es256 = |key: &&jsonwebtoken::jwk::Jwk| {
        key.common.key_algorithm == Some(KeyAlgorithm::ES256)
            && matches!(&key.algorithm, AlgorithmParameters::EllipticCurve(point)
                if point.curve == EllipticCurve::P256)
    };
    set.keys
        .iter()
        .filter(es256)
        .filter_map(|key| {
            let id = key.common.key_id.clone()?;
            Some((id, Arc::new(DecodingKey::from_jwk(key).ok()?)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const SET: &str = r#"{"keys":[
        {"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"one",
         "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
         "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
        {"kty":"EC","crv":"P-256","kid":"no-alg",
         "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
         "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
        {"kty":"oct","alg":"HS256","kid":"symmetric","k":"c2VjcmV0"},
        {"kty":"RSA","alg":"RS256","kid":"id-tokens","n":"AQAB","e":"AQAB"}]}"#;

    fn at(seconds: u64) -> BootTime {
        BootTime::from_nanos(seconds * 1_000_000_000)
    }

    async fn ask(keys: &Keys, kid: &str, now: u64, up: bool, asked: &AtomicU32) -> &'static str {
        let fetch = || {
            asked.fetch_add(1, Ordering::SeqCst);
            let set = serde_json::from_str(SET).map_err(|_| NoAnswer::Unreadable);
            std::future::ready(if up { set } else { Err(NoAnswer::Status(503)) })
        };
        match keys.find_with(kid, at(now), fetch).await {
            Found::Key(_) => "key",
            Found::Nowhere => "nowhere",
            Found::Unknown => "unknown",
        }
    }

    // proves: G05, G06
    #[tokio::test]
    async fn only_es256_keys_are_found_and_nobody_decides_how_often_we_ask() {
        let (keys, asked) = (Keys::default(), AtomicU32::new(0));
        let count = || asked.load(Ordering::SeqCst);
        assert_eq!(ask(&keys, "one", 0, true, &asked).await, "key");
        for kid in ["no-alg", "symmetric", "id-tokens", "made up", "https://evil.example/jwks"] {
            assert_eq!(ask(&keys, kid, 1, true, &asked).await, "nowhere", "{kid}");
        }
        assert_eq!(count(), 1);
        for second in 30..90 {
            assert_eq!(ask(&keys, "made up", second, true, &asked).await, "nowhere");
        }
        assert_eq!(count(), 3);
        assert_eq!(ask(&keys, "one", 300, true, &asked).await, "key");
        assert_eq!(count(), 3);
    }

    #[tokio::test]
    async fn keys_outlive_a_server_that_is_away_for_an_hour() {
        let (keys, asked) = (Keys::default(), AtomicU32::new(0));
        assert_eq!(ask(&keys, "one", 0, false, &asked).await, "unknown");
        assert_eq!(ask(&keys, "one", 29, true, &asked).await, "unknown", "not asked yet");
        assert_eq!(ask(&keys, "one", 30, true, &asked).await, "key");
        assert_eq!(ask(&keys, "one", 3_000, false, &asked).await, "key");
        assert_eq!(ask(&keys, "one", 3_630, false, &asked).await, "unknown");
    }
}
