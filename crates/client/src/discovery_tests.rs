//! What is believed of a server's description of itself, and what is refused.

use serde_json::json;

use super::*;
use crate::Class;
use crate::testing::{FakeServer, Said, Table};

const RFC8414: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

fn found(server: &FakeServer) -> Result<Discovered, Error> {
    let http = Http::new(&Table::default(), "test");
    discover(&http, &parse_server(&server.origin).unwrap(), "hallpass-cli", super::Said::default())
}

fn refused(server: &FakeServer) -> DiscoveryError {
    match found(server) {
        Err(Error::Discovery(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// The metadata with one member changed, or taken away.
fn with(server: &FakeServer, member: &str, value: Option<serde_json::Value>) -> Said {
    let mut metadata = server.metadata();
    match value {
        Some(value) => metadata[member] = value,
        None => {
            metadata.as_object_mut().unwrap().remove(member);
        }
    }
    Said::json(200, &metadata)
}

// proves: HP20
#[test]
fn consent_is_asked_for_where_a_standard_provider_wants_that() {
    let server = FakeServer::issuer();
    let offline: Scope = "openid offline_access".parse().unwrap();
    let standard = found(&server).unwrap();
    assert!(standard.standard);
    // oidc-provider has another use for the path, and answers 400.
    server.says("/auth/config", Said::error("invalid_request"));
    assert!(found(&server).unwrap().standard);
    assert_eq!(standard.prompt(&offline), Some("consent"));
    assert_eq!(standard.prompt(&"openid".parse().unwrap()), None);
    server.says(RFC8414, with(&server, "prompt_values_supported", Some(json!(["login"]))));
    assert_eq!(found(&server).unwrap().prompt(&offline), None);
    server.says(RFC8414, Said::json(200, &server.metadata()));
    let config = json!({ "mode": "oidc", "issuer": server.origin, "client_id": "ours" });
    server.says("/auth/config", Said::json(200, &config));
    let ours = found(&server).unwrap();
    assert!(!ours.standard && ours.prompt(&offline).is_none());
    assert_eq!(ours.client_id, "ours");
}

// proves: HP20, J07
#[test]
fn an_issuer_that_somebody_named_is_asked_and_the_server_is_not() {
    let (api, issuer) = (FakeServer::empty(), FakeServer::issuer());
    let http = Http::new(&Table::default(), "test");
    let said = super::Said {
        issuer: Some(&issuer.origin),
        client_id: Some("native"),
        ..super::Said::default()
    };
    let server = parse_server(&api.origin).unwrap();
    let named = discover(&http, &server, "hallpass-cli", said).unwrap();
    assert_eq!((named.server, named.issuer), (api.origin.clone(), issuer.origin.clone()));
    assert_eq!(named.client_id, "native");
    assert!(api.all().is_empty());
}

#[test]
fn a_server_without_configuration_is_its_own_issuer() {
    let server = FakeServer::issuer();
    let found = found(&server).unwrap();
    assert_eq!(found.issuer, server.origin);
    assert_eq!(found.client_id, "hallpass-cli");
    assert_eq!(found.scope.to_string(), "account email offline_access openid profile tokens");
    assert_eq!(found.offer.refusal(Flow::Browser), None);
    assert_eq!(found.offer.refusal(Flow::Device), None);
    assert_eq!(found.resource, None);
}

#[test]
fn a_server_is_not_asked_for_scopes_that_it_does_not_know() {
    let server = FakeServer::issuer();
    let known = json!(["openid", "email", "offline_access", "publish"]);
    let place = "/.well-known/oauth-authorization-server";
    server.says(place, with(&server, "scopes_supported", Some(known)));
    assert_eq!(found(&server).unwrap().scope.to_string(), "email offline_access openid");
}

#[test]
fn the_configuration_names_issuer_client_scopes_and_resource() {
    let (api, issuer) = (FakeServer::empty(), FakeServer::issuer());
    let config = json!({
        "mode": "oidc",
        "issuer": issuer.origin,
        "client_id": "a-tool",
        "scopes": ["openid", "publish"],
        "audience": format!("{}/api", api.origin),
    });
    api.says("/auth/config", Said::json(200, &config));
    let found = found(&api).unwrap();
    assert_eq!(found.server, api.origin);
    assert_eq!(found.issuer, issuer.origin);
    assert_eq!(found.client_id, "a-tool");
    assert_eq!(found.scope.to_string(), "openid publish");
    assert_eq!(found.resource, Some(format!("{}/api", api.origin)));
}

// proves: J07, client-H7
#[test]
fn a_server_cannot_collect_tokens_that_are_for_another() {
    let (api, issuer) = (FakeServer::empty(), FakeServer::issuer());
    for audience in [json!(null), json!(format!("{}/api", issuer.origin)), json!("not an address")]
    {
        let config = json!({ "mode": "oidc", "issuer": issuer.origin, "audience": audience });
        api.says("/auth/config", Said::json(200, &config));
        assert!(matches!(refused(&api), DiscoveryError::ForeignIssuer { .. }), "{audience}");
    }
    assert!(issuer.all().is_empty(), "nothing may be sent there");
}

#[test]
fn local_mode_needs_no_login() {
    let server = FakeServer::issuer();
    server.says("/auth/config", Said::json(200, &json!({ "mode": "local" })));
    assert!(matches!(found(&server), Err(Error::LocalMode { .. })));
}

// proves: F08
#[test]
fn the_three_well_known_places_are_tried_in_order() {
    let url = Url::parse("https://id.example.com/tenant/").unwrap();
    assert_eq!(
        well_known(&url),
        [
            "https://id.example.com/.well-known/oauth-authorization-server/tenant",
            "https://id.example.com/.well-known/openid-configuration/tenant",
            "https://id.example.com/tenant/.well-known/openid-configuration",
        ]
    );
    // The second works as well as the first, and a front page in its place is passed over.
    for first in [
        Said::text(404, "text/plain", ""),
        Said::text(200, "text/html; charset=utf-8", "<!doctype html>"),
    ] {
        let server = FakeServer::issuer();
        server.says(RFC8414, first);
        server.says(OPENID, Said::json(200, &server.metadata()));
        assert_eq!(found(&server).unwrap().issuer, server.origin);
        assert_eq!(server.seen(RFC8414).len(), 1);
    }
}

// proves: F08, J04
#[test]
fn a_document_about_another_issuer_is_refused_byte_for_byte() {
    for wrong in ["/", "//", "/x", "?", "#"] {
        let server = FakeServer::issuer();
        let issuer = json!(format!("{}{wrong}", server.origin));
        server.says(RFC8414, with(&server, "issuer", Some(issuer)));
        server.says(OPENID, Said::json(200, &server.metadata()));
        assert!(matches!(refused(&server), DiscoveryError::IssuerMismatch { .. }), "{wrong}");
        // Not even the next place is believed after that.
        assert!(server.seen(OPENID).is_empty());
    }
    let server = FakeServer::issuer();
    let upper = server.origin.replace("http:", "HTTP:");
    server.says(RFC8414, with(&server, "issuer", Some(json!(upper))));
    assert!(matches!(refused(&server), DiscoveryError::IssuerMismatch { .. }));
}

// proves: J06, client-A10
#[test]
fn without_s256_there_is_no_browser_flow() {
    for methods in [None, Some(json!([])), Some(json!(["plain"])), Some(json!(["s256"]))] {
        let server = FakeServer::issuer();
        server.says(RFC8414, with(&server, "code_challenge_methods_supported", methods.clone()));
        let offer = found(&server).unwrap().offer;
        assert!(
            offer.refusal(Flow::Browser).is_some_and(|why| why.contains("PKCE")),
            "{methods:?}"
        );
        assert_eq!(offer.refusal(Flow::Device), None);
    }
}

// proves: client-A10
#[test]
fn what_is_not_offered_is_said() {
    let cases: [(&str, Option<serde_json::Value>, Flow); 5] = [
        ("authorization_endpoint", None, Flow::Browser),
        ("response_types_supported", Some(json!(["token"])), Flow::Browser),
        ("grant_types_supported", Some(json!(["refresh_token"])), Flow::Browser),
        ("grant_types_supported", Some(json!(["authorization_code"])), Flow::Device),
        ("device_authorization_endpoint", None, Flow::Device),
    ];
    for (member, value, flow) in cases {
        let server = FakeServer::issuer();
        server.says(RFC8414, with(&server, member, value));
        assert!(found(&server).unwrap().offer.refusal(flow).is_some(), "{member}");
    }
}

#[test]
fn a_web_page_is_no_metadata() {
    let server = FakeServer::issuer();
    let page = Said::text(200, "text/html", "<!doctype html><title>Welcome</title>");
    for path in ["/auth/config", RFC8414, OPENID] {
        server.says(path, page.clone());
    }
    let error = refused(&server);
    assert!(matches!(&error, DiscoveryError::NotFound { .. }));
    assert!(error.to_string().contains("web page"), "{error}");
    assert!(!error.to_string().contains("Welcome"), "{error}");
}

#[test]
fn a_server_that_is_none_and_one_that_is_down_are_told_apart() {
    assert!(matches!(refused(&FakeServer::empty()), DiscoveryError::NotFound { .. }));
    let server = FakeServer::issuer();
    server.says(RFC8414, Said::text(503, "text/plain", ""));
    let down = found(&server).unwrap_err();
    assert!(matches!(down, Error::Http(HttpError::Status { status: 503, .. })));
    server.says("/auth/config", Said::text(500, "text/plain", ""));
    assert!(matches!(found(&server), Err(error) if error.class() == Class::CannotVerify));
}

// proves: client-H7
#[test]
fn redirects_are_not_followed() {
    let (server, other) = (FakeServer::issuer(), FakeServer::issuer());
    let away =
        Said::text(302, "text/plain", "").with("Location", &format!("{}{RFC8414}", other.origin));
    server.says(RFC8414, away);
    let led_away = found(&server).unwrap_err();
    assert!(matches!(
        led_away,
        Error::Http(HttpError::Redirect { to, .. }) if to.starts_with(&other.origin)
    ));
    assert!(other.all().is_empty());
}

#[test]
fn endpoints_must_be_safe() {
    for bad in [
        "http://id.example.com/x",
        "ftp://127.0.0.1/x",
        "token",
        "http://u@127.0.0.1/x",
        "http://127.0.0.1/x#f",
    ] {
        let server = FakeServer::issuer();
        server.says(RFC8414, with(&server, "token_endpoint", Some(json!(bad))));
        assert!(matches!(refused(&server), DiscoveryError::BadEndpoint { .. }), "{bad}");
    }
    let server = FakeServer::issuer();
    server.says(RFC8414, with(&server, "token_endpoint", None));
    assert!(matches!(refused(&server), DiscoveryError::BadEndpoint { .. }));
    // A secure issuer does not send anybody to plain http.
    let metadata = ServerMetadata {
        issuer: "https://id.example.com".into(),
        token_endpoint: Some("http://127.0.0.1/token".into()),
        ..ServerMetadata::default()
    };
    assert!(matches!(
        check(&metadata, "https://id.example.com"),
        Err(DiscoveryError::BadEndpoint { what: "token_endpoint", .. })
    ));
}

#[test]
fn addresses_are_read_kindly_and_strictly() {
    let read = |text: &str| parse_server(text).map(|server| server.to_string());
    assert_eq!(read("id.example.com").unwrap(), "https://id.example.com");
    assert_eq!(read(" https://ID.example.com/ ").unwrap(), "https://id.example.com");
    assert_eq!(read("localhost:8470").unwrap(), "http://localhost:8470");
    // A single word is a host only for who says so.
    assert!(read("notaurl").unwrap_err().to_string().contains("write https://notaurl"));
    for host in ["https://registry", "registry:8443", "localhost", "[::1]", "127.0.0.1"] {
        assert!(read(host).is_ok(), "{host}");
    }
    assert_eq!(read("[::1]:8470").unwrap(), "http://[::1]:8470");
    for bad in ["", "http://id.example.com", "https://id.example.com/auth", "ftp://x", "a b"] {
        assert!(matches!(read(bad), Err(Error::BadServer { .. })), "{bad}");
    }
}
