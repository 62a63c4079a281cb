//! Time limits, proxies, sizes, and what is said when something goes wrong.

use super::*;
use crate::testing::{FakeServer, FakeTime, Said, Table};

fn http(variables: &[(&str, &str)]) -> Http {
    Http::new(&Table::of(variables), "hallpass/test")
}

// proves: client-H7
#[test]
fn plain_http_is_for_loopback() {
    for url in ["http://id.example.com/", "ftp://localhost/", "http://localhost.example.com/"] {
        let error = http(&[]).get(url, Some("hidden")).unwrap_err();
        assert!(matches!(error, HttpError::Insecure { .. }), "{url}");
        assert!(!error.to_string().contains("hidden"));
    }
}

// proves: client-J2
#[test]
fn loopback_is_never_proxied_and_no_proxy_is_obeyed() {
    let server = FakeServer::empty();
    server.says("/x", Said::text(200, "text/plain", "hello"));
    // Nothing listens there.
    let dead = "http://127.0.0.1:1";
    let http = http(&[
        ("HTTPS_PROXY", dead),
        ("ALL_PROXY", dead),
        ("HTTP_PROXY", dead),
        ("NO_PROXY", "example.com, .internal , *.corp.test,10.0.0.1:8443"),
    ]);
    assert_eq!(http.get(&format!("{}/x", server.origin), None).unwrap().body.as_slice(), b"hello");
    let direct = |url: &str| http.goes_direct(&Url::parse(url).unwrap());
    for url in [
        "http://localhost:1/",
        "http://[::1]/",
        "https://example.com/",
        "https://id.example.com/",
        "https://a.internal/",
        "https://a.b.corp.test/",
        "https://10.0.0.1:8443/",
    ] {
        assert!(direct(url), "{url}");
    }
    for url in ["https://notexample.com/", "https://example.com.test/", "https://10.0.0.1/"] {
        assert!(!direct(url), "{url}");
    }
    assert!(
        Http::new(&Table::of(&[("no_proxy", "*")]), "x")
            .goes_direct(&Url::parse("https://a.test/").unwrap())
    );
    // What the variables do not name goes through the proxy, and says so when it fails.
    let error = http.get("https://id.test/", None).unwrap_err();
    assert!(matches!(error, HttpError::Unreachable { .. }), "{error}");
}

#[test]
fn what_goes_wrong_is_told_apart() {
    let server = FakeServer::empty();
    let at = |path: &str| format!("{}{path}", server.origin);
    let refused = http(&[]).get("http://127.0.0.1:1/", None).unwrap_err();
    assert_eq!(refused.to_string(), "cannot reach 127.0.0.1:1: connection refused");

    server.says("/gone", Said::hang_up());
    assert!(matches!(
        http(&[]).get(&at("/gone"), None),
        Err(HttpError::Unreachable { .. } | HttpError::Malformed { .. })
    ));

    let big = "x".repeat(PROTOCOL_BODY as usize + 1);
    server.says("/big", Said::text(200, "application/json", &big));
    assert!(matches!(
        http(&[]).get(&at("/big"), None),
        Err(HttpError::Malformed { why, .. }) if why.contains("larger")
    ));

    server.says("/page", Said::text(200, "text/html", "<!doctype html>"));
    let page = http(&[]).get(&at("/page"), None).unwrap();
    let error = page.json::<serde_json::Value>().unwrap_err();
    assert!(error.to_string().ends_with("it is text/html instead of JSON"), "{error}");

    server.says("/odd", Said::text(200, "application/json", "{\"secret\": \"hidden"));
    let odd = http(&[]).get(&at("/odd"), None).unwrap();
    let error = odd.json::<serde_json::Value>().unwrap_err();
    assert!(error.to_string().ends_with("it is not well-formed JSON"), "{error}");
    assert!(!format!("{error:?}").contains("hidden"));
}

