//! A text of which only a salted hash is known is presented for the first time: its hash is
//! tried, and from then on it is found by its digest like any other.
//!
//! Trying is slow on purpose, and anybody can ask for it. So only a text with the lookup of some
//! token costs it; it takes one of the places that signing in has ([`crate::passwords`]); wrong
//! guesses are counted as wrong passwords are; and the same text is tried by one request at a
//! time. Who comes when all places are taken, or after too many wrong guesses, is told to come
//! back: that it is *not* good was not found.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hallpass_core::{Digest, Secret};
use hallpass_store::{Engine, legacy::Candidate};

use super::salted;
use crate::limits::{Limit, network, typed};
use crate::verify::Keys;
use crate::{Error, Issuer};

/// Who presents a text, as far as that is known; wrong guesses are counted by it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Presenter<'a> {
    /// Whoever is at this address.
    Address(IpAddr),
    /// Somebody behind an API that asks for them.
    Behind(&'a str),
    /// Nobody said.
    Somebody,
}

/// Texts that are being tried, and whether there is anything to try.
#[derive(Default)]
pub(crate) struct Adoption {
    /// There may be tokens of which only a salted hash is known.
    expected: AtomicBool,
    trying: Mutex<HashMap<Digest, Arc<tokio::sync::Mutex<()>>>>,
}

impl Adoption {
    /// From now on texts are tried.
    pub(super) fn expect(&self) {
        self.expected.store(true, Ordering::Relaxed);
    }

    fn trying(&self) -> MutexGuard<'_, HashMap<Digest, Arc<tokio::sync::Mutex<()>>>> {
        self.trying.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of one request with one text.
struct Turn<'a> {
    adoption: &'a Adoption,
    text: Digest,
    mine: Option<tokio::sync::OwnedMutexGuard<()>>,
}

impl<'a> Turn<'a> {
    async fn wait(adoption: &'a Adoption, text: Digest) -> Self {
        let of_text = adoption.trying().entry(text).or_default().clone();
        let mut turn = Self { adoption, text, mine: None };
        turn.mine = Some(of_text.lock_owned().await);
        turn
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.mine = None;
        let mut trying = self.adoption.trying();
        // Whoever waits for it, or is about to, holds it too.
        if trying.get(&self.text).is_some_and(|of_text| Arc::strong_count(of_text) == 1) {
            trying.remove(&self.text);
        }
    }
}

impl Issuer {
    /// Tries a text that is kept under none of `keys`. True if it is now, or was meanwhile: ask
    /// again.
    pub(crate) async fn adopt(
        &self,
        text: &str,
        keys: &Keys,
        presenter: Presenter<'_>,
    ) -> Result<bool, Error> {
        let (first, Some(second)) = keys else { return Ok(false) };
        // Beside PostgreSQL another process may have taken some over.
        let alone = self.0.store.engine() == Engine::Sqlite;
        if alone && !self.0.adoption.expected.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let prefix = self.0.config.brand.tokens.legacy_prefix.as_deref().unwrap_or_default();
        let lookups = salted::keys(text, prefix);
        let to_try = self.0.store.legacy().candidates(&lookups, self.now()).await?;
        // Also if nothing is left to try: it may be taken over at this moment, and the image is
        // told of it before the turn is over.
        let _turn = Turn::wait(&self.0.adoption, *first).await;
        // Who had the turn before may have found it. And what was known by its digest once, and
        // revoked, does not come back by another hash of it.
        if self.is_known([first, second]).await? {
            return Ok(true);
        }
        if to_try.is_empty() {
            return Ok(false);
        }
        let candidates = self.0.store.legacy().candidates(&lookups, self.now()).await?;
        if candidates.is_empty() {
            return Ok(false);
        }
        self.try_all(text, first, candidates, presenter).await
    }

    /// Whether something is kept under one of `keys`, now.
    async fn is_known(&self, keys: [&Digest; 2]) -> Result<bool, Error> {
        for key in keys {
            if self.0.store.credentials().facts(key).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn try_all(
        &self,
        text: &str,
        digest: &Digest,
        candidates: Vec<Candidate>,
        presenter: Presenter<'_>,
    ) -> Result<bool, Error> {
        let window = self.0.config.limits.sign_in_window;
        let bounds = self.guess_limits(&candidates, presenter);
        let Some(attempt) = self.attempt(bounds, window).await? else {
            return Err(Error::Busy);
        };
        let secret = Secret::new(text);
        let tried = self.0.hasher.slowly(move |argon2| {
            candidates.into_iter().find(|it| salted::is_of(argon2, &it.phc, &secret))
        });
        let Ok(found) = tried.await? else { return Err(Error::Busy) };
        let Some(found) = found else {
            attempt.failed().await?;
            return Ok(false);
        };
        attempt.succeeded().await?;
        match self.0.store.legacy().adopt(found.id, digest).await {
            // Another process did, with another hash of the same text.
            Ok(_) | Err(hallpass_store::Error::Conflict(_)) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// What bounds guessing: at one lookup from one place, at one lookup at all, and from one
    /// network. An API stands for everybody behind it, so it is not held up as a whole.
    fn guess_limits(&self, candidates: &[Candidate], presenter: Presenter<'_>) -> Vec<Limit> {
        let limits = &self.0.config.limits;
        let from = match presenter {
            Presenter::Address(address) => network(address),
            Presenter::Behind(client) => typed(client),
            Presenter::Somebody => "unknown".to_owned(),
        };
        let mut lookups: Vec<&str> = candidates.iter().map(|it| &*it.lookup).collect();
        lookups.dedup();
        let mut bounds = Vec::new();
        for lookup in lookups {
            let lookup = typed(lookup);
            let near = limits.sign_in_per_account_and_network;
            bounds.push(Limit::new(format!("legacy:{lookup}:{from}"), near));
            bounds.push(Limit::new(format!("legacy:{lookup}"), limits.sign_in_per_account));
        }
        if let Presenter::Address(_) = presenter {
            bounds.push(Limit::new(format!("legacy:{from}"), limits.sign_in_per_network));
        }
        bounds
    }

    /// Finds out, at the start, whether texts have to be tried.
    pub(crate) async fn expect_salted(&self) -> Result<(), Error> {
        if self.0.store.legacy().any_salted().await? {
            self.0.adoption.expect();
        }
        Ok(())
    }
}
