//! An issuer's metadata and keys, from a small server of its own that counts who asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hallpass_outside::Bad;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::forge::{CLIENT, Forge, good_claims, good_header};
use super::{NOW, at, ours};
use crate::remote::outside::{Outside, OutsideIssuer};

const METADATA: &str = "/.well-known/openid-configuration";

/// An answer: the status line's rest, more headers, the body.
type Answer = (&'static str, String, String);

struct Provider {
    issuer: String,
    asked: Arc<AtomicU32>,
}

impl Provider {
    /// Answers what `answer` says to the issuer's own address and the path.
    async fn start(answer: impl Fn(&str, &str) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(AtomicU32::new(0));
        let (own, count) = (issuer.clone(), asked.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => request.push(byte),
                        Err(_) => break,
                    }
                }
                count.fetch_add(1, Ordering::SeqCst);
                let request = String::from_utf8_lossy(&request).into_owned();
                assert!(!request.to_lowercase().contains("authorization"), "{request}");
                let path = request.split(' ').nth(1).unwrap_or_default();
                let (status, headers, body) = answer(&own, path);
                let head = format!(
                    "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                // Whoever has read enough may be gone.
                let _ = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await;
            }
        });
        Self { issuer, asked }
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    fn trusted(&self) -> Outside {
        let issuer = OutsideIssuer::new(&self.issuer, CLIENT).http_on_loopback();
        Outside::new(vec![issuer], &ours()).expect("an issuer to trust")
    }

    fn token(&self, forge: &Forge, kid: &str) -> String {
        let (mut header, mut claims) = (good_header(), good_claims());
        header["kid"] = json!(kid);
        claims["iss"] = json!(self.issuer);
        forge.text(&header.to_string(), &claims.to_string())
    }
}

fn ok(body: Value) -> Answer {
    ("200 OK", String::new(), body.to_string())
}

/// A provider as it should be, whose key set is `keys`.
fn provider(keys: Vec<Value>) -> impl Fn(&str, &str) -> Answer + Send + 'static {
    move |own, path| match path {
        METADATA => ok(json!({"issuer": own, "jwks_uri": format!("{own}/keys"), "later": [1]})),
        "/keys" => ok(json!({"keys": keys})),
        _ => ("404 Not Found", String::new(), String::new()),
    }
}

// proves: G06
#[tokio::test]
async fn how_often_an_issuer_is_asked_is_not_up_to_who_sends_tokens() {
    let forge = Forge::new();
    let provider = Provider::start(provider(forge.key_set())).await;
    let outside = provider.trusted();
    let read = async |token: &str, second| outside.read(token, NOW, at(second)).await.err();
    // An issuer that nobody named, and what cannot be read, costs no request.
    assert_eq!(read(&forge.claims(json!({})), 0).await, Some(Bad::Issuer));
    let broken = good_header().to_string();
    assert_eq!(read(&forge.text(&broken, "{}"), 0).await, Some(Bad::Claims));
    assert_eq!(provider.asked(), 0);
    let good = provider.token(&forge, "es");
    assert_eq!(read(&good, 0).await, None);
    assert_eq!(provider.asked(), 2, "metadata and keys");
    for kid in 0..40 {
        assert_eq!(read(&provider.token(&forge, &kid.to_string()), 1).await, Some(Bad::Key));
    }
    assert_eq!(provider.asked(), 2);
    // A key that is new is found, half a minute later at the soonest.
    assert_eq!(read(&provider.token(&forge, "new"), 30).await, Some(Bad::Key));
    assert_eq!(provider.asked(), 4);
    assert_eq!(read(&good, 299).await, None);
    assert_eq!(provider.asked(), 4);
}

#[tokio::test]
async fn an_issuer_that_is_not_as_it_should_be_is_believed_nothing() {
    let forge = Forge::new();
    type Wrong = fn(&str) -> Answer;
    // What the metadata's address answers; the keys are always good.
    let table: [(&str, Wrong); 10] = [
        ("another issuer", |own| {
            ok(json!({"issuer": format!("{own}/"), "jwks_uri": format!("{own}/keys")}))
        }),
        ("no issuer", |own| ok(json!({"jwks_uri": format!("{own}/keys")}))),
        ("keys elsewhere, not encrypted", |own| {
            ok(json!({"issuer": own, "jwks_uri": "http://192.0.2.1/keys"}))
        }),
        ("keys in a file", |own| ok(json!({"issuer": own, "jwks_uri": "file:///etc/keys"}))),
        ("no keys", |own| ok(json!({"issuer": own}))),
        ("a redirect", |own| {
            ("307 Temporary Redirect", format!("location: {own}/moved\r\n"), String::new())
        }),
        ("keys behind a redirect", |own| {
            ok(json!({"issuer": own, "jwks_uri": format!("{own}/moved")}))
        }),
        ("an error", |_| ("503 Service Unavailable", String::new(), String::new())),
        ("no JSON", |_| ("200 OK", String::new(), "<html>".to_owned())),
        ("too much", |own| {
            let more = "x".repeat(300_000);
            ok(json!({"issuer": own, "jwks_uri": format!("{own}/keys"), "more": more}))
        }),
    ];
    for (name, wrong) in table {
        let keys = forge.key_set();
        let provider = Provider::start(move |own, path| match path {
            METADATA => wrong(own),
            "/moved" => {
                ("307 Temporary Redirect", format!("location: {own}/keys\r\n"), String::new())
            }
            "/keys" => ok(json!({"keys": keys})),
            _ => ("404 Not Found", String::new(), String::new()),
        })
        .await;
        let outside = provider.trusted();
        let read = outside.read(&provider.token(&forge, "es"), NOW, at(0)).await;
        assert_eq!(read.err(), Some(Bad::KeysUnknown), "{name}");
        assert!(provider.asked() <= 2, "{name}: {}", provider.asked());
    }
}

// proves: G05
#[test]
fn a_key_is_for_one_algorithm_and_never_a_shared_secret() {
    let forge = Forge::new();
    let keys = forge.published();
    let mut ids: Vec<&str> = keys.keys().map(String::as_str).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["es", "rsa"]);
    assert_eq!(keys["es"].algorithm, Algorithm::ES256);
    assert_eq!(keys["rsa"].algorithm, Algorithm::RS256);
}
