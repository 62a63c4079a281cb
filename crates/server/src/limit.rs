//! A limit in memory: a network (/24, /56) that sends one refused credential after the
//! other is not answered for a while, before anything is looked up or verified.
//!
//! It protects this process, whose work for a made-up token is a look-up or a signature
//! check. What protects accounts, user codes and client secrets is counted in the
//! database by the issuer. Good credentials are never counted, and this machine is not
//! limited: who is on it has nearer ways to be a nuisance.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{HeaderValue, StatusCode};

use crate::app::App;
use crate::config::Network;
use crate::http::{Audience, peer};
use crate::system::Stopwatch;

const MINUTE: Duration = Duration::from_secs(60);

/// Whoever is counted together. `None` is everybody whose address is unknown.
type Key = Option<Network>;

/// Marks an answer, by its extensions, as the refusal of a credential.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RefusedCredential;

/// The limit of this process.
pub(crate) struct Limits {
    refused: RateLimiter<Key, DashMapStateStore<Key>, DefaultClock>,
    clock: DefaultClock,
    /// Until when a network is not answered, counted from `since`.
    shut: RwLock<HashMap<Key, Duration>>,
    /// Whether there is one, so that nobody waits for the lock while there is none.
    any: AtomicBool,
    since: Stopwatch,
}

impl Limits {
    /// Lets each network send `per_minute` refused credentials.
    pub(crate) fn new(per_minute: u32) -> Self {
        let burst = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(MINUTE / burst.get()).unwrap_or(Quota::per_second(burst));
        let clock = DefaultClock::default();
        Self {
            refused: RateLimiter::dashmap_with_clock(quota.allow_burst(burst), clock.clone()),
            clock,
            shut: RwLock::default(),
            any: AtomicBool::new(false),
            since: Stopwatch::start(),
        }
    }

    /// How long this network has to wait, if it has to.
    fn wait(&self, key: Key) -> Option<Duration> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let shut = self.shut.read().unwrap_or_else(PoisonError::into_inner);
        shut.get(&key)?.checked_sub(self.since.elapsed()).filter(|wait| !wait.is_zero())
    }

    /// One credential was refused.
    fn count(&self, key: Key) {
        if let Err(until) = self.refused.check_key(&key) {
            let until = self.since.elapsed() + until.wait_time_from(self.clock.now());
            self.shut.write().unwrap_or_else(PoisonError::into_inner).insert(key, until);
            self.any.store(true, Ordering::Relaxed);
        }
    }

    /// Forgets networks that have been quiet; called now and then.
    pub(crate) fn tidy(&self) {
        self.refused.retain_recent();
        let now = self.since.elapsed();
        let mut shut = self.shut.write().unwrap_or_else(PoisonError::into_inner);
        shut.retain(|_, until| *until > now);
        self.any.store(!shut.is_empty(), Ordering::Relaxed);
    }
}

/// Middleware around the endpoints that take credentials.
pub(crate) async fn refused_credentials(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Response {
    let address = peer::address_of(request.extensions(), request.headers(), &app);
    match Admitted::of(&app, &request, address) {
        Ok(admitted) => {
            let response = next.run(request).await;
            admitted.answered(&app, &response);
            response
        }
        Err(refusal) => *refusal,
    }
}

/// A request that is not held up. What it is answered is to be told to
/// [`Admitted::answered`].
pub(crate) struct Admitted {
    /// Who is counted; `None`: this machine, which is not.
    key: Option<Key>,
    presented: bool,
}

impl Admitted {
    /// Lets a request from `address` in, or says how long its network has to wait.
    pub(crate) fn of(
        app: &App,
        request: &Request,
        address: Option<IpAddr>,
    ) -> Result<Self, Box<Response>> {
        let presented = request.headers().contains_key(AUTHORIZATION);
        if address.is_some_and(|address| address.to_canonical().is_loopback()) {
            return Ok(Self { key: None, presented });
        }
        let key = key(address);
        match app.limits().wait(key) {
            None => Ok(Self { key: Some(key), presented }),
            Some(wait) => Err(Box::new(too_many(app, request, wait))),
        }
    }

    /// Counts an answer that refuses a credential.
    pub(crate) fn answered(self, app: &App, response: &Response) {
        let refused = response.extensions().get::<RefusedCredential>().is_some();
        let refused = refused || self.presented && response.status() == StatusCode::UNAUTHORIZED;
        if let Some(key) = self.key.filter(|_| refused) {
            app.limits().count(key);
        }
    }
}

fn too_many(app: &App, request: &Request, wait: Duration) -> Response {
    let mut response = Audience::of(request).answer(
        app,
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_requests",
        "Too many refused credentials came from this network",
        "Come back later.",
    );
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds(wait)));
    response
}

/// Whole seconds, rounded up, so that who waits that long has waited long enough.
pub(crate) fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn key(address: Option<IpAddr>) -> Key {
    address.map(Network::of_subscriber)
}
