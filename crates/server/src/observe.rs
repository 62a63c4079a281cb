//! One log line, one set of numbers and one id for each request.
//!
//! The line names the route's template, never the path or the query that was sent:
//! both can hold secrets (attack-31).

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use hallpass_core::{Random, chance};
use http::{HeaderName, HeaderValue, Method};
use tracing::Instrument as _;

use crate::app::App;
use crate::http::peer;
use crate::lane;
use crate::system::Stopwatch;

/// Quote it when asking an operator what happened.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What stands for everything that is no route.
const NO_ROUTE: &str = "none";

/// Numbers requests: random for the process, counted within it.
pub(crate) struct RequestIds {
    process: String,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new(random: &dyn Random) -> Self {
        let process = u64::from_be_bytes(chance::bytes::<8>(random));
        Self { process: format!("{process:016x}"), next: AtomicU64::new(1) }
    }

    fn next(&self) -> String {
        let mut id = String::with_capacity(self.process.len() + 1 + 16);
        id.push_str(&self.process);
        // Writing to a text does not fail.
        let _ = write!(id, "-{:x}", self.next.fetch_add(1, Ordering::Relaxed));
        id
    }
}

/// Middleware around everything.
pub(crate) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let seen = Seen::begin(&app, &request);
    let span = tracing::info_span!("request", id = %seen.id);
    let response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| seen.end(&app, route, response))
}

/// A request that is being answered.
pub(crate) struct Seen {
    id: String,
    watch: Stopwatch,
    method: Method,
    pub(crate) address: Option<IpAddr>,
}

impl Seen {
    pub(crate) fn begin(app: &App, request: &Request) -> Self {
        Self {
            id: app.request_ids().next(),
            watch: Stopwatch::start(),
            method: request.method().clone(),
            address: peer::address_of(request.extensions(), request.headers(), app),
        }
    }

    /// Counts and logs the answer, and gives it the request's id.
    pub(crate) fn end(self, app: &App, route: &str, mut response: Response) -> Response {
        let Self { id, watch, method, address } = self;
        let status = response.status().as_u16();
        let took = watch.elapsed();
        app.metrics().request(&method, route, status, took);
        let address = address.map(tracing::field::display);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        // A check of a token is no news, and there are more of them than of all else.
        if status < 300 && lane::ROUTES.contains(&route) {
            tracing::debug!(id, %method, route, status, took_us, address, "answered");
        } else {
            tracing::info!(%method, route, status, took_us, address, "answered");
        }
        if let Ok(id) = HeaderValue::try_from(id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    }
}
