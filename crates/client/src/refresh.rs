//! Getting another access token, so that any number of processes make one request
//! (CLIENT group E, DESIGN section 5).
//!
//! A lock file of its own, taken with a deadline; then *reload and redeem what was
//! reloaded*; then compare-and-swap before writing. Never an unlocked refresh, never an
//! empty credential over a good one; network trouble leaves the file byte-identical.
//! Threads of one process are held back by [`crate::session`] before they come here.

use std::time::Duration;

use hallpass_core::wire::oauth::{ErrorCode, REFRESH_TOKEN};
use hallpass_core::{Secret, chance};
use url::Url;

use crate::Error;
use crate::client::Parts;
use crate::dpop::{BoundKey, Signer};
use crate::http::{Http, HttpError};
use crate::oauth::{Granted, NoTokens, Refusal, redeem};
use crate::presented;
use crate::revoke::revoke;
use crate::status::Warning;
use crate::vault::lock::{self, GaveUp, Held};
use crate::vault::model::{Access, Credential, Ended, Receipt};
use crate::vault::{Key, VaultError};

/// How long to wait for another process. One that takes longer than its tries hangs.
const PATIENCE: Duration = Duration::from_secs(35);
/// Requests in one refresh, and how long they may take together: a server that lets one of
/// them stand for all of that is not asked again.
const TRIES: u32 = 3;
const TRYING: Duration = Duration::from_secs(30);
/// The longest wait between them, whatever `Retry-After` says; beyond it, later is better.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// A refresh starts this long before the end, or a tenth of the lifetime (CLIENT E8).
const MARGIN: Duration = Duration::from_secs(60);
/// What a refreshed token lives if the server does not say (CLIENT E11).
const UNSAID_LIFETIME: u64 = 300;
/// A token that was refreshed this recently and is refused will not get better by another
/// refresh (CLIENT E8).
const JUST_REFRESHED: Duration = Duration::from_secs(10);
/// After `invalid_grant`: how often, and how long apart, to look whether another process
/// has a newer token (CLIENT E5).
const RELOADS: u32 = 3;
const RELOAD_PAUSE: Duration = Duration::from_millis(70);

/// Whether a stored credential can be used as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fitness {
    /// Use it.
    Fresh,
    /// Refresh it; until that works it is still good.
    Due,
    /// Refresh it before use.
    Over,
    /// There is nothing to refresh it with.
    Dead,
}

/// Judges a credential. `jitter` spreads processes over the last part of the margin.
pub(crate) fn fitness(credential: &Credential, parts: &Parts, jitter: u8) -> Fitness {
    let refreshable = credential.refresh_token.is_some() && credential.endpoints.token.is_some();
    let Some(access) = &credential.access else {
        return if refreshable { Fitness::Over } else { Fitness::Dead };
    };
    let time = &*parts.time;
    let (lifetime, remaining) = match (access.expires_in, access.remaining(time)) {
        (Some(seconds), Some(remaining)) => (Duration::from_secs(seconds), remaining),
        // Nobody said when it ends, and nothing could replace it: good until refused.
        _ if !refreshable => return Fitness::Fresh,
        _ => {
            let assumed = Access { expires_in: Some(UNSAID_LIFETIME), ..access.clone() };
            let remaining = assumed.remaining(time).unwrap_or_default();
            (Duration::from_secs(UNSAID_LIFETIME), remaining)
        }
    };
    let margin = MARGIN.min(lifetime / 10);
    let margin = margin - margin / 4 * u32::from(jitter) / 255;
    match (remaining, refreshable) {
        (left, true) if left > margin => Fitness::Fresh,
        (left, true) if !left.is_zero() => Fitness::Due,
        (_, true) => Fitness::Over,
        (left, false) if !left.is_zero() => Fitness::Fresh,
        (_, false) => Fitness::Dead,
    }
}

/// Why a refresh is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Need<'a> {
    /// The access token ends soon, or has ended.
    Age,
    /// An API refused this access token (RFC 6750 §3.1, `invalid_token`).
    Refused(&'a Secret),
}

impl Credential {
    /// The need of who cannot use the access token at all.
    pub(crate) fn refused_token<'n>(&'n self, need: Need<'n>) -> Need<'n> {
        self.access.as_ref().map_or(need, |access| Need::Refused(&access.token))
    }
}

