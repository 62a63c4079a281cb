//! The id behind a name, at every policy of an organization.

use anyhow::{Context as _, Result};
use hallpass_testkit::github::Job;
use serde_json::json;

use super::{MAIN, Place};
use crate::city::text;

// proves: attack-18, HP05
#[tokio::test]
async fn who_took_over_a_name_gets_in_through_no_policy_and_is_an_alarm() -> Result<()> {
    let place = Place::build().await?;
    place.city.made(&place.owner, "/api/v1/orgs/lab/projects", json!({ "slug": "far" })).await?;
    let main = place.trusts("tools", json!({ "line": MAIN })).await?;
    let line = "repo:acme/warehouse:environment:production";
    let production = place.trusts("tools", json!({ "line": line })).await?;
    let staging = json!({ "line": "repo:acme/warehouse:environment:staging" });
    let staging = place.trusts("far", staging).await?;

    // The same once more is no second policy.
    let again = json!({
        "issuer": place.github.issuer(), "line": MAIN, "permissions": "project:publish",
    });
    let path = "/api/v1/orgs/lab/projects/tools/trust";
    let answer = place.city.call("POST", path, Some(&place.owner), Some(again)).await?;
    assert_eq!((answer.status.as_u16(), answer.get("code")), (409, "policy_exists".into()));
    assert!(answer.get("detail").contains(&text(&main, "id")?), "{answer:?}");

    // First seen on main; whoever has the name afterwards comes to every door.
    place.exchanged(&Job::default()).await?;
    let at = |environment: &str, id| Job {
        environment: Some(environment.to_owned()),
        repository_id: id,
        ..Job::default()
    };
    let theirs = Job { repository_id: 999, ..Job::default() };
    for job in [&theirs, &at("production", 999), &at("staging", 999)] {
        assert_eq!(place.brings(&place.token(job), json!({})).await?.status, 403, "{job:?}");
    }
    for policy in [&production, &staging] {
        let one = place.get(&format!("/api/v1/trust/{}", text(policy, "id")?)).await?;
        assert_eq!(one["pins"], json!([]), "{one}");
    }
    let denied = place.denied().await?;
    let why = "repository_id is 999, and acme/warehouse is pinned with 200.";
    for project in ["tools", "far"] {
        let told = denied.iter().filter(|it| it["project"] == project && it["alarm"] == true);
        assert!(told.clone().any(|it| it["why"] == why), "{project}: {denied:?}");
    }
    place.exchanged(&at("production", 200)).await?;

    // Whoever manages one project says that it is theirs, at a policy that has not seen it.
    let alarm = denied.iter().find(|it| it["project"] == "far").context("an alarm")?;
    let explained = place.get(&format!("/api/v1/trust/denied/{}", text(alarm, "id")?)).await?;
    let changed = explained["policies"][0]["changed"][0].clone();
    let path = format!("/api/v1/trust/{}/repin", text(&staging, "id")?);
    let answer = place.city.call("POST", &path, Some(&place.owner), Some(changed)).await?;
    assert_eq!((answer.status.as_u16(), &answer.json()["pins"][0]["id"]), (200, &json!("999")));
    place.exchanged(&at("staging", 999)).await?;
    assert_eq!(place.brings(&place.token(&theirs), json!({})).await?.status, 403);
    Ok(())
}
