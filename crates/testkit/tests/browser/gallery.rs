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

async fn keep(browser: &Browser, name: &str) -> Result<()> {
    browser.find("main h1").await?;
    fits(browser, name).await?;
    browser.picture(name).await
}

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
    browser.goto(&server.at("/settings/sessions")).await?;
    keep(browser, "sessions").await?;
    browser.goto(&server.at("/oauth/logout")).await?;
    keep(browser, "logout").await?;
    scene.browser.close().await
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