/// One refresh.
pub(crate) struct Refresh<'a> {
    pub parts: &'a Parts,
    pub http: &'a Http,
    pub profile: &'a str,
    pub server: &'a str,
    pub jitter: u8,
}

/// What came of it, and what is worth a line.
#[derive(Debug)]
pub(crate) struct Refreshed {
    pub credential: Credential,
    pub warning: Option<Warning>,
}

impl From<Credential> for Refreshed {
    fn from(credential: Credential) -> Self {
        Self { credential, warning: None }
    }
}

impl Refresh<'_> {
    /// Gets a credential that meets `need`: another process's, or a new one.
    pub(crate) fn run(&self, held: &Credential, need: Need<'_>) -> Result<Refreshed, Error> {
        match self.under_lock(held, need) {
            // Early is early: as long as the token is good, trouble can wait (CLIENT E4).
            Err(Error::Busy | Error::Http(_) | Error::Vault(_))
                if matches!(need, Need::Age)
                    && fitness(held, self.parts, self.jitter) == Fitness::Due =>
            {
                Ok(held.clone().into())
            }
            outcome => outcome,
        }
    }

    fn under_lock(&self, held: &Credential, need: Need<'_>) -> Result<Refreshed, Error> {
        // A token that is redeemed is spent: where its successor cannot be kept, as on a file
        // system that is read-only, nothing is sent.
        self.parts.vault.writable()?;
        match self.turn(&held.key, |there| self.meets(there, need))? {
            Turn::Ours(_lock) => self.redeem_reloaded(&held.key, need),
            Turn::Theirs(there) => Ok(Refreshed::from(*there)),
        }
    }

    /// Waits for the lock, or for another process to have put there what `will_do`.
    pub(crate) fn turn(
        &self,
        key: &Key,
        will_do: impl Fn(&Credential) -> bool,
    ) -> Result<Turn, Error> {
        let (time, random) = (&*self.parts.time, &*self.parts.random);
        let began = time.monotonic();
        let mut ready = None;
        let mut still_wanted = || {
            let waited = time.monotonic().saturating_sub(began);
            self.http.waits.so_far("another process, which refreshes this sign-in", waited);
            ready = self.load(key).ok().flatten().filter(&will_do);
            ready.is_none()
        };
        let patience = self.http.patience(PATIENCE);
        let path = lock_path(self.parts, key);
        match lock::acquire(&path, patience, time, random, &mut still_wanted)? {
            Ok(lock) => Ok(Turn::Ours(lock)),
            Err(GaveUp::Deadline) => Err(Error::Busy),
            Err(GaveUp::NotWanted) => {
                ready.map(|there| Turn::Theirs(Box::new(there))).ok_or(Error::Busy)
            }
        }
    }

    /// CLIENT E3: what is on disk now is what is redeemed, whatever was read before.
    pub(crate) fn redeem_reloaded(&self, key: &Key, need: Need<'_>) -> Result<Refreshed, Error> {
        // Twice: the second time for a token that somebody stored without this lock (a
        // login), and that is itself due.
        for _ in 0..2 {
            let current = self.current(key)?;
            if self.meets(&current, need) {
                return Ok(current.into());
            }
            if let Need::Refused(token) = need
                && let Some(access) = &current.access
                && access.token == *token
                && access.refreshed
                && access.received.age(&*self.parts.time).is_some_and(|age| age < JUST_REFRESHED)
            {
                return Err(token_refused().into_error(self.server, "this sign-in"));
            }
            // Whoever comes here with a lock of their own has not asked yet.
            self.parts.vault.writable()?;
            match self.redeem(&current)? {
                Redeemed::Tokens(granted) => return self.keep(&current, *granted),
                Redeemed::InvalidGrant(refusal) => {
                    if !self.changed_meanwhile(&current)? {
                        return Err(self.end(&current, refusal));
                    }
                }
            }
        }
        Err(Error::Busy)
    }

    pub(crate) fn load(&self, key: &Key) -> Result<Option<Credential>, VaultError> {
        Ok(self.parts.vault.read()?.credential(key).cloned())
    }

    /// What is on disk, if there is anything to redeem.
    pub(crate) fn current(&self, key: &Key) -> Result<Credential, Error> {
        let current =
            self.load(key)?.ok_or_else(|| Error::NotSignedIn { server: self.server.to_owned() })?;
        if let Some(ended) = &current.ended {
            return Err(self.ended(ended));
        }
        match fitness(&current, self.parts, self.jitter) {
            Fitness::Dead => Err(Error::Expired { profile: self.profile.to_owned() }),
            _ => Ok(current),
        }
    }

    fn meets(&self, credential: &Credential, need: Need<'_>) -> bool {
        let fresh = fitness(credential, self.parts, self.jitter) == Fitness::Fresh;
        match need {
            Need::Age => fresh,
            Need::Refused(token) => {
                fresh && credential.access.as_ref().is_some_and(|access| access.token != *token)
            }
        }
    }

    /// RFC 6749 §6, with few tries for what may be temporary (CLIENT E6). Trying again
    /// with the same token is safe: a server keeps a lost answer for a moment (E7).
    fn redeem(&self, current: &Credential) -> Result<Redeemed, Error> {
        let (Some(token), Some(endpoint)) = (&current.refresh_token, &current.endpoints.token)
        else {
            return Err(Error::Expired { profile: self.profile.to_owned() });
        };
        let mut parameters = vec![
            ("grant_type", REFRESH_TOKEN),
            ("refresh_token", token.expose()),
            ("client_id", &current.key.client_id),
        ];
        if let Some(resource) = &current.resource {
            parameters.push(("resource", resource));
        }
        // Without the key that it is bound to the server refuses it, and its owner is told.
        let key = BoundKey::of(self.parts, current)?;
        let signer = key.as_ref().map(|key| Signer::new(key, self.parts));
        let http = self.http.clone().within(&self.parts.time, TRYING);
        let mut tries = 0;
        loop {
            tries += 1;
            let (why, after) = match redeem(&http, endpoint, &parameters, signer) {
                Ok(granted) => return Ok(Redeemed::Tokens(Box::new(granted))),
                Err(NoTokens::Refused(_)) if current.binding.is_some() && key.is_none() => {
                    return Err(Error::KeyMissing { profile: self.profile.to_owned() });
                }
                Err(NoTokens::Refused(refusal)) if refusal.is(ErrorCode::InvalidGrant) => {
                    return Ok(Redeemed::InvalidGrant(refusal));
                }
                Err(NoTokens::Refused(refusal)) if is_temporary(&refusal) => {
                    let host = current.key.issuer.clone();
                    (HttpError::Malformed { host, why: refusal.code }, None)
                }
                // Whoever was asked has refused it, which may be a provider elsewhere.
                Err(NoTokens::Refused(refusal)) => {
                    let asked = Url::parse(endpoint).map(|url| url.origin().ascii_serialization());
                    let asked = asked.unwrap_or_else(|_| self.server.to_owned());
                    return Err(refusal.into_error(&asked, "this sign-in"));
                }
                Err(NoTokens::Unavailable { why, after }) => (why, after),
            };
            let pause = after.unwrap_or(Duration::from_millis(200) * tries);
            if tries >= TRIES || pause > MAX_PAUSE.min(http.left()) {
                return Err(HttpError::Refresh(Box::new(why)).into());
            }
            let [jitter] = chance::bytes::<1>(&*self.parts.random);
            self.parts.time.sleep(pause + pause * u32::from(jitter) / 1024);
        }
    }

    /// Stores what came, unless the vault holds something else by now.
    fn keep(&self, redeemed: &Credential, granted: Granted) -> Result<Refreshed, Error> {
        let tokens = granted.tokens;
        let mut renewed = redeemed.clone();
        let elsewhere = redeemed.key.issuer != self.server;
        let (token, expires_in) = presented::of(&self.parts.brand, elsewhere, &tokens);
        let beside = presented::beside(&self.parts.brand, &tokens);
        renewed.access = Some(Access {
            token,
            received: Receipt::now(&*self.parts.time),
            expires_in: Some(expires_in.unwrap_or(UNSAID_LIFETIME)),
            refreshed: true,
        });
        // RFC 6749 §6: none means that the old one stays good (CLIENT E11).
        renewed.refresh_token = tokens.refresh_token.or(renewed.refresh_token);
        renewed.scope = tokens.scope.unwrap_or(renewed.scope);

        let mut found = Swap::Gone;
        let written = self.parts.vault.change(&mut |contents| {
            found = match contents.credential(&redeemed.key) {
                None => Swap::Gone,
                Some(there) if there.fingerprint() == redeemed.fingerprint() => Swap::Ours,
                Some(there) => Swap::Theirs(Box::new(there.clone())),
            };
            let ours = matches!(found, Swap::Ours);
            if ours {
                // What others wrote into fields that we do not know stays.
                let rest = contents.credential(&redeemed.key).map(|there| there.rest.clone());
                let mut rest = rest.unwrap_or_default();
                rest.extend(beside.clone());
                contents.put(Credential { rest, ..renewed.clone() });
            }
            ours
        });
        match (written, found) {
            // CLIENT D9: the disk is full, but the token is good for this process.
            (Err(error), _) => Ok(Refreshed {
                credential: renewed,
                warning: Some(Warning::NotSaved { reason: error.to_string() }),
            }),
            (Ok(()), Swap::Ours) => Ok(renewed.into()),
            (Ok(()), Swap::Theirs(there)) if self.meets(&there, Need::Age) => Ok((*there).into()),
            (Ok(()), Swap::Theirs(_)) => Ok(renewed.into()),
            // Signed out meanwhile: what just came must not outlive that.
            (Ok(()), Swap::Gone) => {
                if let Some(token) = &renewed.refresh_token {
                    let endpoint = renewed.endpoints.revocation.as_deref();
                    let client_id = &renewed.key.client_id;
                    // The person is told that they are signed out either way.
                    let _ = revoke(self.http, endpoint, client_id, token, Some("refresh_token"));
                }
                Err(Error::NotSignedIn { server: self.server.to_owned() })
            }
        }
    }

    /// CLIENT E5: whether somebody has stored another token than the one that was refused.
    fn changed_meanwhile(&self, refused: &Credential) -> Result<bool, Error> {
        for reload in 0..RELOADS {
            if reload > 0 {
                self.parts.time.sleep(RELOAD_PAUSE);
            }
            match self.load(&refused.key)? {
                Some(there) if there.fingerprint() == refused.fingerprint() => {}
                _ => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Puts the tombstone, over the refused token and no other.
    fn end(&self, refused: &Credential, refusal: Refusal) -> Error {
        let reason = refusal.description.unwrap_or_else(|| "the server ended it".to_owned());
        let ended = Ended { reason, at: self.parts.time.now() };
        let written = self.parts.vault.change(&mut |contents| {
            let Some(there) =
                contents.credentials.iter_mut().find(|there| there.key == refused.key)
            else {
                return false;
            };
            let ours = there.fingerprint() == refused.fingerprint();
            if ours {
                there.access = None;
                there.refresh_token = None;
                there.ended = Some(ended.clone());
            }
            ours
        });
        // Not being able to write it down does not bring the session back.
        drop(written);
        self.ended(&ended)
    }

    fn ended(&self, ended: &Ended) -> Error {
        Error::SessionEnded {
            profile: self.profile.to_owned(),
            reason: ended.reason.clone(),
            at: ended.at,
        }
    }
}

/// Whose turn it is to ask the server.
pub(crate) enum Turn {
    /// Ours, as long as this is held.
    Ours(Held),
    /// Nobody's: another process has left what was wanted.
    Theirs(Box<Credential>),
}

enum Redeemed {
    Tokens(Box<Granted>),
    InvalidGrant(Refusal),
}

/// What the compare-and-swap found.
enum Swap {
    Ours,
    Theirs(Box<Credential>),
    Gone,
}

/// The lock of a credential; profiles that share one share its lock (CLIENT E13).
pub(crate) fn lock_path(parts: &Parts, key: &Key) -> std::path::PathBuf {
    parts.vault.dir().join(format!("refresh-{}.lock", key.file_name()))
}

fn is_temporary(refusal: &Refusal) -> bool {
    refusal.is(ErrorCode::ServerError) || refusal.is(ErrorCode::TemporarilyUnavailable)
}

fn token_refused() -> Refusal {
    Refusal {
        code: ErrorCode::InvalidToken.as_str().to_owned(),
        description: Some("a token that was refreshed a moment ago".to_owned()),
    }
}

#[cfg(test)]
#[path = "refresh_tests.rs"]
mod tests;
