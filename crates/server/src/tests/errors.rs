//! Malformed, repeated, oversized and misplaced: the right status, and no stack trace.

use hallpass_core::wire::path;
use http::{Method, StatusCode};

use super::town::{Answer, CLIENT, FORM, Town};

const POSTS: [&str; 5] =
    [path::TOKEN, path::DEVICE_AUTHORIZATION, path::REVOKE, path::INTROSPECT, path::ACTION];

fn described(answer: &Answer) -> String {
    let json = answer.json();
    let text = json["error_description"].as_str().expect("a description").to_owned();
    let allowed = |c: char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
    assert!(text.chars().all(allowed), "{text:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    text
}

// proves: A04, C01, C07
#[tokio::test]
async fn a_parameter_twice_is_refused() {
    let town = Town::new().await;
    for at in POSTS {
        let fields = [("client_id", CLIENT), ("client_id", CLIENT)];
        let answer = town.post(at, &fields, &[]).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()), "{at}");
        assert!(described(&answer).contains("client_id"), "{at}");
    }
    let at = format!("{}?client_id={CLIENT}&state=a&state=b", path::AUTHORIZE);
    let answer = town.get(&at, &[]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.header("location"), "");
}

// proves: C01
#[tokio::test]
async fn only_forms_are_taken() {
    let town = Town::new().await;
    for at in POSTS {
        for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
            let answer = town.ask(Method::POST, at, &[("content-type", kind)], "{}").await;
            assert_eq!(answer.refusal(), (415, "invalid_request".to_owned()), "{at} {kind}");
        }
        let bare = town.ask(Method::POST, at, &[], "client_id=x").await;
        assert_eq!(bare.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{at}");
        let bad = town.ask(Method::POST, at, &[("content-type", FORM)], "a=%zz").await;
        assert_eq!(bad.refusal(), (400, "invalid_request".to_owned()), "{at}");
    }
}

// proves: attack-45
#[tokio::test]
async fn large_bodies_and_many_parameters_are_refused() {
    let town = Town::new().await;
    let large = format!("a={}", "x".repeat(64 * 1024));
    let many: String = (0..200).map(|n| format!("p{n}=1&")).collect();
    for at in POSTS {
        let answer = town.ask(Method::POST, at, &[("content-type", FORM)], &large).await;
        assert_eq!(answer.refusal(), (413, "invalid_request".to_owned()), "{at}");
        let answer = town.ask(Method::POST, at, &[("content-type", FORM)], &many).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()), "{at}");
    }
    for page in [path::AUTHORIZE, path::LOGOUT, "/signin", "/device", "/setup"] {
        let headers = [("content-type", FORM), ("sec-fetch-site", "same-origin")];
        let answer = town.ask(Method::POST, page, &headers, &large).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{page}");
    }
}

// proves: C04, G11
#[tokio::test]
async fn secrets_in_the_url_are_refused_and_not_repeated() {
    let town = Town::new().await;
    for at in POSTS {
        for name in ["client_secret", "token", "code", "refresh_token", "client%5Fsecret"] {
            let answer = town.post(&format!("{at}?{name}=hush"), &[("client_id", "x")], &[]).await;
            assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()), "{at} {name}");
            assert!(!answer.body.contains("hush"));
        }
    }
    for at in [path::WHOAMI, path::USERINFO] {
        let answer = town.get(&format!("{at}?access_token=hush"), &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{at}");
        assert!(!answer.body.contains("hush"));
    }
}

// proves: C03
#[tokio::test]
async fn two_ways_to_authenticate_are_one_too_many() {
    let town = Town::new().await;
    let header = town.caller("api").await;
    let both = [("token", "x"), ("client_id", "api"), ("client_secret", "y")];
    for at in [path::INTROSPECT, path::ACTION, path::REVOKE] {
        let answer = town.post(at, &both, &[("authorization", &header)]).await;
        assert_eq!(answer.refusal().1, "invalid_request", "{at}");
        let twice = [("authorization", header.as_str()), ("authorization", header.as_str())];
        let answer = town.post(at, &[("token", "x")], &twice).await;
        assert!(answer.status.is_client_error(), "{at}: {answer:?}");
    }
}

// proves: C06
#[tokio::test]
async fn a_wrong_secret_is_a_401_with_a_challenge() {
    let town = Town::new().await;
    town.caller("api").await;
    for header in ["Basic YXBpOng=", "Basic !!!", "Bearer abc", "Digest x"] {
        let headers = [("authorization", header)];
        let answer = town.post(path::INTROSPECT, &[("token", "x")], &headers).await;
        assert_eq!(answer.refusal(), (401, "invalid_client".to_owned()), "{header}");
        assert!(answer.header("www-authenticate").starts_with("Basic "), "{header}");
        described(&answer);
    }
}

// proves: A05
#[tokio::test]
async fn an_unknown_program_is_a_page_and_never_a_redirect() {
    let town = Town::new().await;
    let to = "redirect_uri=https%3A%2F%2Fevil.example";
    for query in [
        String::new(),
        to.to_owned(),
        format!("client_id=nobody&{to}"),
        format!("client_id={CLIENT}"),
        format!("client_id={CLIENT}&{to}&response_type=code"),
    ] {
        let answer = town.get(&format!("{}?{query}", path::AUTHORIZE), &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.header("location"), "", "{query}");
        assert!(!answer.body.contains("evil.example"), "{query}");
    }
}

#[tokio::test]
async fn each_part_says_no_in_its_own_words() {
    let town = Town::new().await;
    let problem = town.get("/api/v1/nothing", &[]).await;
    assert_eq!(problem.header("content-type"), "application/problem+json");
    assert_eq!(problem.json()["code"], "not_found");
    let problem = town.ask(Method::PUT, path::WHOAMI, &[], "").await;
    assert_eq!(problem.json()["code"], "method_not_allowed");
    assert_eq!(town.get("/oauth/nothing", &[]).await.refusal().0, 404);
    let plain = town.get("/nothing", &[]).await;
    assert_eq!(plain.header("content-type"), "text/plain; charset=utf-8");
    let page = town.get("/nothing", &[("accept", "text/html")]).await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}
