//! An older system's tokens, for the owners of their project.

use anyhow::{Context as _, Result};
use hallpass_testkit::browser::Options;
use hallpass_testkit::server::Plan;
use hallpass_testkit::tree;
use tempfile::TempDir;

use crate::gallery::keep;
use crate::scene::Scene;

// proves: ST13
#[tokio::test]
async fn an_owner_sees_who_uses_them_makes_one_in_phase_a_and_ends_it() -> Result<()> {
    let scratch = TempDir::with_prefix("hallpass-brand-")?;
    let file = scratch.path().join("brand.toml");
    let ours = std::fs::read_to_string(tree::root().join("brands/hallpass.toml"))?;
    std::fs::write(&file, format!("{ours}\n[tokens]\nlegacy_prefix = 'stk_'\n"))?;
    let brand = file.to_str().context("a path in UTF-8")?;
    let plan = Plan::new().set("brand_file", brand);
    let scene = Scene::of(plan, Options::default()).await?;
    let (browser, server) = (&scene.browser, &scene.server);
    let admin =
        async |words: &[&str]| server.admin(&[words, &["--brand-file", brand]].concat(), "").await;
    admin(&["org", "create", "acme", "--owner", &scene.ada.email]).await?;
    admin(&["project", "create", "acme/genome"]).await?;
    let hashes = scratch.path().join("hashes.csv");
    let listed: String =
        ["one", "two"].map(|name| format!("{},cron on {name}\n", name_hash(name))).concat();
    std::fs::write(&hashes, format!("hash,name\n{listed}"))?;
    let hashes = hashes.to_str().context("a path in UTF-8")?;
    admin(&["legacy", "import", hashes, "--project", "acme/genome"]).await?;

    scene.sign_in().await?;
    keep(browser, "home-older").await?;
    browser.goto(&server.at("/settings/tokens")).await?;
    keep(browser, "tokens-older").await?;
    browser.click("#older-tokens a").await?;
    browser.shows("#banner", "Phase A").await?;
    browser.shows("#summary", "2 of them still work").await?;
    browser.click("#make-one summary").await?;
    keep(browser, "older").await?;
    browser.fill("#make #name", "last of its kind").await?;
    browser.click("#make button").await?;
    let text = browser.find("#token").await?.prop("value").await?.unwrap_or_default();
    assert!(text.starts_with("stk_"), "{text}");
    keep(browser, "older-shown").await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    browser.click("#next").await?;
    browser.shows("#tokens", "last of its kind").await?;
    assert!(!browser.driver().source().await?.contains(&text));

    browser.click("#tokens li:first-child summary").await?;
    browser.click("#tokens li:first-child button").await?;
    browser.shows("#notice", "is revoked").await?;
    admin(&["legacy", "phase", "C", "--sunset", "2099-06-30"]).await?;
    server_knows(&scene).await?;
    assert!(!browser.has("#make-one").await?);
    browser.shows("#banner", "30 June 2099").await?;
    keep(browser, "older-over").await?;
    scene.browser.close().await
}

/// Until the page speaks of the phase that the operator set.
async fn server_knows(scene: &Scene) -> Result<()> {
    hallpass_testkit::wait::until("the next phase", async || {
        scene.browser.driver().refresh().await?;
        let told = scene.browser.text("#banner").await?.contains("Phase C");
        Ok(told.then_some(()))
    })
    .await
}

/// The SHA-256 of `stk_…`, in hexadecimal digits.
fn name_hash(name: &str) -> String {
    let digest = hallpass_core::Digest::of(format!("stk_{name}").as_bytes());
    digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
