//! An organization from its first page on: people are invited, one with an account and one
//! without, and places change.

use anyhow::{Context as _, Result};
use hallpass_testkit::browser::{Browser, Options};
use hallpass_testkit::person::Person;
use hallpass_testkit::server::{PASSWORD, Plan};
use reqwest::StatusCode;

use crate::gallery::keep;
use crate::scene::Scene;

/// Signs this browser out of whoever it is signed in as.
async fn sign_out(scene: &Scene) -> Result<()> {
    scene.browser.goto(&scene.server.at("/")).await?;
    scene.browser.click("#signout-button").await?;
    scene.browser.arrives("the front page", |url| url.contains("signed-out")).await.map(drop)
}

/// Invites somebody on the page that is shown; the link.
async fn invite(browser: &Browser, email: &str, role: &str) -> Result<String> {
    browser.fill("#invite #email", email).await?;
    browser.click(&format!("#invite-{role}")).await?;
    browser.click("#invite-button").await?;
    let link = browser.find("#link").await?.prop("value").await?.context("a link")?;
    assert!(link.contains("/invitation?code=hp_inv_"), "{link}");
    Ok(link)
}

// proves: places-4
#[tokio::test]
async fn somebody_with_an_account_and_somebody_new_accept_without_scripts() -> Result<()> {
    let scene = Scene::of(Plan::new(), Options { javascript: false }).await?;
    let (browser, server) = (&scene.browser, &scene.server);
    let bo = server.person("bo@example.com", "Bo").await?;
    scene.sign_in().await?;
    browser.click("#to-orgs").await?;
    browser.find("#no-orgs").await?;
    keep(browser, "orgs-empty").await?;
    browser.click("#make-one summary").await?;
    browser.fill("#create #slug", "acme").await?;
    browser.click("#create button").await?;
    browser.find("#no-projects").await?;
    keep(browser, "org-empty").await?;
    browser.click("#make-one summary").await?;
    browser.fill("#create #slug", "atlas").await?;
    browser.click("#create button").await?;
    browser.find("#no-members").await?;
    server.admin(&["org", "plan", "acme", "Team"], "").await?;
    browser.goto(&server.at("/orgs/acme/members")).await?;
    let to_bo = invite(browser, "bo@example.com", "admin").await?;
    keep(browser, "org-invited").await?;
    browser.click("#next").await?;
    let to_nia = invite(browser, "nia@example.com", "member").await?;
    browser.click("#next").await?;
    browser.shows("#invitations", "nia@example.com").await?;
    keep(browser, "org-members").await?;

    // Bo has an account. Nothing of the link stays in the address bar.
    sign_out(&scene).await?;
    browser.goto(&to_bo).await?;
    browser.shows("#who", "Ada").await?;
    assert!(browser.url().await?.ends_with("/invitation"));
    keep(browser, "invitation").await?;
    browser.click("#to-signin").await?;
    browser.sign_in(&bo.email, PASSWORD).await?;
    browser.find("#accept-button").await?;
    keep(browser, "invitation-accept").await?;
    browser.click("#accept-button").await?;
    browser.arrives("the organization", |url| url.ends_with("/orgs/acme?done=joined")).await?;
    browser.shows("#plan", "Team").await?;
    keep(browser, "org").await?;
    browser.click("#to-members").await?;
    browser.shows("#members", "bo@example.com").await?;
    // An admin does not come to the owner's settings.
    assert!(!browser.has("#to-settings").await?);

    // Nia has none, and makes one.
    sign_out(&scene).await?;
    browser.goto(&to_nia).await?;
    browser.find("#join").await?;
    keep(browser, "invitation-join").await?;
    browser.fill("#join #name", "Nia").await?;
    browser.fill("#new_password", PASSWORD).await?;
    browser.fill("#repeat_password", PASSWORD).await?;
    browser.click("#join-button").await?;
    browser.arrives("the organization", |url| url.ends_with("/orgs/acme?done=joined")).await?;
    assert_eq!(browser.text("#account").await?, "nia@example.com");
    // A member has no project yet, and sees none.
    browser.find("#no-projects").await?;
    // The link was good once, for everybody.
    browser.goto(&to_nia).await?;
    assert_eq!(scene.outcome().await?, "error-410");
    keep(browser, "invitation-gone").await?;

    // Ada goes on: a role, a name, an archive, and back.
    sign_out(&scene).await?;
    scene.sign_in().await?;
    browser.goto(&server.at("/orgs/acme/projects/atlas")).await?;
    let to_nia = invite(browser, "nia@example.com", "collaborator").await?;
    let nia = Person::new(server)?;
    nia.sign_in("nia@example.com", PASSWORD).await?;
    let page = nia.get(&to_nia).await?;
    let page = nia.submit(&page, "#accept", &[], None).await?;
    assert_eq!(page.url.path(), "/orgs/acme/projects/atlas");
    browser.goto(&server.at("/orgs/acme/projects/atlas")).await?;
    browser.shows("#members", "nia@example.com").await?;
    for summary in ["#members li:first-child", "#transfer-it", "#archive-it"] {
        browser.click(&format!("{summary} summary")).await?;
    }
    keep(browser, "org-project").await?;
    browser.click("#archive button").await?;
    browser.find("#archived").await?;
    assert_eq!(nia.get("/orgs/acme/projects/atlas").await?.status, StatusCode::NOT_FOUND);
    browser.click("#archived button").await?;
    browser.arrives("the project", |url| url.ends_with("?done=back")).await?;
    assert_eq!(nia.get("/orgs/acme/projects/atlas").await?.status, StatusCode::OK);
    browser.click("#to-settings").await?;
    for summary in ["#transfer-it", "#archive-it"] {
        browser.click(&format!("{summary} summary")).await?;
    }
    keep(browser, "org-settings").await?;
    browser.fill("#transfer #user", "bo@example.com").await?;
    browser.click("#transfer button").await?;
    browser.arrives("the organization", |url| url.ends_with("?done=handed")).await?;
    assert!(!browser.has("#to-settings").await?);
    scene.browser.close().await
}
