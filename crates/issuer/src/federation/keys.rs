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
use hallpass_outside::{BadAnswer, ById, VerifyingKey, keys as outside};

/// Between two attempts at fetching keys lies at least this.
const FLOOR: Duration = Duration::from_secs(30);
/// Keys are fetched anew when they are older.
const FRESH: Duration = Duration::from_secs(300);
/// Keys that could not be fetched anew for so long are not used any more.
const STALE: Duration = Duration::from_secs(3600);

/// Troubles that are remembered; whoever has more has others.
const MOST_TROUBLES: usize = 1000;

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

    /// Whether `issuer` will be asked at all, as far as its address tells. Asks nobody.
    fn look<'a>(
        &'a self,
        _issuer: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<(), NotFetched>> + Send + 'a>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

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
    /// Issuers whose keys could not be fetched when that was last tried, and why.
    troubles: Arc<Troubles>,
}

type Troubles = Mutex<HashMap<String, (Timestamp, NotFetched)>>;

fn note(troubles: &Troubles, issuer: String, now: Timestamp, why: NotFetched) {
    let mut troubles = troubles.lock().unwrap_or_else(PoisonError::into_inner);
    if troubles.len() >= MOST_TROUBLES {
        troubles.clear();
    }
    troubles.insert(issuer, (now, why));
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
        let troubles = Arc::clone(&self.troubles);
        let fetching = async move {
            match fetch(&*fetcher, &issuer).await {
                Ok(keys) => {
                    troubles.lock().unwrap_or_else(PoisonError::into_inner).remove(&issuer);
                    (known.keys, known.fetched) = (keys, Some(now));
                }
                Err(error) => {
                    tracing::warn!(%issuer, %error, "the keys of an outside issuer could not be fetched");
                    // Those that are there serve for a while yet.
                    if !known.is_within(now, STALE) {
                        note(&troubles, issuer, now, error);
                    }
                }
            }
            known.answer(&kid, now)
        };
        // Fails only when the runtime ends.
        tokio::spawn(fetching).await.unwrap_or(Found::Unknown)
    }

    /// Notes it if an issuer that somebody is about to trust will not be asked.
    pub(super) async fn look(&self, issuer: &str, now: Timestamp) {
        let Some(fetcher) = self.fetcher.get().cloned() else { return };
        if let Err(why) = fetcher.look(issuer).await {
            note(&self.troubles, issuer.to_owned(), now, why);
        }
    }

    /// Why nobody of `issuer` can be let in now, and since when that is known: for those who trust
    /// it. Outsiders are told no more than that its keys are not known.
    pub(super) fn trouble(&self, issuer: &str) -> Option<(Timestamp, NotFetched)> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).get(issuer).cloned()
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

async fn fetch(fetcher: &dyn Fetcher, issuer: &str) -> Result<ById, NotFetched> {
    let bad = |bad: BadAnswer| NotFetched(bad.to_string());
    let metadata = fetcher.fetch(issuer, &outside::metadata_address(issuer)).await?;
    let address = outside::jwks_uri(&metadata, issuer).map_err(bad)?;
    let set = fetcher.fetch(issuer, &address).await?;
    outside::keys_in(&set).map_err(bad)
}
