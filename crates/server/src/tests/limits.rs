//! Limits in memory.

use axum::body::Body;
use hallpass_core::wire::path;
use http::{Request, StatusCode};

use super::town::{Answer, CLIENT, FORM, Town};

async fn from(town: &Town, address: &str, at: &str, body: &str) -> Answer {
    let request = Request::post(at).header("content-type", FORM).body(Body::from(body.to_owned()));
    town.send(request.expect("a request"), Some(address.parse().expect("an address"))).await
}

// proves: attack-38
#[tokio::test]
async fn a_network_of_refused_credentials_is_not_answered_for_a_while() {
    // Behind a proxy, so that visitors have addresses of their own.
    let settings = [("refused_credentials", "2"), ("trusted_proxies", "0.0.0.0/0,::/0")];
    let town = Town::with("http://localhost:8470", &settings).await;
    let guess = format!("grant_type=refresh_token&refresh_token=hp_rt_x&client_id={CLIENT}");
    for n in 0..3 {
        let answer = from(&town, &format!("203.0.113.{n}"), path::TOKEN, &guess).await;
        assert_eq!(answer.refusal(), (400, "invalid_grant".to_owned()));
    }
    for at in [path::TOKEN, path::USERINFO, path::REVOKE] {
        let limited = from(&town, "203.0.113.99", at, &guess).await;
        assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS, "{at}");
        let wait: u64 = limited.header("retry-after").parse().expect("seconds");
        assert!(wait > 0);
    }
    let elsewhere = from(&town, "198.51.100.1", path::TOKEN, &guess).await;
    assert_eq!(elsewhere.refusal(), (400, "invalid_grant".to_owned()));
    // The documents that everybody needs are answered all the same.
    assert_eq!(town.get(path::JWKS, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn this_machine_and_good_requests_are_not_counted() {
    let settings = [("refused_credentials", "1"), ("trusted_proxies", "203.0.113.0/24")];
    let town = Town::with("http://localhost:8470", &settings).await;
    let guess = format!("grant_type=refresh_token&refresh_token=hp_rt_x&client_id={CLIENT}");
    for _ in 0..5 {
        let answer = from(&town, "127.0.0.1", path::TOKEN, &guess).await;
        assert_eq!(answer.refusal(), (400, "invalid_grant".to_owned()));
    }
    let start = format!("client_id={CLIENT}");
    for _ in 0..5 {
        let answer = from(&town, "203.0.113.7", path::DEVICE_AUTHORIZATION, &start).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
}

// proves: C17
#[tokio::test]
async fn plain_http_from_elsewhere_is_refused_and_a_proxy_is_believed() {
    let proxied = [("trusted_proxies", "10.0.0.1")];
    let town = Town::with("https://id.example.com", &proxied).await;
    let ask = async |address: &str, scheme: Option<&str>| {
        let mut request = Request::get(path::JWKS);
        if let Some(scheme) = scheme {
            request = request.header("x-forwarded-proto", scheme);
        }
        let request = request.body(Body::empty()).expect("a request");
        town.send(request, Some(address.parse().expect("an address"))).await.status
    };
    assert_eq!(ask("203.0.113.9", None).await, StatusCode::FORBIDDEN);
    assert_eq!(ask("203.0.113.9", Some("https")).await, StatusCode::FORBIDDEN);
    assert_eq!(ask("10.0.0.1", None).await, StatusCode::OK);
    assert_eq!(ask("10.0.0.1", Some("https")).await, StatusCode::OK);
    assert_eq!(ask("10.0.0.1", Some("http")).await, StatusCode::FORBIDDEN);
    assert_eq!(ask("127.0.0.1", None).await, StatusCode::OK);
}

#[tokio::test]
async fn metrics_are_for_this_machine_and_for_who_has_the_token() {
    let town = Town::new().await;
    let ask = async |address: &str, headers: &[(&str, &str)]| {
        let mut request = Request::get("/metrics");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        town.send(request, Some(address.parse().expect("an address"))).await
    };
    let here = ask("127.0.0.1", &[]).await;
    assert_eq!(here.status, StatusCode::OK);
    let proxied = ask("127.0.0.1", &[("x-forwarded-for", "203.0.113.9")]).await;
    assert_eq!(proxied.status, StatusCode::NOT_FOUND);
    let token = [("x-forwarded-for", "203.0.113.9"), ("authorization", "Bearer metrics-token")];
    assert_eq!(ask("127.0.0.1", &token).await.status, StatusCode::OK);
    let wrong = [("x-forwarded-for", "203.0.113.9"), ("authorization", "Bearer metrics-tokem")];
    assert_eq!(ask("127.0.0.1", &wrong).await.status, StatusCode::NOT_FOUND);
    let again = ask("127.0.0.1", &[]).await.body;
    assert!(again.contains(r#"route="/metrics",method="GET",status="200"} 2"#), "{again}");
}
