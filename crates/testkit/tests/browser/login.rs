//! Signing a terminal in through the browser: `hallpass login --web`.

use anyhow::Result;
use hallpass_testkit::browser::Options;
use hallpass_testkit::server::{PASSWORD, Plan};

use crate::scene::Scene;

const WEB: [&str; 2] = ["--web", "--no-browser"];

// proves: J01, client-B7, client-B8, client-B9, A25
#[tokio::test]
async fn a_terminal_is_signed_in_and_the_address_bar_keeps_no_code() -> Result<()> {
    let scene = Scene::set().await?;
    let (login, url) = scene.login(&WEB, "url").await?;
    scene.browser.goto(&url).await?;
    scene.browser.sign_in(&scene.ada.email, PASSWORD).await?;
    scene.browser.shows("#client-name", "hallpass").await?;
    assert!(scene.browser.text("#redirect-host").await?.starts_with("127.0.0.1"));
    assert!(scene.browser.has("#loopback-warning").await?);
    assert!(!scene.browser.driver().find_all(thirtyfour::By::Css("#scopes li")).await?.is_empty());
    scene.browser.click("#approve").await?;
    let end = scene.browser.arrives("the terminal's page", |url| url.ends_with("/done")).await?;
    assert!(!end.contains("code="), "{end}");
    assert!(scene.browser.text("h1").await?.to_lowercase().contains("signed in"));
    scene.is_signed_in(login).await?;
    // The page's own policy allows all that it does.
    assert_eq!(scene.browser.complaints().await?, Vec::<String>::new());
    scene.browser.close().await
}

// proves: client-B6
#[tokio::test]
async fn a_denial_reaches_the_terminal_and_the_page() -> Result<()> {
    let scene = Scene::set().await?;
    scene.sign_in().await?;
    let (login, url) = scene.login(&WEB, "url").await?;
    scene.browser.goto(&url).await?;
    scene.browser.click("#deny").await?;
    scene.browser.arrives("the terminal's page", |url| url.starts_with("http://127.0.0.1")).await?;
    assert!(!scene.browser.text("h1").await?.to_lowercase().contains("you are signed in"));
    scene.is_refused(login, "access_denied").await?;
    scene.browser.close().await
}

#[tokio::test]
async fn pages_work_without_scripts() -> Result<()> {
    let scene = Scene::of(Plan::new(), Options { javascript: false }).await?;
    let (login, url) = scene.login(&WEB, "url").await?;
    scene.browser.goto(&url).await?;
    scene.browser.sign_in(&scene.ada.email, PASSWORD).await?;
    scene.browser.click("#approve").await?;
    scene.browser.arrives("the terminal's page", |url| url.starts_with("http://127.0.0.1")).await?;
    scene.is_signed_in(login).await?;

    // Ending it needs none either.
    scene.browser.goto(&scene.server.at("/settings/sessions")).await?;
    scene.browser.click("#programs summary").await?;
    scene.browser.click("#programs button.destructive").await?;
    scene.browser.find("#no-programs").await?;
    let ended = scene.whoami().await?;
    assert!(ended.code == Some(3) && ended.stderr.contains("signed out"), "{ended:?}");
    scene.browser.close().await
}

#[tokio::test]
async fn pages_work_with_the_keyboard_alone() -> Result<()> {
    use thirtyfour::Key;
    let scene = Scene::set().await?;
    let (login, url) = scene.login(&WEB, "url").await?;
    scene.browser.goto(&url).await?;
    // The first field has the focus already.
    scene.browser.find("#signin").await?;
    let (tab, enter) = (Key::Tab.value(), Key::Enter.value());
    press(&scene, &format!("{}{tab}{PASSWORD}{enter}", scene.ada.email)).await?;
    scene.browser.find("#consent").await?;
    // Tab until the button that approves has the focus.
    for _ in 0..12 {
        let focused = scene.browser.driver().active_element().await?;
        if focused.id().await?.as_deref() == Some("approve") {
            press(&scene, &enter.to_string()).await?;
            scene.is_signed_in(login).await?;
            return scene.browser.close().await;
        }
        press(&scene, &tab.to_string()).await?;
    }
    panic!("the button is out of the keyboard's reach");
}

/// Presses keys, wherever the focus is.
async fn press(scene: &Scene, keys: &str) -> Result<()> {
    Ok(scene.browser.driver().action_chain().send_keys(keys).perform().await?)
}
