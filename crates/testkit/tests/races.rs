//! Many at once for what only one may have, on both engines, against a real server.
//!
//! `HALLPASS_ROUNDS=10000 cargo test -p hallpass-testkit --test races` goes on for longer.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Result, ensure};
use hallpass_testkit::oauth::{Answer, OAuth, Tokens};
use hallpass_testkit::postgres::Cluster;
use hallpass_testkit::server::Plan;
use hallpass_testkit::system;
use hallpass_testkit::town::Town;
use serde_json::{Value, json};
use tokio::sync::Barrier;

/// How many try at once.
const AT_ONCE: usize = 64;

fn rounds() -> u32 {
    system::count("HALLPASS_ROUNDS", 200)
}

/// A town on a database, and what keeps the database alive.
async fn on_postgres() -> Result<(Town, Cluster)> {
    let cluster = Cluster::start().await?;
    let plan = patient(Plan::new()).database_url(&cluster.url().await?);
    Ok((Town::of(plan).await?, cluster))
}

async fn on_sqlite() -> Result<Town> {
    Town::of(patient(Plan::new())).await
}

/// Thousands of refusals are this test's purpose, not somebody's attack; and a bystander's
/// access token outlives it, however slow the machine.
fn patient(plan: Plan) -> Plan {
    plan.set("refused_credentials", "4000000000").set("access_token_ttl", "12h")
}

/// Sends the same request [`AT_ONCE`] times at the same moment.
async fn at_once<F>(client: &OAuth, request: impl Fn(OAuth) -> F) -> Result<Vec<Answer>>
where
    F: Future<Output = Result<Answer>> + Send + 'static,
{
    let start = Arc::new(Barrier::new(AT_ONCE));
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (start, attempt) = (start.clone(), request(client.clone()));
        tries.spawn(async move {
            start.wait().await;
            attempt.await
        });
    }
    tries.join_all().await.into_iter().collect()
}

/// Exactly one success; every other answer is `invalid_grant`.
fn the_winner(answers: &[Answer]) -> Result<Tokens> {
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    ensure!(won.len() == 1, "{} of {} succeeded", won.len(), answers.len());
    for answer in lost {
        ensure!(answer.outcome() == (400, "invalid_grant".to_owned()), "{answer:?}");
    }
    Tokens::read(won[0])
}

/// Nothing that came of it is good any more.
async fn has_ended(town: &Town, client: &OAuth, tokens: &Tokens) -> Result<()> {
    ensure!(!town.admits(&tokens.access).await?, "the access token lives");
    let answer = client.refresh(&tokens.refresh).await?;
    ensure!(
        answer.outcome() == (400, "invalid_grant".to_owned()),
        "the refresh token lives: {answer:?}"
    );
    Ok(())
}

async fn one_code(town: &Town) -> Result<()> {
    // Consent is remembered for this client, so that a round is about redeeming.
    let client = &town.api;
    let bystander = client.tokens(&town.person, &[]).await?;
    for round in 0..rounds() {
        let (address, verifier) = client.authorization(&[])?;
        let redirect = town.person.get(&address).await?.leads_to();
        let redirect = redirect.ok_or_else(|| anyhow::anyhow!("no redirect in round {round}"))?;
        let code = hallpass_testkit::oauth::query(&redirect, "code").unwrap_or_default();
        let approved = hallpass_testkit::oauth::Approved { code, verifier, redirect };
        let answers = at_once(client, |client| {
            let approved = approved.clone();
            async move { client.redeem(&approved).await }
        })
        .await?;
        let tokens =
            the_winner(&answers).map_err(|error| error.context(format!("round {round}")))?;
        has_ended(town, client, &tokens).await?;
    }
    ensure!(town.admits(&bystander.access).await?, "another grant of hers has ended");
    Ok(())
}

async fn one_device_code(town: &Town) -> Result<()> {
    let client = &town.tool;
    let bystander = client.tokens(&town.person, &[]).await?;
    for round in 0..rounds() {
        let device = client.device(&[]).await?;
        town.person.decide_device(&device.get("user_code"), "approve").await?;
        let device_code = device.get("device_code");
        let answers = at_once(client, |client| {
            let device_code = device_code.clone();
            async move { client.poll(&device_code).await }
        })
        .await?;
        let tokens =
            the_winner(&answers).map_err(|error| error.context(format!("round {round}")))?;
        has_ended(town, client, &tokens).await?;
    }
    ensure!(town.admits(&bystander.access).await?, "another grant of hers has ended");
    Ok(())
}

