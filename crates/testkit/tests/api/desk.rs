//! The leak desk, and GitHub's secret scanning.

use std::fs;

use anyhow::{Context as _, Result};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_core::Digest;
use hallpass_testkit::oauth::Answer;
use hallpass_testkit::server::Plan;
use hallpass_testkit::smtp::Smtp;
use hallpass_testkit::town::Town;
use serde_json::{Value, json};

use crate::city::text;

const HOOK: &str = "/api/v1/secret-scanning/github";
/// What stands before the point in the SubjectPublicKeyInfo of a P-256 key (RFC 5480 §2).
const SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

fn published(name: &str, key: &EcdsaKeyPair) -> Value {
    let der = STANDARD.encode([&SPKI, key.public_key().as_ref()].concat());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n");
    json!({ "public_keys": [{ "key_identifier": name, "key": pem, "is_current": true }] })
}

/// A personal token of Ada's, and what she presents otherwise.
async fn token(town: &Town, name: &str) -> Result<(String, String)> {
    let cli = hallpass_testkit::oauth::OAuth::public(&town.server, "hallpass-cli");
    let scope = [("scope", "openid account tokens")];
    let access = cli.tokens(&town.person, &scope).await?.access;
    let request = cli.request("POST", "/api/v1/tokens").bearer_auth(&access);
    let made = Answer::of(request.json(&json!({ "name": name }))).await?.json();
    Ok((text(&made, "value")?, access))
}

/// Whether it is good, as an API would ask.
async fn is_good(town: &Town, token: &str) -> Result<bool> {
    Ok(town.api.introspect(token).await?.json()["active"] == true)
}

// proves: HP13
#[tokio::test]
async fn whoever_brings_a_token_has_it_revoked_and_learns_nothing() -> Result<()> {
    let town = Town::build().await?;
    let (value, access) = token(&town, "ci").await?;
    let desk = async |tokens: Value| {
        let request = town.tool.request("POST", "/api/v1/revoke-leaked");
        Answer::of(request.json(&json!({ "tokens": tokens }))).await
    };
    assert!(is_good(&town, &value).await?);
    let unknown = desk(json!(["hp_user_0123456789ABCDEFGHIJKLMNOPQRST3OurKA"])).await?;
    let good = desk(json!([value])).await?;
    assert!(!is_good(&town, &value).await?);
    let again = desk(json!([value])).await?;
    for answer in [&unknown, &good, &again] {
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, r#"{"received":1}"#));
        let mut names: Vec<_> = answer.headers.keys().map(|name| name.as_str()).collect();
        let mut others: Vec<_> = good.headers.keys().map(|name| name.as_str()).collect();
        names.sort_unstable();
        others.sort_unstable();
        assert_eq!(names, others);
    }
    let listed = town.tool.get_with("/api/v1/tokens", &access).await?.json();
    assert!(listed["items"][0]["leaked_at"].is_string(), "{listed}");
    Ok(())
}

