//! An administrator acts for somebody else, and they see it.

use anyhow::Result;
use hallpass_testkit::browser::Options;
use hallpass_testkit::person::Person;
use hallpass_testkit::server::Plan;
use reqwest::StatusCode;

use crate::gallery::keep;
use crate::scene::{ROOT, Scene};

// proves: SM13
#[tokio::test]
async fn an_administrator_makes_a_token_for_somebody_and_ends_it_without_scripts() -> Result<()> {
    let scene = Scene::of(Plan::new(), Options { javascript: false }).await?;
    let (browser, server) = (&scene.browser, &scene.server);
    let ada = Person::signed_in(server, &scene.ada).await?;
    scene.sign_root_in().await?;
    browser.click("#to-people").await?;
    browser.find("#people").await?;
    browser.fill("#q", "ADA@").await?;
    browser.click("#search button").await?;
    browser.arrives("who was found", |url| url.contains("q=ADA")).await?;
    keep(browser, "people").await?;
    browser.click("#people a.name").await?;
    browser.find("#no-tokens").await?;
    keep(browser, "acting-empty").await?;
    browser.click("#new-token").await?;
    browser.fill("#make #name", "ci").await?;
    browser.click("#make #submit").await?;
    let text = browser.find("#token").await?.prop("value").await?.unwrap_or_default();
    assert!(text.starts_with("hp_user_"), "{text}");
    keep(browser, "acting-shown").await?;
    let shown_at = browser.url().await?;
    assert!(!shown_at.contains(&text));
    browser.click("#next").await?;
    browser.click("#tokens a.name").await?;
    browser.fill("#rename #name", "build machine").await?;
    browser.click("#rename button").await?;
    browser.shows("#notice", "new name").await?;
    keep(browser, "acting-one").await?;

    let hers = ada.get("/settings/tokens").await?;
    assert!(hers.body.contains(&format!("by <bdi>{ROOT}</bdi>")), "{}", hers.body);
    assert!(hers.body.contains(&format!("Renamed by {ROOT}")), "{}", hers.body);
    assert!(!hers.body.contains(&text));
    let path = shown_at.strip_prefix(&server.at("")).unwrap_or_default();
    for path in [path, "/admin/users"] {
        assert_eq!(ada.get(path).await?.status, StatusCode::NOT_FOUND, "{path}");
    }

    browser.click("#revoke-it summary").await?;
    browser.click("#revoke button").await?;
    browser.shows("#notice", "is revoked").await?;
    let asked = server.http()?.build()?.get(server.at("/api/v1/whoami")).bearer_auth(&text);
    assert_eq!(asked.send().await?.status(), StatusCode::UNAUTHORIZED);
    let hers = ada.get("/settings/tokens").await?;
    assert!(hers.text("#gone").is_some_and(|gone| gone.contains(ROOT)), "{}", hers.body);
    scene.browser.close().await
}