async fn one_refresh_token(town: &Town) -> Result<()> {
    let client = &town.tool;
    let bystander = client.tokens(&town.person, &[]).await?;
    let mut tokens = client.tokens(&town.person, &[]).await?;
    for round in 0..rounds() {
        let parent = tokens.refresh.clone();
        let answers = at_once(client, |client| {
            let parent = parent.clone();
            async move { client.refresh(&parent).await }
        })
        .await?;
        let mut children = BTreeSet::new();
        for answer in &answers {
            children.insert(
                Tokens::read(answer).map_err(|e| e.context(format!("round {round}")))?.refresh,
            );
        }
        ensure!(children.len() == 1, "round {round}: {} children", children.len());
        ensure!(!children.contains(&parent), "round {round}: its own child");
        // Every tenth family is replayed to death, the others go on.
        let child = children.pop_first().unwrap_or_default();
        tokens = Tokens::read(&client.refresh(&child).await?)?;
        if round % 10 == 9 {
            let replayed = client.refresh(&parent).await?;
            ensure!(
                replayed.outcome() == (400, "invalid_grant".to_owned()),
                "round {round}: {replayed:?}"
            );
            has_ended(town, client, &tokens).await?;
            tokens = client.tokens(&town.person, &[]).await?;
        }
    }
    ensure!(town.admits(&bystander.access).await?, "another family has ended");
    ensure!(client.refresh(&bystander.refresh).await?.status == 200, "another family has ended");
    Ok(())
}

/// One yes, and one use of what was approved.
async fn one_approval(town: &Town) -> Result<()> {
    let cli = OAuth::public(&town.server, "hallpass-cli");
    let owner = cli.tokens(&town.person, &[("scope", "openid tokens")]).await?.access;
    let call = async |who: &str, path: &str, body: Value| {
        Answer::of(cli.request("POST", path).bearer_auth(who).json(&body)).await
    };
    let started = call(&owner, "/api/v1/agents", json!({ "name": "deployer" })).await?;
    let agent = started.get("token");
    for round in 0..rounds().div_ceil(10) {
        let action = json!([{ "round": round, "type": "deploy" }]);
        let ask = json!({ "authorization_details": action });
        let asked = call(&agent, "/api/v1/agent/approvals", ask).await?;
        let (id, digest) = (asked.get("auth_req_id"), json!({ "digest": asked.get("digest") }));
        let answers = at_once(&cli, |cli| {
            let request = cli.request("POST", &format!("/api/v1/approvals/{id}/approve"));
            let request = request.bearer_auth(&owner).json(&digest);
            async move { Answer::of(request).await }
        })
        .await?;
        let won = answers.iter().filter(|answer| answer.status == 204).count();
        let late = answers.iter().filter(|answer| answer.status == 409).count();
        ensure!((won, late) == (1, AT_ONCE - 1), "round {round}: {answers:?}");
        let taken = call(&agent, &format!("/api/v1/agent/approvals/{id}/token"), json!({})).await?;
        let (token, details) = (taken.get("token"), action.to_string());
        let answers = at_once(&town.api, |api| {
            let (token, details) = (token.clone(), details.clone());
            let params = move || [("token", token), ("authorization_details", details)];
            async move {
                let params = params();
                let params = params.each_ref().map(|(name, value)| (*name, value.as_str()));
                api.post("/oauth/action", &params).await
            }
        })
        .await?;
        let done = answers.iter().filter(|answer| answer.json()["active"] == true).count();
        let not =
            answers.iter().filter(|answer| answer.json() == json!({ "active": false })).count();
        ensure!((done, not) == (1, AT_ONCE - 1), "round {round}: {answers:?}");
    }
    Ok(())
}

// proves: HP09
#[tokio::test(flavor = "multi_thread")]
async fn one_approval_on_sqlite() -> Result<()> {
    one_approval(&on_sqlite().await?).await
}

// proves: HP09
#[tokio::test(flavor = "multi_thread")]
async fn one_approval_on_postgres() -> Result<()> {
    let (town, _cluster) = on_postgres().await?;
    one_approval(&town).await
}

// proves: B09, B14, attack-9
#[tokio::test(flavor = "multi_thread")]
async fn one_code_on_sqlite() -> Result<()> {
    one_code(&on_sqlite().await?).await
}

// proves: B09, B14, attack-9
#[tokio::test(flavor = "multi_thread")]
async fn one_code_on_postgres() -> Result<()> {
    let (town, _cluster) = on_postgres().await?;
    one_code(&town).await
}

// proves: D06, attack-9
#[tokio::test(flavor = "multi_thread")]
async fn one_device_code_on_sqlite() -> Result<()> {
    one_device_code(&on_sqlite().await?).await
}

// proves: D06, attack-9
#[tokio::test(flavor = "multi_thread")]
async fn one_device_code_on_postgres() -> Result<()> {
    let (town, _cluster) = on_postgres().await?;
    one_device_code(&town).await
}

// proves: C10, C15, attack-10
#[tokio::test(flavor = "multi_thread")]
async fn one_refresh_token_on_sqlite() -> Result<()> {
    one_refresh_token(&on_sqlite().await?).await
}

// proves: C10, C15, attack-10
#[tokio::test(flavor = "multi_thread")]
async fn one_refresh_token_on_postgres() -> Result<()> {
    let (town, _cluster) = on_postgres().await?;
    one_refresh_token(&town).await
}
