//! What is written down about requests, and what never is.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use hallpass_core::wire::path;
use http::{Method, StatusCode};
use tracing_subscriber::fmt::MakeWriter;

use super::town::{CLIENT, Town, bearer, with_bearer};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Kept {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(bytes.clone()).expect("text")
    }
}

// proves: D18, attack-31
#[tokio::test]
async fn no_secret_is_logged_or_counted() {
    let kept = Kept::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(kept.clone())
        .finish();
    // For the whole process: what other tests log meanwhile has to be clean as well.
    tracing::subscriber::set_global_default(subscriber).expect("the only one");

    let town = Town::new().await;
    let ada = town.person("ada@example.com").await;
    let caller = town.caller("api").await;
    let tokens = town.tokens(&ada, "openid account").await;
    let header = bearer(&tokens.access_token);
    town.get(path::WHOAMI, &with_bearer(&header)).await;
    let token = tokens.access_token.expose();
    town.post(path::INTROSPECT, &[("token", token)], &[("authorization", &caller)]).await;
    let refresh = tokens.refresh_token.expect("a refresh token");
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.expose()),
        ("client_id", CLIENT),
    ];
    for _ in 0..2 {
        assert_eq!(town.post(path::TOKEN, &fields, &[]).await.status, StatusCode::OK);
    }
    // Misplaced, and where nobody looks for it.
    town.get(&format!("/nothing/{token}?access_token={token}"), &[]).await;
    town.get(&format!("{}?access_token={token}", path::WHOAMI), &[]).await;
    let at = format!("{}/{}", path::SESSIONS, refresh.expose());
    town.ask(Method::DELETE, &at, &with_bearer(&header), "").await;
    town.get("/device?user_code=BCDF-GHJK", &[]).await;
    town.get("/setup?code=hp_setup_hush", &[]).await;

    let request = http::Request::get("/metrics").body(axum::body::Body::empty()).expect("request");
    let metrics = town.send(request, Some(std::net::Ipv4Addr::LOCALHOST.into())).await.body;
    let log = kept.text();
    assert!(log.contains("route=\"/api/v1/sessions/{id}\""), "{log}");
    assert!(metrics.contains("hallpass_http_requests_total"));
    let basic = caller.strip_prefix("Basic ").expect("basic");
    let secrets = [token, refresh.expose(), basic, "hp_", "hush", "BCDF", super::town::PASSWORD];
    for secret in secrets {
        // Names of routes and metrics are no secrets; none begins like a token.
        assert!(!log.contains(secret), "the log has {secret:?}");
        assert!(!metrics.contains(secret), "the metrics have {secret:?}");
    }
}

#[tokio::test]
async fn every_request_has_a_number_of_its_own() {
    let town = Town::new().await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let answer = town.get("/health/live", &[("x-request-id", "mine")]).await;
        seen.insert(answer.header("x-request-id").to_owned());
    }
    assert_eq!(seen.len(), 20);
    assert!(!seen.contains("mine"));
}
