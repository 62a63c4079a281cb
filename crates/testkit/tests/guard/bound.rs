//! Tokens that are bound to a key, at an API in another process (RFC 9449 §7).

use anyhow::Result;
use hallpass_testkit::oauth::{CALLBACK, Tokens};
use hallpass_testkit::possession::{Key, token};
use serde_json::json;

use crate::scene::Scene;

// proves: HP03
#[tokio::test]
async fn a_guard_admits_the_key_and_nobody_who_only_has_the_token() -> Result<()> {
    let scene = Scene::build().await?;
    let (tool, api) = (&scene.town.tool, &scene.api);
    let (key, other) = (Key::new()?, Key::new()?);
    let jkt = key.jkt();
    let approved = tool.approved(&scene.town.person, &[("dpop_jkt", &jkt)]).await?;
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", approved.code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", &approved.verifier),
    ];
    let tokens = Tokens::read(&token(tool, &redeem, &key).await?)?;
    let access = tokens.access.as_str();
    let url = format!("{}/me", api.url());

    // As a bearer token it is refused, from memory too.
    for _ in 0..2 {
        assert_eq!(api.ask(access).await?, 401);
    }
    let proof = key.proof("GET", &url, "", Some(access));
    let asked = api.get_bound("/me", access, &[&proof]).await?;
    assert_eq!(asked.status, 401, "{asked:?}");
    assert!(asked.header("www-authenticate").contains(r#"error="use_dpop_nonce""#), "{asked:?}");
    let nonce = asked.header("dpop-nonce").to_owned();
    let proof = |key: &Key| key.proof("GET", &url, &nonce, Some(access));
    let good = proof(&key);
    let admitted = api.get_bound("/me", access, &[&good]).await?;
    assert_eq!(admitted.status, 200, "{admitted:?}");
    // Once; by no other key; for no other request; and never without.
    let (other_key, first, second) = (proof(&other), proof(&key), proof(&key));
    let elsewhere = key.proof("GET", &format!("{}/status", api.url()), &nonce, Some(access));
    let server = key.proof("GET", &scene.town.server.at("/me"), &nonce, Some(access));
    for (what, bad) in [
        ("replayed", vec![good.as_str()]),
        ("another key", vec![other_key.as_str()]),
        ("another path", vec![&elsewhere]),
        ("another host", vec![&server]),
        ("none", vec![]),
        ("two", vec![first.as_str(), &second]),
    ] {
        let refused = api.get_bound("/me", access, &bad).await?;
        assert_eq!(refused.status, 401, "{what}");
        let challenge = refused.header("www-authenticate");
        assert!(
            challenge.starts_with("DPoP ") && challenge.contains("algs="),
            "{what}: {challenge}"
        );
    }
    // A token that is bound to nothing is no DPoP token.
    let plain = tool.tokens(&scene.town.person, &[]).await?.access;
    let proof = key.proof("GET", &url, &nonce, Some(&plain));
    assert_eq!(api.get_bound("/me", &plain, &[&proof]).await?.status, 401);
    assert_eq!(api.ask(&plain).await?, 200);
    // The key may go on until the sign-in ends.
    let proof = |token: &str| key.proof("GET", &url, &nonce, Some(token));
    assert_eq!(api.get_bound("/me", access, &[&proof(access)]).await?.status, 200);
    tool.revoke(&tokens.refresh).await?;
    assert_eq!(api.get_bound("/me", access, &[&proof(access)]).await?.status, 401);
    let told = scene.town.api.introspect(access).await?.json();
    assert_eq!(told, json!({ "active": false }));
    Ok(())
}
