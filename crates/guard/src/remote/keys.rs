//! Keys that sign tokens, fetched when they are needed.
//!
//! A token that names an unknown key makes us look for new ones, but not more often than every
//! [`FLOOR`]: how often we ask is never up to whoever sends tokens (RFC 8725 §3.10: nothing in
//! a token selects where a key comes from). A fetch goes on when the request that began it is
//! given up, or whoever sends requests could keep it from ever being done.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hallpass_verdict::lease::BootTime;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, JwkSet, KeyAlgorithm};
use tokio::sync::Mutex;

/// Between two attempts at fetching keys lies at least this.
const FLOOR: Duration = Duration::from_secs(30);
/// Keys are fetched anew when they are older; our server says so too (`Cache-Control`).
const FRESH: Duration = Duration::from_secs(300);
/// Keys that could not be fetched anew for so long are not used any more.
const STALE: Duration = Duration::from_secs(3600);

/// Keys by their id.
pub(super) type ById<K> = HashMap<String, Arc<K>>;

/// A key, or why there is none.
pub(super) enum Found<K> {
    /// The key.
    Key(Arc<K>),
    /// Its issuer publishes no such key.
    Nowhere,
    /// The issuer's keys are not known now.
    Unknown,
}

/// The keys of one issuer.
pub(super) struct Keys<K> {
    known: Arc<RwLock<Known<K>>>,
    /// Held while keys are being fetched, so that one fetch does for all. When it was begun.
    fetching: Arc<Mutex<Option<BootTime>>>,
}

struct Known<K> {
    keys: ById<K>,
    fetched: Option<BootTime>,
}

impl<K> Default for Keys<K> {
    fn default() -> Self {
        let known = Known { keys: HashMap::new(), fetched: None };
        Self { known: Arc::new(RwLock::new(known)), fetching: Arc::default() }
    }
}

impl<K: Send + Sync + 'static> Keys<K> {
    /// The key `kid`. `fetch` is used if it is not known, or not known to be current.
    pub(super) async fn find<F, Fut, E>(&self, kid: &str, now: BootTime, fetch: F) -> Found<K>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<ById<K>, E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        if let Some(key) = self.known(kid, now, FRESH) {
            return Found::Key(key);
        }
        let mut tried = match self.fetching.clone().try_lock_owned() {
            Ok(tried) => tried,
            // Somebody is at it. Until they are done, an older key will do.
            Err(_) => match self.known(kid, now, STALE) {
                Some(key) => return Found::Key(key),
                None => self.fetching.clone().lock_owned().await,
            },
        };
        // Somebody else may have fetched them while we waited.
        if let Some(key) = self.known(kid, now, FRESH) {
            return Found::Key(key);
        }
        if tried.is_none_or(|tried| now >= tried.after(FLOOR)) {
            *tried = Some(now);
            let (known, fetch) = (self.known.clone(), fetch());
            let fetching = async move {
                match fetch.await {
                    Ok(keys) => {
                        let new = Known { keys, fetched: Some(now) };
                        *known.write().unwrap_or_else(PoisonError::into_inner) = new;
                    }
                    Err(error) => tracing::warn!(%error, "signing keys could not be fetched"),
                }
                drop(tried);
            };
            // Fails only when the runtime ends; then the keys are as they were.
            let _ = tokio::spawn(fetching).await;
        } else {
            drop(tried);
        }
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

    fn known(&self, kid: &str, now: BootTime, within: Duration) -> Option<Arc<K>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let current = known.fetched.is_some_and(|fetched| now < fetched.after(within));
        known.keys.get(kid).filter(|_| current).cloned()
    }
}

/// Keys of the one kind that signs our access tokens: ES256 (RFC 8725 §3.1: one key, one
/// algorithm, and not the token's choice).
pub(super) fn usable(set: &JwkSet) -> ById<DecodingKey> {
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
    use std::future::ready;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::oneshot;

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

    fn set() -> ById<DecodingKey> {
        usable(&serde_json::from_str(SET).expect("a key set"))
    }

    fn said<K>(found: &Found<K>) -> &'static str {
        match found {
            Found::Key(_) => "key",
            Found::Nowhere => "nowhere",
            Found::Unknown => "unknown",
        }
    }

    async fn ask(
        keys: &Keys<DecodingKey>,
        kid: &str,
        now: u64,
        up: bool,
        asked: &AtomicU32,
    ) -> &'static str {
        let fetch = || {
            asked.fetch_add(1, Ordering::SeqCst);
            ready(if up { Ok(set()) } else { Err("nobody answers") })
        };
        said(&keys.find(kid, at(now), fetch).await)
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

    #[tokio::test]
    async fn a_key_that_is_not_published_any_more_is_not_used() {
        let keys = Keys::default();
        let published = || ready(Ok::<_, &str>(set()));
        assert_eq!(said(&keys.find("one", at(0), published).await), "key");
        let withdrawn = || ready(Ok::<_, &str>(ById::<DecodingKey>::new()));
        assert_eq!(said(&keys.find("one", at(300), withdrawn).await), "nowhere");
    }

    // proves: G06
    #[tokio::test]
    async fn who_gives_up_a_request_does_not_give_up_the_fetch() {
        let keys = Keys::default();
        let (done, wait) = oneshot::channel::<()>();
        let slow = || async move {
            wait.await.map_err(|_| "gone")?;
            Ok::<_, &str>(set())
        };
        {
            let mut asking = std::pin::pin!(keys.find("one", at(0), slow));
            let waker = std::task::Waker::noop();
            let polled = asking.as_mut().poll(&mut std::task::Context::from_waker(waker));
            assert!(polled.is_pending());
        }
        done.send(()).expect("the fetch still waits");
        // Another one waits for that fetch, and begins none of its own.
        let none = || ready(Err::<ById<DecodingKey>, _>("asked twice"));
        assert_eq!(said(&keys.find("one", at(1), none).await), "key");
    }

    #[tokio::test]
    async fn an_older_key_does_while_a_newer_one_is_being_fetched() {
        let keys = Arc::new(Keys::default());
        let published = || ready(Ok::<_, &str>(set()));
        assert_eq!(said(&keys.find("one", at(0), published).await), "key");
        let (done, wait) = oneshot::channel::<()>();
        let (slow, other) = (keys.clone(), keys.clone());
        let slow = tokio::spawn(async move {
            let fetch = || async move {
                wait.await.map_err(|_| "gone")?;
                Ok::<_, &str>(ById::new())
            };
            said(&slow.find("one", at(301), fetch).await)
        });
        while keys.fetching.try_lock().is_ok() {
            tokio::task::yield_now().await;
        }
        let none = || ready(Err::<ById<DecodingKey>, _>("asked twice"));
        assert_eq!(said(&other.find("one", at(302), none).await), "key");
        done.send(()).expect("the fetch still waits");
        assert_eq!(slow.await.expect("it ended"), "nowhere");
    }
}
