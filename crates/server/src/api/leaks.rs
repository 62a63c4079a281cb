//! `POST /api/v1/revoke-leaked`: whoever holds a token that leaked brings it here.
//!
//! Nobody has to say who they are. The answer is the same for good, bad and no tokens, and
//! each network may come so many times a minute.

use std::net::IpAddr;

use axum::response::Response;
use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use hallpass_core::wire::path::REVOKE_LEAKED;
use hallpass_core::wire::tokens::{LeakedRevoked, RevokeLeaked};
use hallpass_issuer::Origin;
use http::header::RETRY_AFTER;
use http::{HeaderValue, Method, StatusCode};

use super::answer::Shown;
use super::argument::Body;
use super::problem;
use super::refused::Refused;
use super::right::{Needs, Possession};
use super::route::Route;
use crate::app::App;
use crate::config::Network;
use crate::limit::seconds;

/// Requests that one network may bring in a minute.
const PER_MINUTE: std::num::NonZeroU32 = std::num::NonZeroU32::new(60).expect("not zero");
/// So many networks are remembered before those that have been quiet are forgotten.
const MANY: usize = 10_000;

pub(super) fn table() -> Vec<Route> {
    vec![Route::new(Method::POST, REVOKE_LEAKED, "revokeLeaked", "Revoke leaked tokens", revoke)]
}

async fn revoke(
    app: App,
    _: Needs<Possession>,
    origin: Origin,
    Body(RevokeLeaked { tokens }): Body<RevokeLeaked>,
) -> Result<Shown<LeakedRevoked>, Refused> {
    app.issuer().revoke_leaked(&tokens, "brought to the leak desk", &origin).await?;
    Ok(Shown(LeakedRevoked { received: u64::try_from(tokens.len()).unwrap_or(u64::MAX) }))
}

/// How often each network has come. Good and bad tokens count alike: a limit that told them
/// apart would be an answer.
pub(crate) struct LeakDesk {
    came: RateLimiter<Option<Network>, DashMapStateStore<Option<Network>>, DefaultClock>,
    clock: DefaultClock,
}

impl LeakDesk {
    pub(crate) fn new() -> Self {
        let (quota, clock) = (Quota::per_minute(PER_MINUTE), DefaultClock::default());
        Self { came: RateLimiter::dashmap_with_clock(quota, clock.clone()), clock }
    }

    /// Lets a request in, or says how long its network has to wait. This machine is not
    /// limited, as elsewhere.
    pub(super) fn admit(&self, address: Option<IpAddr>) -> Result<(), Box<Response>> {
        if address.is_some_and(|address| address.to_canonical().is_loopback()) {
            return Ok(());
        }
        if self.came.len() > MANY {
            self.came.retain_recent();
        }
        self.came.check_key(&address.map(Network::of_subscriber)).map_err(|until| {
            let wait = seconds(until.wait_time_from(self.clock.now()));
            let detail = "Too many requests came from this network. Come back later.";
            let mut response = problem(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait));
            Box::new(response)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: HP13
    #[test]
    fn a_network_comes_so_often_and_no_more() {
        let desk = LeakDesk::new();
        let came = |address: &str| desk.admit(Some(address.parse().expect("an address")));
        for host in 0..PER_MINUTE.get() {
            assert!(came(&format!("203.0.113.{host}")).is_ok());
        }
        let refusal = came("203.0.113.250").expect_err("too many");
        assert_eq!(refusal.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(refusal.headers().contains_key(RETRY_AFTER));
        assert!(came("198.51.100.1").is_ok(), "another network");
        assert!((0..200).all(|_| came("127.0.0.1").is_ok() && came("::1").is_ok()));
        assert!(desk.admit(None).is_ok(), "everybody whose address is unknown is one");
    }
}
