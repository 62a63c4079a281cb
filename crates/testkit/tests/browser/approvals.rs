//! Approvals as their owner sees them: nothing, what waits, with all that will be done, and what was
//! decided.

use anyhow::{Context as _, Result};
use hallpass_testkit::oauth::{Answer, OAuth};
use hallpass_testkit::person::Person;
use serde_json::{Value, json};

use crate::gallery::keep;
use crate::scene::Scene;

/// Her agent.
struct Agent {
    cli: OAuth,
    token: String,
}

impl Agent {
    async fn of(scene: &Scene) -> Result<Self> {
        let cli = OAuth::public(&scene.server, "hallpass-cli");
        let person = Person::signed_in(&scene.server, &scene.ada).await?;
        let hers = cli.tokens(&person, &[("scope", "openid tokens")]).await?.access;
        let new = json!({ "name": "release bot", "project": "acme/genome" });
        let request = cli.request("POST", "/api/v1/agents").bearer_auth(hers);
        let token = Answer::of(request.json(&new)).await?.get("token");
        Ok(Self { cli, token })
    }

    async fn call(&self, path: &str, body: Value) -> Result<Answer> {
        Answer::of(self.cli.request("POST", path).bearer_auth(&self.token).json(&body)).await
    }

    async fn asks(&self, action: Value, reason: &str) -> Result<String> {
        let new = json!({ "authorization_details": action, "reason": reason });
        let asked = self.call("/api/v1/agent/approvals", new).await?;
        asked.json()["auth_req_id"]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("{asked:?}"))
    }

    async fn polls(&self, id: &str) -> Result<Answer> {
        self.call(&format!("/api/v1/agent/approvals/{id}/token"), json!({})).await
    }
}

// proves: HP09
#[tokio::test]
async fn an_owner_sees_all_that_will_be_done_and_says_yes_or_no() -> Result<()> {
    let scene = Scene::set().await?;
    let (browser, server) = (&scene.browser, &scene.server);
    scene.sign_in().await?;
    let page = server.at("/settings/approvals");
    browser.goto(&page).await?;
    browser.shows("#no-approvals", "Nothing waits for you").await?;
    keep(browser, "approvals-none").await?;
    server.admin(&["org", "create", "acme", "--owner", &scene.ada.email], "").await?;
    server.admin(&["project", "create", "acme/genome"], "").await?;
    let agent = Agent::of(&scene).await?;
    let deploy = json!([{
        "actions": ["build", "restart"], "identifier": "genome-browser",
        "locations": ["https://deploy.example.com/eu-central"], "replicas": 3,
        "type": "deploy", "version": "2026.11.30",
    }]);
    let letter = json!([
        { "cost": { "currency": "EUR", "most": 12 }, "identifier": "list: release-notes",
          "text": "Genome 2026.11.30 is out.\nThank you all.", "type": "send-mail" },
        { "identifier": "release-notes/2026-11.md", "type": "publish-page" },
    ]);
    let yes =
        agent.asks(deploy, "All 412 tests are green, and it ran in staging for a day").await?;
    let no = agent.asks(letter, "<b>You</b> said so \u{202e}yesterday").await?;
    browser.goto(&server.at("/")).await?;
    browser.shows("#to-approvals", "2 wait for your yes or no").await?;
    browser.click("#to-approvals").await?;
    browser.shows("#waiting", "https://deploy.example.com/eu-central").await?;
    browser.shows("#waiting", "<b>You</b> said so yesterday").await?;
    browser.shows("#waiting", "Thank you all.").await?;
    keep(browser, "approvals-waiting").await?;

    browser.click(&format!("#{yes} button[value=approve]")).await?;
    browser.shows("#notice", "It is approved").await?;
    browser.click(&format!("#{no} button[value=deny]")).await?;
    browser.shows("#notice", "It is denied").await?;
    browser.shows("#decided", "Approved, not done yet").await?;
    keep(browser, "approvals-decided").await?;
    assert_eq!(agent.polls(&no).await?.get("code"), "access_denied");
    assert_eq!(agent.polls(&yes).await?.status, 201);

    // As long as it was not done it can be taken back.
    browser.click(&format!("#{yes} summary")).await?;
    keep(browser, "approvals-open").await?;
    browser.click(&format!("#{yes} button[value=deny]")).await?;
    browser.shows(&format!("#{yes}"), "Denied").await?;
    assert_eq!(agent.polls(&yes).await?.get("code"), "access_denied");
    scene.browser.close().await
}
