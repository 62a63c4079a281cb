//! Limits in memory, for what strangers can ask for and what costs something.
//!
//! They protect this process; what protects accounts and codes is counted in the
//! database by the issuer. The key is a network (/24, /56), because one attacker has
//! a whole one at no cost.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use hallpass_issuer::Origin;

use crate::config::{Network, Settings};

type Limiter = RateLimiter<Key, DashMapStateStore<Key>, DefaultClock>;
/// `None` is everybody whose address is unknown, together.
type Key = Option<Network>;

/// A limit was reached; come back after this long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limited(pub Duration);

/// The limiters of this process.
pub(crate) struct Limits {
    device_starts: Limiter,
    refused_credentials: Limiter,
    clock: DefaultClock,
}

impl Limits {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            device_starts: limiter(settings.device_starts, Duration::from_secs(600)),
            refused_credentials: limiter(settings.refused_credentials, Duration::from_secs(60)),
            clock: DefaultClock::default(),
        }
    }

    /// One device authorization is about to be started.
    pub(crate) fn device_start(&self, origin: &Origin) -> Result<(), Limited> {
        self.take(&self.device_starts, origin)
    }

    /// One credential was refused. An error means that this network has sent more of
    /// them than anybody needs, and is to be told so instead of an answer.
    pub(crate) fn refused_credential(&self, origin: &Origin) -> Result<(), Limited> {
        self.take(&self.refused_credentials, origin)
    }

    /// Forgets networks that have been quiet; called now and then.
    pub(crate) fn tidy(&self) {
        self.device_starts.retain_recent();
        self.refused_credentials.retain_recent();
    }

    fn take(&self, limiter: &Limiter, origin: &Origin) -> Result<(), Limited> {
        limiter
            .check_key(&key(origin.address))
            .map_err(|until| Limited(until.wait_time_from(self.clock.now())))
    }
}

fn limiter(count: u32, period: Duration) -> Limiter {
    let burst = NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::with_period(period / burst.get()).unwrap_or(Quota::per_second(burst));
    RateLimiter::dashmap_with_clock(quota.allow_burst(burst), DefaultClock::default())
}

fn key(address: Option<IpAddr>) -> Key {
    address.map(Network::of_subscriber)
}
