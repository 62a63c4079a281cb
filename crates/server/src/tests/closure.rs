//! F05: what is advertised exists and works; what is not advertised does not.

use std::collections::BTreeSet;

use hallpass_core::wire::metadata::ServerMetadata;
use hallpass_core::wire::{oauth, path};
use http::{Method, StatusCode};

use super::town::{CLIENT, FORM, Town, basic};

/// Every path that this part of the server answers, with its methods. `HEAD` is `GET`
/// without a body (RFC 9110 §9.3.2).
const ROUTES: [(&str, &str); 20] = [
    (path::OPENID_CONFIGURATION, "GET,HEAD,OPTIONS"),
    (path::OAUTH_AUTHORIZATION_SERVER, "GET,HEAD,OPTIONS"),
    ("/.well-known/oauth-protected-resource/api", "GET,HEAD,OPTIONS"),
    (path::AUTH_CONFIG, "GET,HEAD,OPTIONS"),
    (path::AUTHORIZE, "GET,HEAD,POST"),
    (path::TOKEN, "OPTIONS,POST"),
    (path::DEVICE_AUTHORIZATION, "POST"),
    (path::REVOKE, "OPTIONS,POST"),
    (path::INTROSPECT, "POST"),
    (path::ACTION, "POST"),
    (path::LOGOUT, "GET,HEAD,POST"),
    (path::JWKS, "GET,HEAD,OPTIONS"),
    (path::USERINFO, "GET,HEAD,OPTIONS,POST"),
    (path::WHOAMI, "GET,HEAD"),
    (path::SESSIONS, "GET,HEAD"),
    ("/api/v1/sessions/ses_1", "DELETE"),
    ("/health/live", "GET,HEAD"),
    ("/health/ready", "GET,HEAD"),
    ("/metrics", "GET,HEAD"),
    (path::DEVICE_PAGE, "GET,HEAD,POST"),
];
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

async fn metadata(town: &Town) -> ServerMetadata {
    let answer = town.get(path::OAUTH_AUTHORIZATION_SERVER, &[]).await;
    serde_json::from_str(&answer.body).expect("metadata")
}

// proves: F05
#[tokio::test]
async fn every_route_takes_its_methods_and_no_other() {
    let town = Town::new().await;
    for (path, methods) in ROUTES {
        let takes: BTreeSet<_> = methods.split(',').collect();
        for name in METHODS {
            let method = Method::from_bytes(name.as_bytes()).expect("method");
            let answer = town.ask(method, path, &[], "").await;
            let what = format!("{name} {path}: {answer:?}");
            if takes.contains(name) {
                assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{what}");
                // The metrics are hidden from whoever comes from nowhere.
                let hidden = path == "/metrics";
                assert!(answer.status != StatusCode::NOT_FOUND || hidden, "{what}");
            } else {
                assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{what}");
                let allowed: BTreeSet<_> = answer.header("allow").split(',').collect();
                assert_eq!(allowed, takes, "{what}");
            }
        }
    }
}

// proves: F05, D16
#[tokio::test]
async fn every_advertised_endpoint_is_a_route() {
    let town = Town::new().await;
    let metadata = metadata(&town).await;
    let issuer = metadata.issuer.clone();
    let endpoints = [
        (metadata.authorization_endpoint, "GET"),
        (metadata.token_endpoint, "POST"),
        (metadata.device_authorization_endpoint, "POST"),
        (metadata.revocation_endpoint, "POST"),
        (metadata.introspection_endpoint, "POST"),
        (metadata.userinfo_endpoint, "GET"),
        (metadata.end_session_endpoint, "GET"),
        (metadata.jwks_uri, "GET"),
    ];
    for (url, method) in endpoints {
        let url = url.expect("advertised");
        let path = url.strip_prefix(&issuer).expect("ours");
        let route = ROUTES.iter().find(|(known, _)| *known == path);
        let (_, methods) = route.unwrap_or_else(|| panic!("{path} is no route"));
        assert!(methods.split(',').any(|known| known == method), "{path}");
    }
}

// proves: F05
#[tokio::test]
async fn what_others_have_and_we_do_not_is_not_there() {
    let town = Town::new().await;
    for path in [
        "/authorize",
        "/token",
        "/oauth/",
        "/oauth/token/",
        "/oauth//token",
        "/OAuth/token",
        "/oauth/par",
        "/oauth/register",
        "/oauth/introspection",
        "/oauth/userinfo",
        "/oauth/check_session",
        "/oauth/device_authorization",
        "/.well-known/oauth-protected-resource",
        "/.well-known/openid-configuration/",
        "/.well-known/webfinger",
        "/api",
        "/api/v1",
        "/api/v1/sessions/",
        "/api/v1/people",
        "/check/",
    ] {
        for method in [Method::GET, Method::POST] {
            let answer = town.ask(method.clone(), path, &[("content-type", FORM)], "").await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
        }
    }
}

