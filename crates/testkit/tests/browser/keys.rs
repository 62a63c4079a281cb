//! Keys of a project and an organization: minted, shown once, rotated with overlap, revoked.

use anyhow::{Context as _, Result};
use hallpass_testkit::oauth::Answer;
use reqwest::StatusCode;

use crate::gallery::keep;
use crate::scene::Scene;

/// What `/check` answers to whoever presents this.
async fn check(scene: &Scene, key: &str) -> Result<StatusCode> {
    let http = scene.server.http()?.build()?;
    let path = "/check?project=acme/warehouse&permission=project:publish";
    Ok(Answer::of(http.get(scene.server.at(path)).bearer_auth(key)).await?.status)
}

// proves: RB05, HP06
#[tokio::test]
async fn the_life_of_a_key() -> Result<()> {
    let scene = Scene::set().await?;
    let (browser, server) = (&scene.browser, &scene.server);
    server.admin(&["org", "create", "acme", "--owner", &scene.ada.email], "").await?;
    server.admin(&["project", "create", "acme/warehouse"], "").await?;
    scene.sign_in().await?;
    browser.goto(&server.at("/orgs/acme/keys")).await?;
    assert!(browser.text("main pre").await?.contains("key create gitlab-ci --project acme/"));
    keep(browser, "keys-none").await?;
    browser.click("#new-key").await?;
    browser.fill("#make #name", "gitlab-ci-warehouse").await?;
    keep(browser, "keys-new").await?;
    // A project's, for 90 days: what the form offers first.
    browser.click("#make #submit").await?;
    let text = async || {
        let field = browser.find("#token").await?;
        field.prop("value").await?.filter(|text| !text.is_empty()).context("a key's text")
    };
    let first = text().await?;
    keep(browser, "keys-shown").await?;
    assert!(first.starts_with("hp_proj_"), "{first}");
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    assert_eq!(check(&scene, &first).await?, StatusCode::OK);
    browser.click("#next").await?;
    assert!(!browser.driver().source().await?.contains(&first), "it is shown once");

    let open = async || {
        browser.goto(&server.at("/orgs/acme/projects/warehouse/keys")).await?;
        browser.click("#keys .name").await
    };
    open().await?;
    assert_eq!(browser.text("#kind").await?, "Project");
    keep(browser, "keys-one").await?;
    browser.click("#rotate-it summary").await?;
    browser.click("#rotate button").await?;
    browser.shows("#old", "works until").await?;
    let second = text().await?;
    for key in [&first, &second] {
        assert_eq!(check(&scene, key).await?, StatusCode::OK);
    }
    browser.click("#next").await?;
    let old = browser.text("#keys .old").await?;
    assert!(old.contains(&first[first.len() - 4..]), "{old}");
    keep(browser, "keys").await?;

    // The old generation is ended by itself; the key goes on.
    browser.click("#keys .old a").await?;
    for (text, other) in [(&first, Some(&second)), (&second, None)] {
        browser.click("#revoke-it summary").await?;
        let words = browser.text("#revoke-words").await?;
        assert!(words.contains("gitlab-ci-warehouse") && words.contains("cannot be undone"));
        browser.click("#revoke button").await?;
        browser.shows("#notice", "is revoked").await?;
        assert_eq!(check(&scene, text).await?, StatusCode::UNAUTHORIZED);
        if let Some(other) = other {
            assert_eq!(check(&scene, other).await?, StatusCode::OK);
            open().await?;
        }
    }
    browser.find("#no-keys").await?;

    // To whoever has no role there, there is no such page.
    let bo = server.person("bo@example.com", "Bo").await?;
    let bo = hallpass_testkit::person::Person::signed_in(server, &bo).await?;
    for path in ["/orgs/acme/keys", "/orgs/acme/keys/new", "/orgs/none/keys"] {
        assert_eq!(bo.get(path).await?.status, StatusCode::NOT_FOUND, "{path}");
    }
    scene.browser.close().await
}
