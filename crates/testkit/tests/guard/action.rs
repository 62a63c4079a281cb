//! Approved actions, done by an API in another process.

use anyhow::{Context as _, Result};
use hallpass_testkit::link::Wire;
use hallpass_testkit::oauth::{Answer, OAuth};
use serde_json::{Value, json};

use crate::scene::Scene;

async fn call(cli: &OAuth, who: &str, path: &str, body: Value) -> Result<Answer> {
    Answer::of(cli.request("POST", path).bearer_auth(who).json(&body)).await
}

// proves: HP09
#[tokio::test]
async fn an_api_does_what_was_approved_once_and_nothing_else() -> Result<()> {
    let scene = Scene::build().await?;
    let cli = OAuth::public(&scene.town.server, "hallpass-cli");
    let owner = cli.tokens(&scene.town.person, &[("scope", "openid tokens")]).await?.access;
    let started = call(&cli, &owner, "/api/v1/agents", json!({ "name": "deployer" })).await?.json();
    let agent = started["token"].as_str().context("an agent")?.to_owned();
    let action = json!({ "identifier": "shop", "type": "deploy", "version": 7 });
    let approved = async || {
        let ask = json!({ "authorization_details": [action] });
        let asked = call(&cli, &agent, "/api/v1/agent/approvals", ask).await?.json();
        let id = asked["auth_req_id"].as_str().context("a question")?.to_owned();
        let yes = format!("/api/v1/approvals/{id}/approve");
        let said = call(&cli, &owner, &yes, json!({ "digest": asked["digest"] })).await?;
        anyhow::ensure!(said.status == 204, "{said:?}");
        let take = format!("/api/v1/agent/approvals/{id}/token");
        let taken = call(&cli, &agent, &take, json!({})).await?.json();
        Ok(taken["token"].as_str().context("a token")?.to_owned())
    };
    let token = approved().await?;
    // No layer takes it for a credential, and none takes the agent's own for an approval.
    assert_eq!(scene.api.ask(&token).await?, 401);
    assert_eq!(scene.api.carry_out(&agent, &action).await?.0, 401);
    let wider = json!({ "identifier": "shop", "type": "deploy", "version": 8 });
    assert_eq!(scene.api.carry_out(&token, &wider).await?.0, 401);
    let (status, who) = scene.api.carry_out(&token, &action).await?;
    assert_eq!((status, who.as_str()), (200, "deployer"));
    assert_eq!(scene.api.carry_out(&token, &action).await?.0, 401, "it was done");

    // Of many at once, one does it.
    let token = approved().await?;
    let all = (0..32).map(|_| scene.api.carry_out(&token, &action));
    let answers = futures_util::future::try_join_all(all).await?;
    let count = |wanted| answers.iter().filter(|(status, _)| *status == wanted).count();
    assert_eq!((count(200), count(401)), (1, 31), "{answers:?}");

    // Whoever cannot ask does nothing.
    let token = approved().await?;
    scene.link.set(Wire::Cut);
    assert_eq!(scene.api.carry_out(&token, &action).await?.0, 503);
    Ok(())
}
