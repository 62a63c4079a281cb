//! Second tabs, the back button, sessions that end elsewhere.

use anyhow::Result;
use hallpass_testkit::browser::Options;
use hallpass_testkit::person::Person;
use hallpass_testkit::server::Plan;

use crate::scene::Scene;

#[tokio::test]
async fn of_two_tabs_with_one_code_one_decides() -> Result<()> {
    let scene = Scene::of(Plan::new().set("device_interval", "1s"), Options::default()).await?;
    scene.sign_in().await?;
    let (login, code) = scene.device_login().await?;
    scene.type_code(&code).await?;
    let first = scene.browser.driver().window().await?;
    let second = scene.browser.driver().new_tab().await?;
    scene.browser.driver().switch_to_window(second).await?;
    scene.type_code(&code).await?;
    scene.browser.click("#approve").await?;
    assert_eq!(scene.outcome().await?, "approved");

    scene.browser.driver().switch_to_window(first).await?;
    scene.browser.click("#deny").await?;
    assert_eq!(scene.outcome().await?, "too-late");
    scene.is_signed_in(login).await?;
    scene.browser.close().await
}

#[tokio::test]
async fn going_back_after_approving_approves_nothing_more() -> Result<()> {
    let scene = Scene::set().await?;
    scene.sign_in().await?;
    let (login, url) = scene.login(&["--web", "--no-browser"], "url").await?;
    scene.browser.goto(&url).await?;
    scene.browser.click("#approve").await?;
    scene.browser.arrives("the terminal's page", |url| url.ends_with("/done")).await?;
    scene.is_signed_in(login).await?;
    let programs = scene.cli.run(&["session", "list", "--json"]).await?.stdout;
    for _ in 0..3 {
        scene.browser.driver().back().await?;
    }
    assert_eq!(
        scene.cli.run(&["session", "list", "--json"]).await?.stdout.matches("grt_").count(),
        programs.matches("grt_").count()
    );
    assert_eq!(scene.whoami().await?.code, Some(0));
    scene.browser.close().await
}

// proves: E06, client-A9
#[tokio::test]
async fn a_session_that_was_ended_elsewhere_is_over_at_the_next_click() -> Result<()> {
    let scene = Scene::of(Plan::new().set("device_interval", "1s"), Options::default()).await?;
    scene.sign_in().await?;
    let (login, code) = scene.device_login().await?;
    scene.type_code(&code).await?;
    scene.browser.find("#approve").await?;

    // On another computer, Ada ends everything else.
    let elsewhere = Person::signed_in(&scene.server, &scene.ada).await?;
    let page = elsewhere.get("/settings/sessions").await?;
    elsewhere.submit(&page, "#end-others form", &[], None).await?;

    scene.browser.click("#approve").await?;
    assert_eq!(scene.outcome().await?, "signed-out");
    assert_eq!(scene.whoami().await?.code, Some(3), "nothing was approved");
    scene.browser.goto(&scene.server.at("/settings/sessions")).await?;
    scene.browser.find("#signin").await?;
    drop(login);
    scene.browser.close().await
}
