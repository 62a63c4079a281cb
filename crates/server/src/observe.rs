//! One log line, one set of numbers and one id for each request.
//!
//! The line names the route's template, never the path or the query that was sent:
//! both can hold secrets (attack-31).

use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use hallpass_core::{Random, chance};
use http::{HeaderName, HeaderValue};
use tracing::Instrument as _;

use crate::app::App;
use crate::http::peer;
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
        format!("{}-{:x}", self.process, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// Middleware around everything.
pub(crate) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let watch = Stopwatch::start();
    let id = app.request_ids().next();
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let address = peer::address_of(request.extensions(), request.headers(), &app);
    let span = tracing::info_span!("request", id = %id);
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    let took = watch.elapsed();
    app.metrics().request(&method, route, status, took);
    span.in_scope(|| {
        let address = address.map(tracing::field::display);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        tracing::info!(%method, route, status, took_us, address, "answered");
    });
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
