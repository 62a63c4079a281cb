//! What every answer carries.

use http::{Method, StatusCode};

use hallpass_core::wire::path;

use super::town::{Town, bearer, with_bearer};

const EVERYWHERE: [&str; 10] = [
    path::OPENID_CONFIGURATION,
    path::JWKS,
    path::TOKEN,
    path::AUTHORIZE,
    path::USERINFO,
    path::WHOAMI,
    "/signin",
    "/health/live",
    "/nothing",
    "/api/nothing",
];

// proves: A20
#[tokio::test]
async fn nothing_may_be_framed_sniffed_or_opened() {
    let town = Town::new().await;
    for at in EVERYWHERE {
        let answer = town.get(at, &[("accept", "text/html")]).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{at}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{at}: {policy}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{at}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{at}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{at}");
        assert!(!answer.header("referrer-policy").is_empty(), "{at}");
        assert!(!answer.header("x-request-id").is_empty(), "{at}");
        assert_eq!(answer.header("strict-transport-security"), "", "{at}: this is http");
    }
}

// proves: C17
#[tokio::test]
async fn https_is_remembered_where_there_is_https() {
    let town = Town::with("https://id.example.com", &[]).await;
    for at in EVERYWHERE {
        let answer = town.get(at, &[]).await;
        assert_eq!(answer.header("strict-transport-security"), "max-age=63072000", "{at}");
    }
}

// proves: C02, D02
#[tokio::test]
async fn no_cache_keeps_an_answer_but_the_public_documents() {
    let town = Town::new().await;
    let ada = town.person("ada@example.com").await;
    let tokens = town.tokens(&ada, "openid account").await;
    let header = bearer(&tokens.access_token);
    for at in [path::WHOAMI, path::SESSIONS, path::USERINFO] {
        let answer = town.get(at, &with_bearer(&header)).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("cache-control"), "no-store", "{at}");
    }
    let refresh = tokens.refresh_token.expect("a refresh token");
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.expose()),
        ("client_id", super::town::CLIENT),
    ];
    let refreshed = town.post(path::TOKEN, &fields, &[]).await;
    assert_eq!(refreshed.status, StatusCode::OK);
    assert_eq!(refreshed.header("cache-control"), "no-store");
    assert_eq!(refreshed.header("pragma"), "no-cache");
    let device = town.post(path::DEVICE_AUTHORIZATION, &[("client_id", super::town::CLIENT)], &[]);
    assert_eq!(device.await.header("cache-control"), "no-store");
    for at in [path::JWKS, path::OPENID_CONFIGURATION, path::AUTH_CONFIG] {
        let answer = town.get(at, &[]).await;
        assert_eq!(answer.header("cache-control"), "public, max-age=300", "{at}");
    }
}

// proves: A22
#[tokio::test]
async fn other_origins_read_what_needs_no_cookie_and_nothing_else() {
    let town = Town::new().await;
    let origin = [("origin", "https://app.example"), ("access-control-request-method", "POST")];
    for at in [path::TOKEN, path::REVOKE, path::USERINFO, path::JWKS, path::OPENID_CONFIGURATION] {
        let preflight = town.ask(Method::OPTIONS, at, &origin, "").await;
        assert_eq!(preflight.status, StatusCode::NO_CONTENT, "{at}");
        assert_eq!(preflight.header("access-control-allow-origin"), "*", "{at}");
        assert_eq!(preflight.header("access-control-allow-credentials"), "", "{at}");
        let refused = town.ask(Method::DELETE, at, &origin, "").await;
        assert_eq!(refused.header("access-control-allow-credentials"), "", "{at}");
    }
    let closed = [
        path::AUTHORIZE,
        path::LOGOUT,
        path::INTROSPECT,
        path::ACTION,
        path::DEVICE_AUTHORIZATION,
        path::WHOAMI,
        path::SESSIONS,
        "/signin",
        "/metrics",
    ];
    for at in closed {
        for method in [Method::OPTIONS, Method::GET, Method::POST] {
            let answer = town.ask(method, at, &origin, "").await;
            assert!(!answer.headers.contains_key("access-control-allow-origin"), "{at}");
        }
    }
}

// proves: A18, A21
#[tokio::test]
async fn redirects_repeat_no_post_and_send_no_referrer() {
    let town = Town::new().await;
    let asked = [
        ("response_type", "code"),
        ("client_id", super::town::CLIENT),
        ("redirect_uri", "http://127.0.0.1:4711/callback"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
        ("state", "a b&c"),
    ];
    let posted = town.post(path::AUTHORIZE, &asked, &[]).await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER);
    assert_eq!(posted.header("referrer-policy"), "no-referrer");
    let location = posted.header("location").to_owned();
    assert!(location.starts_with("/oauth/authorize?response_type=code&"), "{location}");
    assert!(location.ends_with("&state=a+b%26c"), "{location}");
    let decided = town.get(&location, &[]).await;
    assert_eq!(decided.status, StatusCode::SEE_OTHER);
    assert!(decided.header("location").starts_with("/signin?return_to=%2Foauth%2Fauthorize"));
}
