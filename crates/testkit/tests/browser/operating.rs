//! Whoever administers a server looks after it, without scripts: health, people, clients, keys,
//! the log.

use anyhow::Result;
use hallpass_testkit::browser::Options;
use hallpass_testkit::person::Person;
use hallpass_testkit::server::Plan;
use reqwest::StatusCode;

use crate::gallery::keep;
use crate::scene::{ROOT, Scene};

// proves: HP14
#[tokio::test]
async fn an_administrator_looks_after_a_server_without_scripts() -> Result<()> {
    let scene = Scene::of(Plan::new(), Options { javascript: false }).await?;
    let (browser, server) = (&scene.browser, &scene.server);
    server.admin(&["org", "create", "acme", "--owner", "ada@example.com"], "").await?;
    server.admin(&["project", "create", "acme/site"], "").await?;
    let ada = Person::signed_in(server, &scene.ada).await?;
    let form = ada.get("/orgs/acme/projects/site/keys/new").await?;
    ada.submit(&form, "#make", &[("name", "gitlab-ci")], None).await?;
    scene.sign_root_in().await?;
    // Without another owner her account could not be disabled.
    server.admin(&["member", "set", "acme", ROOT, "owner"], "").await?;
    browser.click("#to-admin").await?;
    browser.shows("#health", "it answers").await?;
    keep(browser, "admin-health").await?;

    // Somebody's account: what is signed in, and the end of it.
    browser.goto(&server.at("/admin/users?q=ada@")).await?;
    browser.click("#people a[href^='/admin/users/']:not(.name)").await?;
    browser.shows("#places", "acme").await?;
    keep(browser, "admin-person").await?;
    // What becomes of the keys that she made is asked.
    browser.click("#disable-it summary").await?;
    browser.shows("#made", "gitlab-ci (hp_proj_").await?;
    browser.click("#made #revoke").await?;
    keep(browser, "admin-person-keys").await?;
    browser.click("#disable button").await?;
    browser.shows("#notice", "The account is disabled").await?;
    keep(browser, "admin-person-disabled").await?;
    assert!(ada.get("/settings/sessions").await?.url.path().starts_with("/signin"));
    browser.click("#enable-it summary").await?;
    browser.click("#enable button").await?;
    browser.shows("#notice", "sign in again").await?;

    browser.goto(&server.at("/admin/orgs")).await?;
    browser.shows("#orgs", "acme").await?;
    keep(browser, "admin-orgs").await?;

    // A client, whose secret is shown once.
    browser.goto(&server.at("/admin/clients")).await?;
    browser.click("#make-one summary").await?;
    browser.fill("#make #id", "api").await?;
    browser.click("#make #confidential").await?;
    keep(browser, "admin-clients-new").await?;
    browser.click("#make button").await?;
    let secret = browser.find("#secret").await?.prop("value").await?.unwrap_or_default();
    assert!(secret.starts_with("hp_cs_"), "{secret}");
    keep(browser, "admin-client-secret").await?;
    browser.click("#next").await?;
    browser.shows("#clients", "api").await?;
    keep(browser, "admin-clients").await?;

    browser.goto(&server.at("/admin/keys")).await?;
    browser.click("#rotate-it summary").await?;
    browser.click("#rotate button").await?;
    browser.shows("#notice", "next keys").await?;
    keep(browser, "admin-keys").await?;

    // The log: found, paged, taken along. No secret is in it.
    browser.goto(&server.at("/admin/audit")).await?;
    let all = browser.text("#rows").await?;
    assert!(all.contains("user.disable") && all.contains("client.create"), "{all}");
    assert!(all.contains("; revoked the keys ") && all.contains("key.revoke"), "{all}");
    assert!(!all.contains(&secret), "{all}");
    keep(browser, "admin-audit").await?;
    browser.fill("#search #action", "client.").await?;
    browser.click("#search button").await?;
    browser.arrives("what was found", |url| url.contains("action=client.")).await?;
    let found = browser.text("#rows").await?;
    assert!(found.contains("client.create") && !found.contains("user.disable"), "{found}");
    keep(browser, "admin-audit-found").await?;
    browser.fill("#search #action", "nothing.").await?;
    browser.click("#search button").await?;
    browser.find("#no-rows").await?;
    keep(browser, "admin-audit-none").await?;

    // Ada owns acme, and sees its log; the server's she does not.
    let ada = Person::signed_in(server, &scene.ada).await?;
    let hers = ada.get("/orgs/acme/audit").await?;
    assert!(hers.body.contains("project.create") && !hers.body.contains("user.disable"));
    let csv = ada.get("/orgs/acme/audit/export?format=csv").await?;
    assert!(csv.body.starts_with("n,id,at,"), "{}", csv.body);
    for path in ["/admin", "/admin/audit", "/admin/audit/export?whole=yes"] {
        assert_eq!(ada.get(path).await?.status, StatusCode::NOT_FOUND, "{path}");
    }
    scene.browser.close().await
}
