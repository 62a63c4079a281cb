//! Counters and times, in the text format of Prometheus at `GET /metrics`.
//!
//! Labels are route templates, methods, statuses and registered codes: nothing of a
//! request that could be secret, and nothing that a stranger can make more of.
//!
//! Who may read it: programs on this machine that come without a proxy, and whoever
//! presents the token of `metrics_token_file`. Everybody else gets 404.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hallpass_core::Secret;
use hallpass_core::wire::authorization::{self, Presented};
use hallpass_core::wire::oauth::{self, ErrorCode};
use http::header::{AUTHORIZATION, CONTENT_TYPE, FORWARDED};
use http::{HeaderMap, Method, StatusCode};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};

use crate::app::App;
use crate::http::peer::Socket;

const REQUESTS: &str = "hallpass_http_requests_total";
const SECONDS: &str = "hallpass_http_request_seconds";
const TOKENS: &str = "hallpass_token_requests_total";
const CONNECTIONS: &str = "hallpass_http_connections";
/// From a tenth of a millisecond to ten seconds.
const BUCKETS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 2.5, 10.0];
const METADATA: Metadata<'static> = Metadata::new("hallpass", Level::INFO, None);

/// The metrics of this process.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    token: Option<Secret>,
    connections: Gauge,
    /// Series by route template; looked up for each request, so without allocation.
    routes: RwLock<HashMap<String, ByAnswer>>,
}

type ByAnswer = HashMap<(Method, u16), Series>;

#[derive(Clone)]
struct Series {
    requests: Counter,
    seconds: Histogram,
}

impl Metrics {
    /// `token` may read them from elsewhere.
    pub(crate) fn new(token: Option<Secret>) -> Self {
        let builder = PrometheusBuilder::new();
        // The buckets are constants: the builder refuses only an empty list.
        let recorder = match builder.set_buckets(&BUCKETS) {
            Ok(builder) => builder.build_recorder(),
            Err(_) => PrometheusBuilder::new().build_recorder(),
        };
        let describe = |name, text: &'static str| {
            recorder.describe_counter(KeyName::from_const_str(name), None, text.into());
        };
        describe(REQUESTS, "Requests answered, by route template, method and status.");
        describe(TOKENS, "Requests to the token endpoint, by grant type and outcome.");
        recorder.describe_histogram(
            KeyName::from_const_str(SECONDS),
            Some(Unit::Seconds),
            "Time to the head of the answer, by route template.".into(),
        );
        recorder.describe_gauge(
            KeyName::from_const_str(CONNECTIONS),
            None,
            "Connections that are open.".into(),
        );
        let connections = recorder.register_gauge(&Key::from_static_name(CONNECTIONS), &METADATA);
        Self { recorder, token, connections, routes: RwLock::default() }
    }

    /// One request was answered.
    pub(crate) fn request(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let known = {
            let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
            routes.get(route).and_then(|series| series.get(&(method.clone(), status)).cloned())
        };
        let series = known.unwrap_or_else(|| self.series(method, route, status));
        series.requests.increment(1);
        series.seconds.record(took.as_secs_f64());
    }

    fn series(&self, method: &Method, route: &str, status: u16) -> Series {
        let route_label = Label::new("route", route.to_owned());
        let labels = vec![
            route_label.clone(),
            Label::new("method", shown(method)),
            Label::new("status", status.to_string()),
        ];
        let series = Series {
            requests: self.recorder.register_counter(&Key::from_parts(REQUESTS, labels), &METADATA),
            seconds: self
                .recorder
                .register_histogram(&Key::from_parts(SECONDS, vec![route_label]), &METADATA),
        };
        // Only registered methods are kept: a stranger can invent any number of others.
        if shown(method) != "other" {
            let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
            let by_route = routes.entry(route.to_owned()).or_default();
            by_route.insert((method.clone(), status), series.clone());
        }
        series
    }

    /// One request to the token endpoint was answered.
    pub(crate) fn token(&self, grant_type: Option<&str>, refused: Option<ErrorCode>) {
        let grant_type = match grant_type {
            Some(oauth::AUTHORIZATION_CODE) => oauth::AUTHORIZATION_CODE,
            Some(oauth::REFRESH_TOKEN) => oauth::REFRESH_TOKEN,
            Some(oauth::DEVICE_CODE) => "device_code",
            Some(oauth::TOKEN_EXCHANGE) => "token_exchange",
            Some(oauth::JWT_BEARER) => "jwt_bearer",
            _ => "other",
        };
        let outcome = refused.map_or("issued", ErrorCode::as_str);
        let labels = vec![Label::new("grant_type", grant_type), Label::new("outcome", outcome)];
        self.recorder.register_counter(&Key::from_parts(TOKENS, labels), &METADATA).increment(1);
    }

    /// A connection was opened; it is closed when the answer is dropped.
    pub(crate) fn connection(&self) -> OpenConnection {
        self.connections.increment(1.0);
        OpenConnection(self.connections.clone())
    }

    /// Folds what histograms have gathered; called now and then.
    pub(crate) fn upkeep(&self) {
        self.recorder.handle().run_upkeep();
    }

    fn may_read(&self, request: &Request) -> bool {
        let headers = request.headers();
        let proxied = headers.contains_key("x-forwarded-for") || headers.contains_key(FORWARDED);
        let socket = request.extensions().get::<Socket>();
        let here = socket.is_some_and(|socket| socket.address.to_canonical().is_loopback());
        here && !proxied || self.token.as_ref().is_some_and(|token| presents(headers, token))
    }
}

/// Counts a connection for as long as it lives.
pub(crate) struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// A label value for a method.
fn shown(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn presents(headers: &HeaderMap, token: &Secret) -> bool {
    let presented = headers.get(AUTHORIZATION).map(|h| authorization::parse(h.as_bytes()));
    matches!(presented, Some(Ok(Presented::Bearer(presented))) if presented == *token)
}

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/metrics", get(metrics))
}

async fn metrics(State(app): State<App>, request: Request) -> Response {
    let metrics = app.metrics();
    if !metrics.may_read(&request) {
        return (StatusCode::NOT_FOUND, "Not found.\n").into_response();
    }
    let text = metrics.recorder.handle().render();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_methods_share_one_series() {
        let metrics = Metrics::new(None);
        for n in 0..50 {
            let method = Method::from_bytes(format!("M{n}").as_bytes()).expect("method");
            metrics.request(&method, "/x", 405, Duration::from_millis(1));
        }
        metrics.request(&Method::GET, "/x", 200, Duration::from_millis(1));
        metrics.token(Some("password"), Some(ErrorCode::UnsupportedGrantType));
        let text = metrics.recorder.handle().render();
        assert!(
            text.contains(
                r#"hallpass_http_requests_total{route="/x",method="other",status="405"} 50"#
            ),
            "{text}"
        );
        assert!(
            text.contains(r#"grant_type="other",outcome="unsupported_grant_type"} 1"#),
            "{text}"
        );
        assert_eq!(text.matches("hallpass_http_requests_total{").count(), 2);
    }
}
