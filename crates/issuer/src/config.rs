//! What a deployment may choose. Every duration has the default of DESIGN.md.

use std::time::Duration;

use hallpass_core::PublicUrl;
use hallpass_core::brand::Brand;

use crate::federation::Provider;

/// Choices of a deployment.
#[derive(Clone, Debug)]
pub struct Config {
    /// The one address of this deployment, which is also the issuer.
    pub public_url: PublicUrl,
    /// Names, texts and the grouping of user codes.
    pub brand: Brand,
    /// How long an access token lives. It is not renewed, and ends earlier with its grant.
    pub access_token_ttl: Duration,
    /// How long an ID token may be taken as news of a sign-in.
    pub id_token_ttl: Duration,
    /// How long an authorization code lives; RFC 6749 §4.1.2 allows ten minutes at most.
    pub code_ttl: Duration,
    /// How long a device code and its user code live (RFC 8628 §3.2).
    pub device_ttl: Duration,
    /// Least time between two polls of a device (RFC 8628 §3.2).
    pub device_interval: Duration,
    /// How many device codes may wait at once. The sums of RFC 8628 §5.1 need a bound.
    pub device_max_live: u64,
    /// How long a refresh token lives unused (RFC 9700 §4.14.2).
    pub refresh_idle_ttl: Duration,
    /// For how long a lost refresh answer may be asked for again (DESIGN.md §5).
    pub refresh_grace: Duration,
    /// How long a grant lives however much it is used; `None`: until it is ended.
    pub grant_ttl: Option<Duration>,
    /// How long a browser session lives unused.
    pub session_idle_ttl: Duration,
    /// How long a browser session lives however much it is used.
    pub session_max_ttl: Duration,
    /// How long a signing key signs before the next one takes over.
    pub key_rotation: Duration,
    /// For how long the next signing key is published before it signs.
    pub key_publish_ahead: Duration,
    /// The provider elsewhere where people sign in, if there is one.
    pub provider: Option<Provider>,
    /// How many wrong guesses of each kind are let through.
    pub limits: Limits,
    /// What hashing one password costs, and how many are hashed at once.
    pub password: PasswordCost,
}

/// How many wrong guesses are let through, each within its window.
///
/// A *network* is an IPv4 /24 or an IPv6 /56: what one attacker has at little cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Window of the three limits on user codes that follow. The sums that keep guessing
    /// hopeless count by it, so it is at least the life of a device code.
    pub user_code_window: Duration,
    /// Wrong user codes by one account.
    pub user_code_per_account: u32,
    /// Wrong user codes from one network.
    pub user_code_per_network: u32,
    /// Wrong user codes by everybody together.
    pub user_code_global: u32,
    /// Window of the limits on sign-in that follow.
    pub sign_in_window: Duration,
    /// Wrong passwords for one account from one network, or from one address that the
    /// account has signed in from before.
    pub sign_in_per_account_and_network: u32,
    /// Wrong passwords from one network, whichever the account.
    pub sign_in_per_network: u32,
    /// Wrong passwords for one account from everywhere. Addresses that the account has
    /// signed in from before are not held up by it, so nobody can lock a person out.
    pub sign_in_per_account: u32,
    /// Window of the limit on client secrets.
    pub client_window: Duration,
    /// Wrong secrets for one client from one network (RFC 6749 §2.3.1).
    pub client_per_network: u32,
}

/// What hashing one password with argon2id costs, and how much of it happens at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
    /// How many passwords are hashed at once: all cores but one.
    pub permits: usize,
    /// How many more may wait; the next is told that the server is busy.
    pub queue: usize,
}

impl Default for Config {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const DAY: u64 = 24 * 60 * MINUTE;
        Self {
            public_url: PublicUrl::parse("http://localhost:8470")
                .expect("the default address is tested"),
            brand: Brand::hallpass(),
            access_token_ttl: Duration::from_secs(5 * MINUTE),
            id_token_ttl: Duration::from_secs(60 * MINUTE),
            code_ttl: Duration::from_secs(MINUTE),
            device_ttl: Duration::from_secs(10 * MINUTE),
            device_interval: Duration::from_secs(5),
            device_max_live: 400,
            refresh_idle_ttl: Duration::from_secs(30 * DAY),
            refresh_grace: Duration::from_secs(30),
            grant_ttl: Some(Duration::from_secs(365 * DAY)),
            session_idle_ttl: Duration::from_secs(14 * DAY),
            session_max_ttl: Duration::from_secs(30 * DAY),
            key_rotation: Duration::from_secs(90 * DAY),
            key_publish_ahead: Duration::from_secs(DAY),
            provider: None,
            limits: Limits::default(),
            password: PasswordCost::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            user_code_window: Duration::from_secs(600),
            user_code_per_account: 5,
            user_code_per_network: 20,
            user_code_global: 600,
            sign_in_window: Duration::from_secs(900),
            sign_in_per_account_and_network: 10,
            sign_in_per_network: 100,
            sign_in_per_account: 50,
            client_window: Duration::from_secs(600),
            client_per_network: 20,
        }
    }
}

impl Default for PasswordCost {
    fn default() -> Self {
        // OWASP's first recommendation for argon2id: 19 MiB, two passes, one lane.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1, permits: (cores - 1).max(1), queue: 32 }
    }
}
