//! A picture of every page, light and dark, narrow and wide, in `target/screenshots/`.
//! Look at them.

use anyhow::Result;
use hallpass_testkit::browser::{Browser, NARROW, WIDE};
use hallpass_testkit::person::Person;
use hallpass_testkit::server::{PASSWORD, Server};

use crate::scene::{self, Scene};

/// Nothing reaches beyond the window, at no size.
async fn fits(browser: &Browser, name: &str) -> Result<()> {
    for size in [NARROW, WIDE] {
        browser.resize(size).await?;
        let script =
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        let over: i64 = browser.driver().execute(script, vec![]).await?.convert()?;
        assert_eq!(over, 0, "{name} is {over} pixels too wide for {size:?}");
    }
    Ok(())
}

pub(crate) async fn keep(browser: &Browser, name: &str) -> Result<()> {
    browser.find("main h1").await?;
    fits(browser, name).await?;
    browser.picture(name).await
}

// proves: HP03
#[tokio::test]
async fn every_page_has_its_picture_and_fits() -> Result<()> {
    let scene = Scene::set().await?;
    let (browser, server) = (&scene.browser, &scene.server);
    for (name, path) in [
        ("welcome", "/"),
        ("signin", "/signin"),
        ("bad-request", "/oauth/authorize?client_id=nobody"),
        ("not-found", "/nowhere"),
    ] {
        browser.goto(&server.at(path)).await?;
        keep(browser, name).await?;
    }
    browser.goto(&server.at("/signin")).await?;
    browser.sign_in(&scene.ada.email, "wrong password").await?;
    browser.find("#notice").await?;
    keep(browser, "signin-wrong").await?;
    scene.sign_in().await?;
    keep(browser, "home").await?;
    browser.goto(&server.at("/settings/sessions")).await?;
    keep(browser, "sessions-empty").await?;
    browser.goto(&server.at("/settings/security")).await?;
    keep(browser, "security").await?;

    let (web, url) = scene.login(&["--web", "--no-browser"], "url").await?;
    browser.goto(&url).await?;
    keep(browser, "consent").await?;
    browser.click("#approve").await?;
    browser.arrives("the terminal's page", |url| url.ends_with("/done")).await?;
    keep(browser, "terminal-done").await?;
    scene.is_signed_in(web).await?;

    browser.goto(&server.at("/device")).await?;
    keep(browser, "device").await?;
    scene.type_code("BCDF-GHJK").await?;
    browser.find("#notice").await?;
    keep(browser, "device-wrong").await?;
    let (device, code) = scene.device_login().await?;
    scene.type_code(&code).await?;
    browser.find("#decide").await?;
    keep(browser, "device-confirm").await?;
    browser.click("#approve").await?;
    browser.find("#outcome").await?;
    keep(browser, "device-approved").await?;
    scene.is_signed_in(device).await?;
    assert_eq!(scene.try_a_copy().await?, "invalid_dpop_proof");
    browser.goto(&server.at("/settings/sessions")).await?;
    let told = browser.text("#programs .caution").await?;
    assert!(told.contains("A copy of this sign-in was tried from 127.0.0.1"), "{told}");
    keep(browser, "sessions").await?;
    browser.goto(&server.at("/oauth/logout")).await?;
    keep(browser, "logout").await?;
    scene.browser.close().await
}

#[tokio::test]
async fn pages_about_tokens_have_their_pictures_and_fit() -> Result<()> {
    let scene = Scene::set().await?;
    let (browser, server) = (&scene.browser, &scene.server);
    scene.sign_in().await?;
    browser.goto(&server.at("/settings/tokens")).await?;
    keep(browser, "tokens-empty").await?;
    server.admin(&["org", "create", "acme", "--owner", &scene.ada.email], "").await?;
    server.admin(&["project", "create", "acme/genome"], "").await?;
    for (name, expires) in
        [("laptop", "never"), ("nightly backup on nas-2", "90d"), ("ci-deploy", "7d")]
    {
        browser.goto(&server.at("/settings/tokens/new")).await?;
        browser.fill("#make #name", name).await?;
        browser.click(&format!("#make [value='{expires}']")).await?;
        if name == "laptop" {
            keep(browser, "token-new").await?;
            browser.click("#narrow summary").await?;
            browser.click("[value='date']").await?;
            browser.click("[name='scope:project:read']").await?;
            browser.click("#project-1").await?;
            keep(browser, "token-new-narrow").await?;
            browser.click("#make [value='never']").await?;
        }
        browser.click("#make #submit").await?;
        browser.find("#token").await?;
        if name == "laptop" {
            keep(browser, "token-shown").await?;
        }
    }
    let leaked = shown_by(browser, server, "old wiki page").await?;
    let http = server.http()?.build()?;
    let report = serde_json::json!({ "tokens": [leaked] });
    let told = http.post(server.at("/api/v1/revoke-leaked")).json(&report).send().await?;
    assert!(told.status().is_success(), "{}", told.status());
    browser.goto(&server.at("/settings/tokens")).await?;
    browser.driver().find(thirtyfour::By::LinkText("ci-deploy")).await?.click().await?;
    keep(browser, "token").await?;
    for summary in ["#change-expiry", "#rotate-it", "#revoke-it"] {
        browser.click(&format!("{summary} summary")).await?;
    }
    keep(browser, "token-open").await?;
    browser.click("#rotate button").await?;
    browser.find("#token").await?;
    keep(browser, "token-rotated").await?;
    browser.goto(&server.at("/settings/tokens")).await?;
    keep(browser, "tokens").await?;
    scene.browser.close().await
}

/// Makes a token of this name; its text.
async fn shown_by(browser: &Browser, server: &Server, name: &str) -> Result<String> {
    browser.goto(&server.at("/settings/tokens/new")).await?;
    browser.fill("#make #name", name).await?;
    browser.click("#make #submit").await?;
    Ok(browser.find("#token").await?.prop("value").await?.unwrap_or_default())
}

#[tokio::test]
async fn the_setup_link_makes_the_first_administrator_once() -> Result<()> {
    let _turn = scene::turn().await?;
    let server = Server::start().await?;
    let link = std::fs::read_to_string(server.directory().join("setup-link"))?;
    let browser = Browser::open().await?;
    browser.goto(link.trim()).await?;
    keep(&browser, "setup").await?;
    // The code is not in the address bar while the form is filled in.
    assert!(!browser.url().await?.contains("code="));
    browser.fill("#email", "root@example.com").await?;
    browser.fill("#name", "Root").await?;
    browser.fill("#new_password", PASSWORD).await?;
    browser.fill("#repeat_password", PASSWORD).await?;
    browser.click("#setup #submit").await?;
    browser.find("#signout-button").await?;
    assert_eq!(browser.text("#account").await?, "root@example.com");

    let second = Person::new(&server)?.get(link.trim()).await?;
    assert_eq!(second.text("#setup"), None, "the link works twice");
    browser.close().await
}