// proves: C08, F05
#[tokio::test]
async fn grant_types_that_are_advertised_are_understood_and_no_other() {
    let town = Town::new().await;
    let advertised = metadata(&town).await.grant_types_supported;
    for grant_type in &advertised {
        let asked = [("grant_type", grant_type.as_str()), ("client_id", CLIENT)];
        let (status, error) = town.post(path::TOKEN, &asked, &[]).await.refusal();
        assert_eq!((status, error.as_str()), (400, "invalid_request"), "{grant_type}");
    }
    assert!(advertised.contains(&oauth::DEVICE_CODE.to_owned()));
    for grant_type in [
        "password",
        "client_credentials",
        "implicit",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:openid:params:grant-type:ciba",
        "Authorization_Code",
    ] {
        let asked = [("grant_type", grant_type), ("client_id", CLIENT)];
        let refusal = town.post(path::TOKEN, &asked, &[]).await.refusal();
        assert_eq!(refusal, (400, "unsupported_grant_type".to_owned()), "{grant_type}");
    }
}

// proves: F05
#[tokio::test]
async fn advertised_ways_to_authenticate_a_client_work_and_no_other() {
    let town = Town::new().await;
    let header = town.caller("api").await;
    let secret = {
        use base64::Engine as _;
        let encoded = header.strip_prefix("Basic ").expect("basic");
        let pair = base64::engine::general_purpose::STANDARD.decode(encoded).expect("base64");
        String::from_utf8(pair).expect("text").split_once(':').expect("a pair").1.to_owned()
    };
    let metadata = metadata(&town).await;
    let known = ["client_secret_basic", "client_secret_post"];
    assert_eq!(metadata.introspection_endpoint_auth_methods_supported, known);
    let headers = [("authorization", header.as_str())];
    let by_header = town.post(path::INTROSPECT, &[("token", "x")], &headers).await;
    assert_eq!(by_header.body, r#"{"active":false}"#);
    let fields = [("token", "x"), ("client_id", "api"), ("client_secret", secret.as_str())];
    let by_body = town.post(path::INTROSPECT, &fields, &[]).await;
    assert_eq!(by_body.body, r#"{"active":false}"#);

    let none = [("token", "x"), ("client_id", CLIENT)];
    assert_eq!(town.post(path::INTROSPECT, &none, &[]).await.refusal().0, 401);
    let jwt = [
        ("token", "x"),
        ("client_id", "api"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", "a.b.c"),
    ];
    assert_eq!(town.post(path::INTROSPECT, &jwt, &[]).await.refusal().0, 401);
    let wrong = basic("api", "hp_cs_000000000000000000000000000000000000");
    let answer = town.post(path::INTROSPECT, &[("token", "x")], &[("authorization", &wrong)]).await;
    assert_eq!(answer.refusal(), (401, "invalid_client".to_owned()));
}

// proves: F05
#[tokio::test]
async fn advertised_scopes_can_be_asked_for_and_no_other() {
    let town = Town::new().await;
    for scope in metadata(&town).await.scopes_supported {
        let asked = [("client_id", CLIENT), ("scope", scope.as_str())];
        let answer = town.post(path::DEVICE_AUTHORIZATION, &asked, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{scope}");
    }
    let asked = [("client_id", CLIENT), ("scope", "address")];
    let refusal = town.post(path::DEVICE_AUTHORIZATION, &asked, &[]).await.refusal();
    assert_eq!(refusal, (400, "invalid_scope".to_owned()));
}

// proves: A16, A17, B04, F02, F03, F04
#[tokio::test]
async fn both_documents_say_the_same_and_say_who_they_are() {
    let town = Town::with("https://id.example.com", &[]).await;
    let documents = [path::OAUTH_AUTHORIZATION_SERVER, path::OPENID_CONFIGURATION];
    let mut bodies = BTreeSet::new();
    for document in documents {
        // Whatever Host says (attack-7).
        let answer = town.get(document, &[("host", "evil.example")]).await;
        assert_eq!(answer.header("content-type"), "application/json");
        let json = answer.json();
        assert_eq!(json["issuer"], "https://id.example.com");
        assert_eq!(json["authorization_response_iss_parameter_supported"], true);
        assert_eq!(json["code_challenge_methods_supported"], serde_json::json!(["S256"]));
        for (name, value) in json.as_object().expect("an object") {
            assert_ne!(*value, serde_json::json!([]), "{name} is empty");
            assert!(!value.is_null(), "{name} is null");
        }
        bodies.insert(answer.body);
    }
    assert_eq!(bodies.len(), 1);
}
