//! The lane answers as the router does.

use std::net::IpAddr;

use axum::body::Body;
use hallpass_core::wire::path::INTROSPECT;
use http::{HeaderMap, Method, Request, StatusCode};

use super::town::{Answer, FORM, Town, basic};
use crate::http::peer::Socket;
use crate::lane::{self, Lane};
use crate::oauth::call::Memo;

/// A request that can be made twice.
struct Asked {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
    from: Option<IpAddr>,
}

impl Asked {
    fn introspect(caller: &str, body: &str) -> Self {
        Self {
            method: Method::POST,
            path: INTROSPECT.to_owned(),
            headers: vec![("authorization", caller.to_owned()), ("content-type", FORM.to_owned())],
            body: body.to_owned(),
            from: None,
        }
    }

    fn request(&self) -> Request<Body> {
        let mut request = Request::builder().method(&self.method).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let mut request = request.body(Body::from(self.body.clone())).expect("a request");
        if let Some(address) = self.from {
            request.extensions_mut().insert(Socket { address, tls: false });
        }
        request
    }
}

async fn through_the_lane(town: &Town, asked: &Asked) -> Answer {
    on_a_connection(town, &Memo::default(), asked).await
}

async fn on_a_connection(town: &Town, memo: &Memo, asked: &Asked) -> Answer {
    let request = asked.request();
    let lane = Lane::of(&request).expect("a lane");
    Answer::read(lane::answer(&town.app, memo, lane, request).await).await
}

/// Without what differs from one request to the next, and what hyper adds on the wire.
fn comparable(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut all: Vec<_> = headers
        .iter()
        .filter(|(name, _)| *name != "x-request-id" && *name != "content-length")
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn the_lane_answers_as_the_router_does() {
    let town = Town::with("https://id.example.com", &[]).await;
    let ada = town.person("ada@example.com").await;
    let tokens = town.tokens(&ada, "openid account offline_access").await;
    let caller = town.caller("api").await;
    let body = format!("token={}", tokens.access_token.expose());
    let good = || Asked::introspect(&caller, &body);
    let from = |address: &str| Asked { from: address.parse().ok(), ..good() };
    let with = |name: &'static str, value: &str| {
        let mut asked = good();
        asked.headers.push((name, value.to_owned()));
        asked
    };
    let asked = [
        good(),
        Asked::introspect(&caller, "token=hp_rt_nonsense"),
        Asked::introspect(&caller, "token=a&token=b"),
        Asked::introspect(&caller, ""),
        Asked::introspect("Basic bm9ib2R5OndybzpuZw==", &body),
        Asked::introspect("Bearer x", &body),
        Asked { headers: vec![], ..good() },
        Asked { path: format!("{INTROSPECT}?token=x"), ..good() },
        Asked { body: format!("token={}", "x".repeat(70_000)), ..good() },
        with("content-type", "text/plain"),
        with("accept", "text/html"),
        // In the clear, from elsewhere: refused before anything is read.
        from("203.0.113.9"),
        from("127.0.0.1"),
    ];
    for (n, asked) in asked.iter().enumerate() {
        let routed = town.send(asked.request(), None).await;
        let laned = through_the_lane(&town, asked).await;
        assert_eq!(laned.status, routed.status, "{n}");
        assert_eq!(comparable(&laned.headers), comparable(&routed.headers), "{n}");
        assert_eq!(laned.body, routed.body, "{n}");
        assert!(laned.headers.contains_key("x-request-id"), "{n}");
    }
}

/// What a connection remembers is what a header means, not whether it is good, and nobody is
/// taken for who came before: a proxy may send several programs' requests over one connection.
#[tokio::test]
async fn a_connection_takes_nobody_for_another() {
    let town = Town::with("http://localhost:8470", &[]).await;
    let (api, other) = (town.caller("api").await, town.caller("other").await);
    let memo = Memo::default();
    for (caller, status) in [
        (api.clone(), StatusCode::OK),
        (api.clone(), StatusCode::OK),
        (basic("api", "wrong"), StatusCode::UNAUTHORIZED),
        (other.clone(), StatusCode::OK),
        ("Basic !!!".to_owned(), StatusCode::UNAUTHORIZED),
        (basic("other", "wrong"), StatusCode::UNAUTHORIZED),
        (basic("other", "wrong"), StatusCode::UNAUTHORIZED),
        (api.clone(), StatusCode::OK),
    ] {
        let asked = Asked::introspect(&caller, "token=x");
        assert_eq!(on_a_connection(&town, &memo, &asked).await.status, status, "{caller}");
    }
    // None at all, and two, are not the last one.
    let asked = Asked { headers: vec![("content-type", FORM.to_owned())], ..asked_by(&api) };
    assert_eq!(on_a_connection(&town, &memo, &asked).await.status, StatusCode::UNAUTHORIZED);
    let mut asked = asked_by(&api);
    asked.headers.push(("authorization", api.clone()));
    assert_eq!(on_a_connection(&town, &memo, &asked).await.status, StatusCode::UNAUTHORIZED);
    // The one that is remembered is looked up each time.
    assert_eq!(on_a_connection(&town, &memo, &asked_by(&api)).await.status, StatusCode::OK);
    town.app.issuer().disable_client("api", "system").await.expect("disabled");
    assert_eq!(
        on_a_connection(&town, &memo, &asked_by(&api)).await.status,
        StatusCode::UNAUTHORIZED
    );
}

fn asked_by(caller: &str) -> Asked {
    Asked::introspect(caller, "token=x")
}

#[tokio::test]
async fn the_lane_counts_and_limits() {
    let settings = [("trusted_proxies", "127.0.0.1"), ("refused_credentials", "5")];
    let town = Town::with("http://localhost:8470", &settings).await;
    let mut asked = Asked::introspect("Basic bm9ib2R5Ondyb25n", "token=x");
    asked.from = "127.0.0.1".parse().ok();
    asked.headers.push(("x-forwarded-for", "203.0.113.9".to_owned()));
    let mut last = StatusCode::OK;
    for _ in 0..50 {
        last = through_the_lane(&town, &asked).await.status;
        if last == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(town.send(asked.request(), None).await.status, StatusCode::TOO_MANY_REQUESTS);
    let socket = Some("127.0.0.1".parse().expect("an address"));
    let metrics = Request::get("/metrics").body(Body::empty()).expect("a request");
    let text = town.send(metrics, socket).await.body;
    assert!(text.contains(r#"route="/oauth/introspect",method="POST",status="429""#), "{text}");
}

#[test]
fn other_methods_and_paths_have_no_lane() {
    for (method, path) in
        [("GET", INTROSPECT), ("POST", "/oauth/introspect/"), ("POST", "/oauth/token")]
    {
        let request = Request::builder().method(method).uri(path).body(()).expect("a request");
        assert_eq!(Lane::of(&request), None, "{method} {path}");
    }
}
