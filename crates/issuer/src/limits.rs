//! Counting wrong guesses (RFC 6749 §2.3.1, RFC 8628 §5.1).
//!
//! Failures are counted in the database, so that limits hold across restarts and
//! processes; successes touch nothing. Between the look at a counter and the failure that
//! it will count lies the attempt itself, and a thousand at once could slip through there:
//! attempts in flight count as failures until they are over ([`Meter`]). In one process a
//! limit is therefore exact; several processes on one database can each add what they have
//! in flight.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use hallpass_core::{Digest, Timestamp};

use crate::{Error, Issuer, Origin};

/// At most `most` failures under `key`.
pub(crate) struct Limit {
    pub(crate) key: String,
    pub(crate) most: u32,
}

impl Limit {
    pub(crate) fn new(key: String, most: u32) -> Self {
        Self { key, most }
    }
}

/// The attempts that are under way in this process.
#[derive(Default)]
pub(crate) struct Meter(Mutex<HashMap<String, u32>>);

impl Meter {
    /// Counts one more under `key`, and says how many there were.
    fn enter(&self, key: &str) -> u32 {
        let mut map = self.0.lock().unwrap_or_else(|broken| broken.into_inner());
        let count = map.entry(key.to_owned()).or_default();
        *count += 1;
        *count - 1
    }

    fn leave(&self, key: &str) {
        let mut map = self.0.lock().unwrap_or_else(|broken| broken.into_inner());
        if let Some(count) = map.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                map.remove(key);
            }
        }
    }
}

/// An attempt that was let through. If it fails, say so; if it is dropped, nothing counts.
pub(crate) struct Attempt<'i> {
    issuer: &'i Issuer,
    keys: Vec<String>,
    /// Failures under the first key before this attempt.
    before: u32,
}

impl Attempt<'_> {
    /// It was wrong: counts under all its keys.
    pub(crate) async fn failed(self) -> Result<(), Error> {
        self.issuer.0.store.failures().record(&self.keys, self.issuer.now()).await?;
        // Only now does it leave the flight (by its drop): in between it counts twice,
        // which errs on the safe side.
        Ok(())
    }
}

impl Attempt<'_> {
    /// It was right: what failed before under the first key is forgotten. Nothing is
    /// written if nothing had failed.
    pub(crate) async fn succeeded(self) -> Result<(), Error> {
        match self.keys.first() {
            Some(key) if self.before > 0 => Ok(self.issuer.0.store.failures().forget(key).await?),
            _ => Ok(()),
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        for key in &self.keys {
            self.issuer.0.meter.leave(key);
        }
    }
}

impl Issuer {
    /// Lets an attempt through, unless one of `limits` is reached within `window`. `None`
    /// if so.
    pub(crate) async fn attempt(
        &self,
        limits: Vec<Limit>,
        window: Duration,
    ) -> Result<Option<Attempt<'_>>, Error> {
        let (keys, most): (Vec<_>, Vec<_>) =
            limits.into_iter().map(|limit| (limit.key, limit.most)).unzip();
        // First into the flight, then the look: who comes later sees us here or there.
        let ahead: Vec<u32> = keys.iter().map(|key| self.0.meter.enter(key)).collect();
        let mut attempt = Attempt { issuer: self, keys, before: 0 };
        let counts = self.0.store.failures().counts(&attempt.keys, self.now() - window).await?;
        let full = counts
            .iter()
            .zip(&ahead)
            .zip(&most)
            .any(|((count, ahead), most)| count.saturating_add(*ahead) >= *most);
        attempt.before = counts.first().copied().unwrap_or_default();
        Ok((!full).then_some(attempt))
    }
}

/// The network that an address belongs to, as one attacker has it: IPv4 /24, IPv6 /56.
pub(crate) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{:x}::/56", d & 0xff00)
        }
    }
}

/// As [`network`], for a request. All whose address is unknown share one.
pub(crate) fn network_of(origin: &Origin) -> String {
    origin.address.map_or_else(|| "unknown".to_owned(), network)
}

/// What somebody typed, as part of a key. Hashed: it may be a password in the wrong field.
pub(crate) fn typed(text: &str) -> String {
    Digest::of(text.as_bytes()).as_bytes()[..12].iter().map(|b| format!("{b:02x}")).collect()
}

/// How many device authorizations each network has started lately, so that one cannot use
/// up all that may wait at once. In memory: it is about fairness, not about guessing.
pub(crate) struct Shares {
    most: usize,
    window: Duration,
    started: Mutex<HashMap<String, VecDeque<Timestamp>>>,
}

impl Shares {
    /// A network gets a quarter of `live` within `window`.
    pub(crate) fn new(live: u64, window: Duration) -> Self {
        let most = usize::try_from(live / 4).unwrap_or(usize::MAX).max(1);
        Self { most, window, started: Mutex::default() }
    }

    /// Whether the network of `origin` may start one more now. This machine always may:
    /// who is on it has nearer ways to be a nuisance.
    pub(crate) fn take(&self, origin: &Origin, now: Timestamp) -> bool {
        if origin.address.is_some_and(|address| address.to_canonical().is_loopback()) {
            return true;
        }
        let mut started = self.started.lock().unwrap_or_else(|broken| broken.into_inner());
        let old = now - self.window;
        started.retain(|_, times| {
            while times.front().is_some_and(|at| *at <= old) {
                times.pop_front();
            }
            !times.is_empty()
        });
        let times = started.entry(network_of(origin)).or_default();
        let free = times.len() < self.most;
        if free {
            times.push_back(now);
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: attack-38
    #[test]
    fn one_attackers_addresses_are_one_network() {
        for (address, is) in [
            ("203.0.113.7", "203.0.113.0/24"),
            ("203.0.113.255", "203.0.113.0/24"),
            ("::ffff:203.0.113.9", "203.0.113.0/24"),
            ("2001:db8:1:22ff::1", "2001:db8:1:2200::/56"),
            ("2001:db8:1:2201:9::", "2001:db8:1:2200::/56"),
            ("2001:db8:1:2301::", "2001:db8:1:2300::/56"),
        ] {
            assert_eq!(network(address.parse().unwrap()), is);
        }
    }

    #[test]
    fn no_network_uses_up_all_device_codes() {
        let shares = Shares::new(8, Duration::from_secs(600));
        let from = |ip: &str| Origin { address: Some(ip.parse().unwrap()), user_agent: None };
        let now = Timestamp::from_secs(1000);
        assert!(shares.take(&from("203.0.113.1"), now));
        assert!(shares.take(&from("203.0.113.2"), now));
        assert!(!shares.take(&from("203.0.113.3"), now));
        assert!(shares.take(&from("203.0.114.3"), now));
        assert!(shares.take(&from("203.0.113.3"), now + Duration::from_secs(600)));
        for _ in 0..9 {
            assert!(shares.take(&from("127.0.0.1"), now));
        }
    }
}