#[test]
fn a_server_that_is_silent_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let clock = FakeTime::new();
    let time: Arc<dyn Time> = Arc::new(clock.clone());
    let http = http(&[]).within(&time, Duration::from_millis(50));
    assert!(matches!(http.get(&url, None), Err(HttpError::Timeout { .. })));
    // All requests share the time: once it is over, none is sent.
    let server = FakeServer::empty();
    let url = format!("{}/x", server.origin);
    assert_eq!(http.get(&url, None).unwrap().status, 404);
    clock.pass(Duration::from_millis(50));
    for http in [http.clone(), http.within(&time, Duration::from_secs(9))] {
        assert!(matches!(http.get(&url, None), Err(HttpError::Timeout { .. })));
    }
    assert_eq!(server.all().len(), 1);
}

#[test]
fn every_method_is_sent_with_and_without_a_body() {
    let server = FakeServer::empty();
    server.says("/x", Said::text(200, "text/plain", ""));
    let url = format!("{}/x", server.origin);
    let http = http(&[]);
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "REPORT"] {
        let body: (&str, &[u8]) = ("text/plain", b"body");
        for body in [None, Some(body)] {
            http.call(method, &url, "token", None, &[], body).unwrap();
            let seen = server.all().pop().unwrap();
            assert_eq!(seen.method, method);
            assert_eq!(seen.body, if body.is_some() { "body" } else { "" }, "{method}");
            assert_eq!(seen.header("user-agent"), Some("hallpass/test"));
        }
    }
    for (method, header) in
        [("G E T", ("a", "b")), ("GET", ("a\n", "b")), ("GET", ("a", "b\r\nc: d"))]
    {
        assert!(http.call(method, &url, "token", None, &[header], None).is_err());
    }
    assert!(http.call("GET", &url, "to\nken", None, &[], None).is_err());
}

#[test]
fn dates_and_pauses_are_read() {
    let server = FakeServer::empty();
    let said = Said::text(429, "text/plain", "")
        .with("Date", "Sat, 18 Apr 2026 10:00:00 GMT")
        .with("Retry-After", "7");
    server.says("/x", said);
    let reply = http(&[]).get(&format!("{}/x", server.origin), None).unwrap();
    assert_eq!(reply.date.unwrap().to_rfc3339(), "2026-04-18T10:00:00Z");
    assert_eq!(reply.retry_after, Some(Duration::from_secs(7)));
    assert!(reply.is_temporary());
}

// proves: client-J2
#[test]
fn a_bundle_that_holds_no_certificate_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = dir.path().join("corporate.pem");
    for (text, says) in [(None, "cannot read"), (Some("no PEM"), "there is no certificate in")] {
        if let Some(text) = text {
            std::fs::write(&bundle, text).unwrap();
        }
        let http = http(&[]).trusting(Some(bundle.clone()));
        let error = http.get("https://127.0.0.1:1/", None).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("corporate.pem"), "{error}");
        assert!(error.contains("--ca-bundle"), "{error}");
    }
}

#[test]
fn a_certificate_of_the_wrong_kind_is_explained() {
    let why = insecure("invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))");
    assert!(why.contains("CA:FALSE") && !why.contains("OtherError"), "{why}");
    assert_eq!(
        insecure("invalid peer certificate: Expired\u{1b}"),
        "invalid peer certificate: Expired"
    );
}

// proves: client-L3
#[test]
fn a_server_that_cannot_answer_now_says_why_in_its_own_words() {
    let server = FakeServer::empty();
    let said = |answer: Said| {
        server.says("/x", answer);
        let reply = http(&[]).get(&format!("{}/x", server.origin), None).unwrap();
        reply.unexpected().to_string()
    };
    let why = "The keys of https://idp.example cannot be had.\u{1b}[2J";
    for body in [
        serde_json::json!({ "error": "temporarily_unavailable", "error_description": why }),
        serde_json::json!({ "code": "unavailable", "detail": why, "title": "Unavailable" }),
    ] {
        let said = said(Said::json(503, &body));
        assert!(said.contains("answered 503 (The keys of https://idp.example cannot"), "{said}");
        assert!(!said.contains('\u{1b}'), "{said}");
    }
    for body in ["", "<p>busy</p>"] {
        let said = said(Said::text(503, "text/html", body));
        assert!(said.ends_with(" answered 503"), "{said}");
    }
    assert!(said(Said::json(500, &serde_json::json!([1]))).ends_with(" answered 500"));
}
