//! Agents as their owner sees them: none, one that reports, and five hundred; and the switch.

use anyhow::{Context as _, Result};
use hallpass_testkit::oauth::{Answer, OAuth};
use hallpass_testkit::person::Person;
use serde_json::{Value, json};

use crate::gallery::keep;
use crate::scene::Scene;

const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Her command line, as an agent's broker uses it.
struct Broker {
    cli: OAuth,
    token: String,
}

impl Broker {
    async fn of(scene: &Scene) -> Result<Self> {
        let cli = OAuth::public(&scene.server, "hallpass-cli");
        let person = Person::signed_in(&scene.server, &scene.ada).await?;
        let token = cli.tokens(&person, &[("scope", "openid tokens")]).await?.access;
        Ok(Self { cli, token })
    }

    async fn started(&self, new: Value) -> Result<String> {
        let request = self.cli.request("POST", "/api/v1/agents").bearer_auth(&self.token);
        let made = Answer::of(request.json(&new)).await?;
        made.json()["token"].as_str().map(str::to_owned).with_context(|| format!("{made:?}"))
    }

    async fn child(&self, parent: &str, name: &str) -> Result<String> {
        let grant = "urn:ietf:params:oauth:grant-type:token-exchange";
        let params = [
            ("grant_type", grant),
            ("subject_token", parent),
            ("subject_token_type", ACCESS),
            ("actor_token", parent),
            ("actor_token_type", ACCESS),
            ("agent_name", name),
        ];
        Ok(self.cli.post("/oauth/token", &params).await?.get("access_token"))
    }

    async fn reports(&self, agent: &str, text: &str, progress: u32) -> Result<()> {
        let report = json!({ "progress": progress, "text": text });
        let request = self.cli.request("POST", "/api/v1/agent/report").bearer_auth(agent);
        let said = Answer::of(request.json(&report)).await?;
        anyhow::ensure!(said.status == 204, "{said:?}");
        Ok(())
    }
}

// proves: HP08, SN06
#[tokio::test]
async fn an_owner_sees_a_tree_of_agents_and_stops_it() -> Result<()> {
    let scene = Scene::set().await?;
    let (browser, server) = (&scene.browser, &scene.server);
    scene.sign_in().await?;
    let page = server.at("/settings/agents");
    browser.goto(&page).await?;
    keep(browser, "agents-none").await?;
    server.admin(&["org", "create", "acme", "--owner", &scene.ada.email], "").await?;
    server.admin(&["project", "create", "acme/genome"], "").await?;
    let broker = Broker::of(&scene).await?;
    let new = json!({
        "command": "builder", "host": "laptop-7", "name": "builder",
        "permissions": "project:read project:publish", "project": "acme/genome",
    });
    let root = broker.started(new).await?;
    broker.reports(&root, "Aligning the reads of sample 12", 40).await?;
    browser.goto(&page).await?;
    browser.shows("#running", "Aligning the reads of sample 12").await?;
    keep(browser, "agents-one").await?;
    // Whoever follows it sees what is new without touching anything, and types into nothing meanwhile.
    browser.click("#follow").await?;
    browser.shows("#count", "is read anew").await?;
    broker.reports(&root, "Sorting what was aligned", 60).await?;
    browser.shows("#running", "Sorting what was aligned").await?;
    keep(browser, "agents-followed").await?;
    let source = browser.driver().source().await?;
    anyhow::ensure!(!source.contains("set-secret") && source.contains("http-equiv=\"refresh\""));
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    broker.reports(&root, "Aligning the reads of sample 12", 40).await?;
    browser.click("#still").await?;
    browser.shows("#running", "Aligning the reads of sample 12").await?;
    secrets(&scene, &page).await?;
    let middle = broker.child(&root, "linter").await?;
    broker.reports(&middle, "Nothing to complain about yet", 90).await?;
    broker.child(&middle, "linter of comments").await?;
    for number in 4..=484 {
        broker.started(json!({ "name": format!("nightly job {number:03}") })).await?;
    }
    // A large tree is folded.
    let swarm = broker.started(json!({ "name": "swarm" })).await?;
    for number in 1..=15 {
        broker.child(&swarm, &format!("bee {number:02}")).await?;
    }
    browser.goto(&page).await?;
    browser.shows("#count", "500 run").await?;
    browser.shows("#running .folded summary", "15 below it").await?;
    keep(browser, "agents-many").await?;
    browser.click("#running .folded > summary").await?;
    browser.shows("#running .folded", "bee 07").await?;
    keep(browser, "agents-unfolded").await?;
    // The others are on further pages, or looked for.
    browser.click("#older").await?;
    browser.shows("#running", "nightly job 400").await?;
    keep(browser, "agents-second-page").await?;
    browser.goto(&format!("{page}?q=linter+of")).await?;
    browser.shows("#running", "Aligning the reads of sample 12").await?;
    keep(browser, "agents-found").await?;

    // Of the tree that was found one switch ends two.
    browser.click("#running > li.below-1 summary").await?;
    browser.shows("#running > li.below-1 form", "It and the agent below it").await?;
    keep(browser, "agents-stop").await?;
    browser.click("#running > li.below-1 button").await?;
    browser.shows("#notice", "It is stopped, and so is all below it").await?;
    browser.shows("#count", "498 run").await?;
    // What has ended is looked for too.
    browser.goto(&format!("{page}?q=linter+of")).await?;
    browser.shows("#ended summary", "1 like that ended").await?;
    browser.shows("#ended", "linter of comments").await?;
    assert_eq!(broker.cli.get_with("/api/v1/agent", &middle).await?.status, 401);
    assert_eq!(broker.cli.get_with("/api/v1/agent", &root).await?.status, 200);
    scene.browser.close().await
}

/// She keeps one for her agents in the project, sees its name, and takes it away again.
async fn secrets(scene: &Scene, page: &str) -> Result<()> {
    let (browser, value) = (&scene.browser, "marked-secret-4127");
    browser.click("#keep-it summary").await?;
    browser.fill("#secret-name", "DEPLOY KEY").await?;
    browser.fill("#secret-which", "acme/genome").await?;
    browser.fill("#secret-value", value).await?;
    browser.click("#set-secret button").await?;
    browser.shows("#notice", "1 to 80 letters").await?;
    keep(browser, "agents-secret-refused").await?;
    browser.fill("#secret-name", "DEPLOY_KEY").await?;
    browser.fill("#secret-value", value).await?;
    browser.click("#set-secret button").await?;
    browser.shows("#secret-names", "your agents in acme/genome").await?;
    browser.shows("#notice", "It is kept").await?;
    keep(browser, "agents-secrets").await?;
    anyhow::ensure!(!browser.driver().source().await?.contains(value), "it is shown");
    browser.goto(&scene.server.at("/orgs/acme/projects/genome")).await?;
    browser.shows("#agent-secrets", "DEPLOY_KEY").await?;
    keep(browser, "project-agent-secrets").await?;
    browser.goto(page).await?;
    browser.click("#secret-names summary").await?;
    browser.click("#secret-names button").await?;
    browser.shows("#notice", "It is gone").await?;
    browser.shows("#no-secrets", "None is kept").await
}
