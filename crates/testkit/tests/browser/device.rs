//! Signing a terminal in with a code: `hallpass login --device`.

use anyhow::Result;
use hallpass_testkit::browser::Options;
use hallpass_testkit::server::{PASSWORD, Plan};

use crate::scene::Scene;

// proves: HP11, D11, D13, client-C7
#[tokio::test]
async fn a_code_typed_in_lower_case_with_spaces_is_looked_at_and_then_approved() -> Result<()> {
    let plan = Plan::new().set("device_interval", "1s");
    let scene = Scene::of(plan, Options::default()).await?;
    let (login, code) = scene.device_login().await?;
    scene.browser.goto(&scene.server.at("/device")).await?;
    scene.browser.sign_in(&scene.ada.email, PASSWORD).await?;
    scene.type_code(&format!("  {} ", code.to_lowercase().replace('-', " "))).await?;

    // Nothing is approved yet: the page asks, and says whose word each fact is.
    assert_eq!(scene.browser.text("#user-code").await?, code);
    let page = scene.browser.text("#main").await?;
    for said in ["Did you start this", "Reported by the requester", "What this server saw"] {
        assert!(page.contains(said), "no {said:?} in {page}");
    }
    scene.browser.shows("#client-name", "hallpass").await?;
    assert!(
        scene.browser.text("#address").await?.contains("127.0.0.1")
            || scene.browser.text("#address").await?.contains("::1")
    );
    let asked = scene.browser.text("#asked").await?;
    assert!(asked.contains("just now") || asked.contains("ago"), "{asked}");
    scene.browser.shows("#reported-command", "login").await?;
    assert!(scene.browser.text("#approve").await?.starts_with("Approve sign-in for hallpass"));
    assert_eq!(scene.whoami().await?.code, Some(3));

    scene.browser.click("#approve").await?;
    assert_eq!(scene.outcome().await?, "approved");
    scene.is_signed_in(login).await?;
    scene.browser.close().await
}

#[tokio::test]
async fn a_denial_ends_the_wait() -> Result<()> {
    let scene = Scene::of(Plan::new().set("device_interval", "1s"), Options::default()).await?;
    scene.sign_in().await?;
    let (login, code) = scene.device_login().await?;
    scene.type_code(&code).await?;
    scene.browser.click("#deny").await?;
    assert_eq!(scene.outcome().await?, "denied");
    scene.is_refused(login, "access_denied").await?;
    scene.browser.close().await
}

#[tokio::test]
async fn a_code_that_is_wrong_or_too_old_is_said_to_be() -> Result<()> {
    let plan = Plan::new().set("device_interval", "1s").set("device_ttl", "4s");
    let scene = Scene::of(plan, Options::default()).await?;
    scene.sign_in().await?;
    scene.type_code("BCDF-GHJK").await?;
    scene.browser.shows("#notice", "No sign-in is waiting").await?;
    let (login, code) = scene.device_login().await?;
    scene.is_refused(login, "expired_token").await?;
    scene.type_code(&code).await?;
    scene.browser.shows("#notice", "expired").await?;
    scene.browser.close().await
}

// proves: D10, D12, attack-1
#[tokio::test]
async fn the_link_with_the_code_in_it_fills_in_and_approves_nothing() -> Result<()> {
    let scene = Scene::of(Plan::new().set("device_interval", "1s"), Options::default()).await?;
    scene.sign_in().await?;
    let (login, link) = scene.login(&["--device"], "verification_uri_complete").await?;
    for _ in 0..3 {
        scene.browser.goto(&link).await?;
        scene.browser.find("#device #submit").await?;
    }
    assert_eq!(scene.whoami().await?.code, Some(3));
    scene.browser.shows("#user_code-hint", "Compare").await?;
    scene.browser.click("#device #submit").await?;
    scene.browser.click("#approve").await?;
    scene.is_signed_in(login).await?;
    scene.browser.close().await
}
