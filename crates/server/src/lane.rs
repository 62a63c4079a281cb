//! The lane: questions that APIs and proxies ask all day do not go through the router.
//!
//! The same steps are taken for them as for everything else, in the same order and by the
//! same functions ([`transport`], [`Admitted`], [`headers`], [`Seen`], the limit of time, the
//! net for panics), but in one future without a box, where the router's layers have one each.
//! A test asks through both and compares.
//!
//! To add a route: a name in [`ROUTES`], an arm in [`answer`]. It must be in the router too,
//! which answers other methods.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures_util::FutureExt as _;
use hallpass_core::wire::path::{CHECK, INTROSPECT};
use http::Method;

use crate::app::App;
use crate::http::{Audience, headers, transport};
use crate::limit::Admitted;
use crate::oauth::call::Memo;
use crate::observe::Seen;
use crate::{check, oauth, router};

/// What is asked all day.
pub(crate) const ROUTES: [&str; 2] = [INTROSPECT, CHECK];

/// One of [`ROUTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// RFC 7662.
    Introspect,
    /// Forward auth.
    Check,
}

impl Lane {
    /// The lane of a request, if it has one.
    pub(crate) fn of<B>(request: &http::Request<B>) -> Option<Self> {
        match (request.method(), request.uri().path()) {
            (&Method::POST, INTROSPECT) => Some(Self::Introspect),
            // Proxies ask with the method of the request that they ask about.
            (_, CHECK) => Some(Self::Check),
            _ => None,
        }
    }

    const fn route(self) -> &'static str {
        match self {
            Self::Introspect => INTROSPECT,
            Self::Check => CHECK,
        }
    }
}

/// Answers a request that has a lane. `memo` is of its connection.
pub(crate) async fn answer(
    app: &App,
    memo: &Memo,
    lane: Lane,
    request: http::Request<Body>,
) -> Response {
    let seen = Seen::begin(app, &request);
    let mut response = match transport::refusal(app, request.extensions(), request.headers()) {
        Some(refusal) => refusal,
        None => guarded(app, memo, lane, seen.address, request).await,
    };
    headers::complete(response.headers_mut(), app.public_url().is_https());
    seen.end(app, lane.route(), response)
}

/// A handler that panics is answered for, and one that takes too long is dropped.
async fn guarded(
    app: &App,
    memo: &Memo,
    lane: Lane,
    address: Option<IpAddr>,
    request: Request,
) -> Response {
    let audience = Audience::of(&request);
    // Where it stands: moving it into the limit of time would copy all of it.
    let answer = pin!(AssertUnwindSafe(limited(app, memo, lane, address, request)).catch_unwind());
    match tokio::time::timeout(app.settings().request_timeout, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => router::panicked(panic),
        Err(_) => router::took_too_long(app, audience),
    }
}

async fn limited(
    app: &App,
    memo: &Memo,
    lane: Lane,
    address: Option<IpAddr>,
    request: Request,
) -> Response {
    let admitted = match Admitted::of(app, &request, address) {
        Ok(admitted) => admitted,
        Err(refusal) => return *refusal,
    };
    let response = match lane {
        Lane::Introspect => oauth::introspect::answer(app, memo, request).await,
        Lane::Check => check::answer(app, request).await,
    };
    admitted.answered(app, &response);
    response
}
