//! Jobs that are let in: a repository added in one form, a denied job explained, and let in by the
//! least rule with one click.

use anyhow::Result;
use hallpass_core::wire::path;
use hallpass_testkit::browser::Options;
use hallpass_testkit::github::{GitHub, Job};
use hallpass_testkit::oauth::Answer;
use hallpass_testkit::server::Plan;
use reqwest::StatusCode;
use serde_json::json;

use crate::gallery::keep;
use crate::scene::Scene;

/// A job knocks; whether it is let in.
async fn knock(scene: &Scene, github: &GitHub, job: &Job) -> Result<StatusCode> {
    let body = json!({ "token": github.token(job, &scene.server.url()) });
    let http = scene.server.http()?.build()?;
    Ok(Answer::of(http.post(scene.server.at(path::OIDC_EXCHANGE)).json(&body)).await?.status)
}

// proves: RB09, HP04, HP05, jobs-3
#[tokio::test]
async fn a_repository_is_added_and_a_denied_job_is_let_in_with_one_click() -> Result<()> {
    let github = GitHub::start().await?;
    let plan = Plan::new().set("trust_private_issuers", github.issuer());
    let scene = Scene::of(plan, Options::default()).await?;
    let (browser, server) = (&scene.browser, &scene.server);
    server.admin(&["org", "create", "acme", "--owner", &scene.ada.email], "").await?;
    server.admin(&["project", "create", "acme/warehouse"], "").await?;
    scene.sign_in().await?;
    browser.goto(&server.at("/orgs/acme/trust")).await?;
    browser.find("#no-policies").await?;
    keep(browser, "trust-none").await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());

    // A whole organization and any branch: said aloud, and not made.
    browser.fill("#whose", "acme").await?;
    browser.fill("#branch", "*").await?;
    browser.click("#scope-1").await?;
    browser.click("#other-issuer summary").await?;
    browser.fill("#issuer", github.issuer()).await?;
    browser.click("#add #submit").await?;
    browser.shows("#notice", "dangerous").await?;
    browser.find("#accept-whole_organization").await?;
    keep(browser, "trust-dangerous").await?;
    // One branch of one repository is what was meant.
    browser.fill("#whose", "acme/warehouse").await?;
    browser.fill("#branch", "main").await?;
    browser.click("#add #submit").await?;
    browser.shows("#notice", "are let in").await?;
    browser.shows("#policies", "acme/warehouse").await?;

    assert_eq!(knock(&scene, &github, &Job::default()).await?, StatusCode::OK);
    let release = Job { git_ref: "refs/heads/release".to_owned(), ..Job::default() };
    assert_ne!(knock(&scene, &github, &release).await?, StatusCode::OK);
    // Somebody else has the name now.
    let stranger = Job { repository_id: 999, ..Job::default() };
    assert_ne!(knock(&scene, &github, &stranger).await?, StatusCode::OK);

    browser.goto(&server.at("/orgs/acme/projects/warehouse/trust")).await?;
    browser.shows(".alarm", "another id").await?;
    browser.shows("#let_in", "acme/warehouse").await?;
    keep(browser, "trust").await?;
    let id = {
        let ada = hallpass_testkit::person::Person::signed_in(server, &scene.ada).await?;
        let page = ada.get("/orgs/acme/projects/warehouse/trust").await?.body;
        let at = page.find("refs/heads/release").expect("the denied job");
        let from = page[..at].rfind("id=\"trd_").expect("its id") + 4;
        page[from..].split('"').next().unwrap_or_default().to_owned()
    };
    browser.goto(&server.at(&format!("/orgs/acme/projects/warehouse/trust/denied/{id}"))).await?;
    browser.shows(".checks .failed", "refs/heads/release").await?;
    keep(browser, "trust-denied").await?;
    browser.click("#allow-it").await?;
    browser.shows("#notice", "are let in").await?;
    assert_eq!(knock(&scene, &github, &release).await?, StatusCode::OK);

    // The stranger is the same team, under a repository that was made anew: they say so.
    browser.goto(&server.at("/orgs/acme/projects/warehouse/trust")).await?;
    browser.click(".alarm a").await?;
    browser.shows(".repin", "came with 999").await?;
    keep(browser, "trust-other-id").await?;
    browser.click(".repin button").await?;
    browser.shows("#notice", "new id counts").await?;
    keep(browser, "trust-new-id").await?;
    assert_eq!(knock(&scene, &github, &stranger).await?, StatusCode::OK);
    assert_ne!(knock(&scene, &github, &Job::default()).await?, StatusCode::OK);

    browser.click("#policies li:first-child summary").await?;
    browser.click("#policies li:first-child .remove button").await?;
    browser.shows("#notice", "is removed").await?;
    // An issuer that nobody will ask is said to be that, at once.
    browser.fill("#whose", "acme/plant").await?;
    browser.click("#scope-1").await?;
    browser.click("#other-issuer summary").await?;
    browser.fill("#issuer", "https://10.0.0.1").await?;
    browser.click("#add #submit").await?;
    browser.shows("#policies", "name it in trust_private_issuers").await?;
    keep(browser, "trust-private-issuer").await?;

    // To whoever has no role there, there is no such page.
    let bo = server.person("bo@example.com", "Bo").await?;
    let bo = hallpass_testkit::person::Person::signed_in(server, &bo).await?;
    for path in ["/orgs/acme/trust".to_owned(), format!("/orgs/acme/trust/denied/{id}")] {
        assert_eq!(bo.get(&path).await?.status, StatusCode::NOT_FOUND, "{path}");
    }
    scene.browser.close().await
}