// proves: HP13
#[tokio::test]
async fn what_github_found_is_revoked_if_github_signed_it() -> Result<()> {
    let make = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING);
    let (key, other) = (make()?, make()?);
    let scratch = tempfile::tempdir()?;
    let file = scratch.path().join("keys.json");
    fs::write(&file, published("k1", &key).to_string())?;
    let path = file.to_str().context("a path")?;
    let town = Town::of(Plan::new().set("secret_scanning_keys_file", path)).await?;
    let (value, _) = token(&town, "ci").await?;
    let made_up = "hp_user_0123456789ABCDEFGHIJKLMNOPQRST3OurKA";
    let found = |token: &str| json!({ "token": token, "type": "hallpass_personal_token", "url": "https://github.com/a/b", "source": "content" });
    let body = json!([found(&value), found(made_up)]).to_string();
    let deliver = async |key: &EcdsaKeyPair, name: Option<&str>, signed: &str, body: &str| {
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes())?;
        let mut request =
            town.tool.request("POST", HOOK).header("content-type", "application/json");
        if let Some(name) = name {
            request = request
                .header("Github-Public-Key-Identifier", name)
                .header("Github-Public-Key-Signature", STANDARD.encode(signature.as_ref()));
        }
        Answer::of(request.body(body.to_owned())).await
    };
    let spaced = format!("{body} ");
    for (what, answer, status) in [
        ("unsigned", deliver(&key, None, &body, &body).await?, 401),
        ("by somebody else", deliver(&other, Some("k1"), &body, &body).await?, 403),
        ("by a key nobody knows", deliver(&key, Some("k2"), &body, &body).await?, 403),
        ("another body", deliver(&key, Some("k1"), &body, &spaced).await?, 403),
    ] {
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        assert!(is_good(&town, &value).await?, "{what}");
    }
    let feedback = deliver(&key, Some("k1"), &body, &body).await?;
    assert_eq!(feedback.status, 200, "{feedback:?}");
    let label = |token: &str, label: &str| {
        let hash: String = Digest::of(token.as_bytes())
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        json!({ "token_hash": hash, "token_type": "hallpass_personal_token", "label": label })
    };
    let wanted = json!([label(&value, "true_positive"), label(made_up, "false_positive")]);
    assert_eq!(feedback.json(), wanted);
    assert!(!is_good(&town, &value).await?);
    let nonsense = deliver(&key, Some("k1"), "{}", "{}").await?;
    assert_eq!(nonsense.status, 400);
    // GitHub's keys change; nobody has to restart anything.
    fs::write(&file, published("k2", &other).to_string())?;
    assert_eq!(deliver(&other, Some("k2"), "[]", "[]").await?.status, 200);
    assert_eq!(deliver(&key, Some("k1"), "[]", "[]").await?.status, 403);
    Ok(())
}

// proves: HP13
#[tokio::test]
async fn whose_token_leaked_is_told_by_mail_once_and_after_a_restart_too() -> Result<()> {
    let post = Smtp::start().await?;
    let mut town = Town::of(post.of(Plan::new())).await?;
    let (value, _) = token(&town, "ci, Bcc: eve@example.com").await?;
    let bring = async |town: &Town, value: &str| {
        let request = town.tool.request("POST", "/api/v1/revoke-leaked");
        Answer::of(request.json(&json!({ "tokens": [value] }))).await
    };
    // The mail server is busy; the desk is not.
    post.is_busy(true);
    assert_eq!(bring(&town, &value).await?.status, 200);
    assert!(!is_good(&town, &value).await?);
    let waits = || Ok(town.server.log().contains("a mail waits").then_some(()));
    hallpass_testkit::wait::until("a letter to wait", async || waits()).await?;
    assert!(post.so_far().await.is_empty());
    town.server.kill()?;
    post.is_busy(false);
    town.server.start_again().await?;
    let mail = post.next().await?;
    assert_eq!(
        (mail.to.as_str(), mail.header("Auto-Submitted")),
        ("ada@example.com", Some("auto-generated"))
    );
    assert!(
        mail.header("Bcc").is_none()
            && mail.header("Subject").is_some_and(|it| it.contains("leaked")),
        "{mail:?}"
    );
    assert!(
        mail.text.contains(&value[value.len() - 4..]) && !mail.text.contains(&value),
        "{mail:?}"
    );
    assert!(mail.text.contains("/settings/tokens"), "{mail:?}");
    // Once, however often it is brought.
    assert_eq!(bring(&town, &value).await?.status, 200);
    let (other, _) = token(&town, "other").await?;
    assert_eq!(bring(&town, &other).await?.status, 200);
    let next = post.next().await?;
    assert!(next.header("Subject").is_some_and(|it| it.contains("other")), "{next:?}");
    assert!(post.so_far().await.is_empty());
    Ok(())
}
